/**
 * A broker in a worker: the other end of `broker_group.ts`. It is told to stop and to read its configuration again by
 * messages, and says when it is ready and how it ended.
 *
 * @module
 */
import { messageOf } from "../common/errors.ts";
import { NO_SERVICE_MANAGER } from "../common/net_notify.ts";
import { ConfigError } from "../common/options.ts";
import { type BrokerArguments, runOneBroker } from "./broker_run.ts";

/** To a worker. */
export type ToWorker =
  | { readonly kind: "start"; readonly given: BrokerArguments }
  | { readonly kind: "stop" }
  | { readonly kind: "reload" };

/** From a worker. `isFinal`: starting it again would fail again, for its configuration is wrong. */
export type FromWorker =
  | { readonly kind: "ready" }
  | { readonly kind: "ended"; readonly code: number; readonly error: string | null; readonly isFinal: boolean };

/** What a worker's global scope has; the project is checked as a whole with the types of the main thread. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: FromWorker): void;
  close(): void;
}

const scope = self as unknown as WorkerScope;
const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
let reload: (() => void) | null = null;

scope.onmessage = ({ data }) => {
  if (data.kind === "start") run(data.given);
  else if (data.kind === "stop") stop();
  else reload?.();
};

async function run(given: BrokerArguments): Promise<void> {
  let ended: FromWorker;
  try {
    const code = await runOneBroker(given, {
      stopped: { promise: stopped, stop, ignore: () => {} },
      manager: () => ({ ...NO_SERVICE_MANAGER, ready: () => scope.postMessage({ kind: "ready" }) }),
      hangup: (listeners) => ({
        started: () => {
          reload = listeners.reload;
        },
        [Symbol.dispose]: () => {},
      }),
      announce: () => new DisposableStack(),
    });
    ended = { kind: "ended", code, error: null, isFinal: false };
  } catch (error) {
    const isFinal = error instanceof ConfigError;
    ended = { kind: "ended", code: isFinal ? error.exitCode : 255, error: messageOf(error), isFinal };
  }
  scope.postMessage(ended);
  scope.close();
}
