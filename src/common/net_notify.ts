/**
 * Tells systemd how far a service is: `Type=notify` units wait for `READY=1`. The messages are datagrams to the socket in
 * NOTIFY_SOCKET, as sd_notify(3) describes it; without that variable nothing is sent.
 *
 * Deno has such sockets behind a flag that the executable is compiled with (`--unstable-net`). From source without the flag,
 * and on systems without them, the service manager is told nothing, and a line says so.
 *
 * @module
 */
import { utf8 } from "./bytes.ts";
import type { Environment } from "./environment.ts";
import { messageOf } from "./errors.ts";

/** What a service says to the manager that started it. Nothing here fails: it is told best. */
export interface ServiceManager {
  /** Everything is served from now on; also the end of a reload. */
  ready(status: string): void;
  /** A line for `systemctl status`. */
  status(text: string): void;
  /** Start or stop takes longer than usual and goes on: at least this much more time is needed. */
  extend(moreMs: number, status: string): void;
  /** The configuration is being read again, since the monotonic time in microseconds. */
  reloading(monotonicUs: number): void;
  /** The service ends by itself from here. */
  stopping(): void;
}

/** A manager that nobody listens as. */
export const NO_SERVICE_MANAGER: ServiceManager = {
  ready() {},
  status() {},
  extend() {},
  reloading() {},
  stopping() {},
};

/** The part of Deno's unstable API that is used here. */
interface DatagramSocket {
  send(bytes: Uint8Array, to: { transport: "unixpacket"; path: string }): Promise<number>;
}
type ListenDatagram = (options: { transport: "unixpacket"; path: string }) => DatagramSocket;

/** The manager that started this process, if any. @param warn takes a line when it is there but cannot be told. */
export function serviceManager(environment: Environment, warn: (text: string) => void): ServiceManager {
  const path = environment.variable("NOTIFY_SOCKET");
  if (path === undefined) return NO_SERVICE_MANAGER;
  const fail = (why: string) => warn(`systemd is not told that the service is ready: ${why}`);
  const listenDatagram = (Deno as unknown as { listenDatagram?: ListenDatagram }).listenDatagram;
  if (listenDatagram === undefined) {
    fail("this Deno was started without --unstable-net; use the compiled executable, or Type=exec");
    return NO_SERVICE_MANAGER;
  }
  try {
    const socket = bindSender(listenDatagram, environment);
    const to = { transport: "unixpacket", path: path.replace(/^@/, "\0") } as const;
    let last = Promise.resolve();
    // One after the other: the order carries the meaning.
    const send = (lines: string[]) => {
      last = last.then(() => socket.send(utf8(lines.join("\n")), to)).then(() => {}, (error) => fail(messageOf(error)));
    };
    return {
      ready: (status) => send(["READY=1", `STATUS=${status}`]),
      status: (text) => send([`STATUS=${text}`]),
      extend: (moreMs, status) => send([`EXTEND_TIMEOUT_USEC=${Math.round(moreMs * 1000)}`, `STATUS=${status}`]),
      reloading: (monotonicUs) => send(["RELOADING=1", `MONOTONIC_USEC=${Math.round(monotonicUs)}`]),
      stopping: () => send(["STOPPING=1"]),
    };
  } catch (error) {
    fail(messageOf(error));
    return NO_SERVICE_MANAGER;
  }
}

/** A socket to send from. It needs a name to be made, and keeps working when the name is gone. */
function bindSender(listenDatagram: ListenDatagram, environment: Environment): DatagramSocket {
  const directory = environment.variable("RUNTIME_DIRECTORY") ?? environment.variable("TMPDIR") ?? "/tmp";
  const path = `${directory.split(":")[0]}/rucola-notify-${Deno.pid}.sock`;
  try {
    Deno.removeSync(path); // of an earlier process with this id
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const socket = listenDatagram({ transport: "unixpacket", path });
  Deno.removeSync(path);
  return socket;
}
