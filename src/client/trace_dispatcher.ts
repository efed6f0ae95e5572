/**
 * Collects trace records of one producer or consumer and sends them in messages of several, keyed by the ids and keys of the
 * messages that they are about, so that a query for one of those finds them. Nothing waits for it: records beyond the limit
 * are dropped and counted, and a trace message that cannot be sent is logged.
 *
 * Source: RocketMQ `AsyncTraceDispatcher`.
 *
 * @module
 */
import type { Timer } from "../common/clock.ts";
import { messageOf } from "../common/errors.ts";
import { KEY_SEPARATOR } from "../protocol/message.ts";
import { SystemTopic } from "../protocol/names.ts";
import { encodeTraceRecord, type TraceRecord } from "../protocol/trace.ts";
import type { ClientInstance } from "./instance.ts";
import { producerSettings } from "./options.ts";
import { prepareSend } from "./send_request.ts";
import { Sender } from "./sender.ts";

/** Groups whose records are waiting at most; those that come then are dropped. */
const WAITING_MAX = 2048;
/** As many groups of records are sent at once. */
const BATCH_SIZE = 20;
/** Sooner, when they have waited this long. */
const FLUSH_INTERVAL_MS = 5000;
/** A body is closed when it has this many characters. */
const BODY_LENGTH_MAX = 128_000;
const SEND_TIMEOUT_MS = 5000;

let dispatchers = 0;

/** Records of one call: of one send, or of the messages that a listener got together. */
interface TraceGroup {
  readonly topic: string;
  readonly records: readonly TraceRecord[];
}

/** Whose trace it is, and where it goes. */
export interface TraceOptions {
  readonly group: string;
  readonly kind: "PRODUCE" | "CONSUME";
  /** `RMQ_SYS_TRACE_TOPIC` when null. */
  readonly topic: string | null;
}

/** See the module's text. */
export class TraceDispatcher {
  /** Where traces go; messages to it are not traced. */
  readonly topic: string;
  readonly #instance: ClientInstance;
  readonly #sender: Sender;
  readonly #limits: ReturnType<typeof producerSettings>;
  readonly #sending = new Set<Promise<void>>();
  #waiting: TraceGroup[] = [];
  #timer: Timer | null = null;
  #dropped = 0;

  constructor(instance: ClientInstance, { group, kind, topic }: TraceOptions) {
    this.topic = topic ?? SystemTopic.TRACE;
    this.#instance = instance;
    this.#limits = producerSettings({
      group: `_INNER_TRACE_PRODUCER-${group}-${kind}-${++dispatchers}`,
      sendMsgTimeoutMs: SEND_TIMEOUT_MS,
    });
    this.#sender = new Sender(instance, this.#limits);
  }

  /** How many records were dropped, because they came faster than they could be sent. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Takes records about messages of one topic. */
  append(topic: string, records: readonly TraceRecord[]): void {
    if (records.length === 0) return;
    if (this.#waiting.length >= WAITING_MAX) {
      this.#dropped += records.length;
      return;
    }
    this.#waiting.push({ topic, records });
    if (this.#waiting.length >= BATCH_SIZE) this.#flushWaiting();
    else this.#timer ??= this.#instance.world.clock.after(FLUSH_INTERVAL_MS, () => this.#flushWaiting());
  }

  /** Sends what is waiting; resolves when all has been sent or failed. */
  async flush(): Promise<void> {
    this.#flushWaiting();
    await Promise.all(this.#sending);
  }

  #flushWaiting(): void {
    this.#timer?.cancel();
    this.#timer = null;
    const groups = this.#waiting;
    this.#waiting = [];
    const byTopic = new Map<string, TraceRecord[]>();
    for (const { topic, records } of groups) byTopic.set(topic, [...(byTopic.get(topic) ?? []), ...records]);
    for (const records of byTopic.values()) this.#sendRecords(records);
  }

  #sendRecords(records: readonly TraceRecord[]): void {
    let body = "";
    let keys = new Set<string>();
    for (const record of records) {
      body += encodeTraceRecord(record);
      for (const key of traceKeys(record)) keys.add(key);
      if (body.length < BODY_LENGTH_MAX) continue;
      this.#send(body, keys);
      body = "";
      keys = new Set();
    }
    if (body !== "") this.#send(body, keys);
  }

  #send(body: string, keys: ReadonlySet<string>): void {
    const { uniqueIds, world } = this.#instance;
    const message = { topic: this.topic, body, keys: [...keys] };
    const prepared = prepareSend(message, this.#limits, () => uniqueIds.next());
    const sending = this.#sender.send(prepared, SEND_TIMEOUT_MS).then(
      () => {},
      (error) => world.log.error(`cannot send the trace of ${[...keys].join(" ")}: ${messageOf(error)}`),
    );
    this.#sending.add(sending);
    sending.finally(() => this.#sending.delete(sending));
  }
}

/** By what a record is found: the message's id, those of a batch one by one, and the message's keys. */
export function traceKeys(record: TraceRecord): string[] {
  const keys = record.type === "Recall" ? null : record.keys;
  return [...record.msgId.split(","), ...(keys ?? "").split(KEY_SEPARATOR)].filter((key) => key !== "");
}
