/**
 * A leader between its election and the moment at which all replicas in sync have the log that it begins with. Its log may end
 * with messages that were never acknowledged and that nobody else has; should it be lost now, another one leads without them.
 * So nothing of it may be seen: whatever clients ask for waits, which takes a fraction of a second as a rule. Served at once is
 * what the replicas need, and what only tells how the broker is.
 *
 * Source: ours.
 *
 * @module
 */
import type { Clock } from "../common/clock.ts";
import { RequestCode, ResponseCode } from "../protocol/codes.ts";
import { ResponseError } from "../protocol/response_error.ts";
import type { Reply } from "../remoting/command.ts";
import type { FastHandlerTable, Handler, HandlerTable, Request } from "../remoting/handler.ts";

/** What is served before: what replicas ask for, and what shows and changes no message and no offset. */
const SERVED_AT_ONCE: ReadonlySet<number> = new Set([
  RequestCode.EXCHANGE_BROKER_HA_INFO,
  RequestCode.GET_BROKER_HA_STATUS,
  RequestCode.GET_ALL_TOPIC_CONFIG,
  RequestCode.GET_ALL_CONSUMER_OFFSET,
  RequestCode.GET_ALL_DELAY_OFFSET,
  RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG,
  RequestCode.GET_ALL_MESSAGE_REQUEST_MODE,
  RequestCode.GET_TIMER_CHECK_POINT,
  RequestCode.HEART_BEAT,
  RequestCode.UNREGISTER_CLIENT,
  RequestCode.GET_BROKER_RUNTIME_INFO,
  RequestCode.GET_BROKER_CONFIG,
]);
/** No request waits longer: its client is about to give up. */
const WAIT_MS = 2000;
/** More do not wait. */
const WAITING_MAX = 10_000;

/** The opening of one term; see the module's text. */
export class TermOpening {
  readonly #clock: Clock;
  #isOpen = false;
  #waiting: ((isOpen: boolean) => void)[] = [];

  /** Not open yet. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether it was {@linkcode open}ed. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Everything is served from now on. */
  open(): void {
    this.#isOpen = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve(true);
  }

  /** The same handlers, of which most wait for the opening. */
  hold(handlers: HandlerTable): HandlerTable {
    const held = ([code, own]: [number, Handler]): [number, Handler] => [code, this.#held(own)];
    return new Map([...handlers].map((entry) => SERVED_AT_ONCE.has(entry[0]) ? entry : held(entry)));
  }

  /** The same handlers, which leave everything to the general ones before the opening. */
  holdFast(handlers: FastHandlerTable): FastHandlerTable {
    return new Map([...handlers].map(([code, own]) => [code, (frame, from) => this.#isOpen && own(frame, from)]));
  }

  #held(own: Handler): Handler {
    return (request) => this.#isOpen ? own(request) : this.#later(own, request);
  }

  async #later(own: Handler, request: Request): Promise<Reply | null> {
    if (await this.#opened()) return await own(request);
    throw new ResponseError(
      ResponseCode.SERVICE_NOT_AVAILABLE,
      "this broker has just been elected, and the replicas in sync do not have its log yet: try again",
    );
  }

  /** Whether it was opened in time. */
  #opened(): Promise<boolean> {
    if (this.#waiting.length >= WAITING_MAX) return Promise.resolve(false);
    return new Promise((resolve) => {
      const timer = this.#clock.after(WAIT_MS, () => {
        this.#waiting = this.#waiting.filter((each) => each !== settle);
        resolve(false);
      });
      const settle = (isOpen: boolean) => {
        timer.cancel();
        resolve(isOpen);
      };
      this.#waiting.push(settle);
    });
  }
}
