/**
 * Waiting for the operator to end the process.
 *
 * @module
 */

/** Windows knows no SIGTERM; Ctrl-Break is what comes nearest. */
const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT", "SIGBREAK"] : ["SIGTERM", "SIGINT"];

/** A wait for SIGTERM or SIGINT. */
export interface StopSignal {
  /** Resolves at the first signal, or when somebody calls {@linkcode StopSignal.stop}. */
  readonly promise: Promise<void>;
  /** Ends the wait without a signal. */
  stop(): void;
  /** Gives the signals back to the system: the next one ends the process. */
  ignore(): void;
}

/** Catches SIGTERM and SIGINT until {@linkcode StopSignal.ignore}. */
export function stopSignal(): StopSignal {
  const { promise, resolve } = Promise.withResolvers<void>();
  const listener = () => resolve();
  for (const signal of SIGNALS) Deno.addSignalListener(signal, listener);
  return {
    promise,
    stop: listener,
    ignore: () => {
      for (const signal of SIGNALS) Deno.removeSignalListener(signal, listener);
    },
  };
}
