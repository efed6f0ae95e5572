/**
 * SIGHUP: to a service it says that its configuration has changed; to a program in the foreground, that its terminal is gone.
 *
 * @module
 */

/** What a SIGHUP is for. */
export interface HangupListeners {
  /** For a process without a terminal. */
  readonly reload: () => void;
  /** For one that was started from a terminal. */
  readonly end: () => void;
}

/** A process that catches SIGHUP until it is disposed of; the next one then ends the process. */
export interface HangupCatcher extends Disposable {
  /** The process has started: from here on it can reload, and does at once when it was asked to before. */
  started(): void;
}

/** Catches SIGHUP. */
export function catchHangup({ reload, end }: HangupListeners): HangupCatcher {
  let hasStarted = false;
  let isAsked = false;
  const ask = () => {
    isAsked = true;
    if (hasStarted) reload();
  };
  const listener = Deno.stdin.isTerminal() ? end : ask;
  Deno.addSignalListener("SIGHUP", listener);
  return {
    started: () => {
      hasStarted = true;
      if (isAsked) reload();
    },
    [Symbol.dispose]: () => Deno.removeSignalListener("SIGHUP", listener),
  };
}
