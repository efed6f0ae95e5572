/**
 * What tests of the store share: a store on a simulated disk and clock, whose turns end when the test says so.
 *
 * @module
 */
import { SimClock } from "../../../src/common/clock_sim.ts";
import type { Disk } from "../../../src/common/disk.ts";
import { SimDisk } from "../../../src/common/disk_sim.ts";
import { SeededRandom } from "../../../src/common/random.ts";
import { utf8, utf8Text } from "../../../src/common/bytes.ts";
import { encodeProperties, tagsCodeOf } from "../../../src/protocol/message.ts";
import { RecordKind, RecordView } from "../../../src/protocol/record.ts";
import {
  AppendMessage,
  AppendResult,
  defaultStoreOptions,
  type MessageFilter,
  MessageStore,
  PullResult,
  PullStatus,
  PutStatus,
  type StoreOptions,
  type StoreQueue,
} from "../../../src/store/store.ts";

/** Options of a small store: several files after a few messages. */
export const SMALL: Partial<StoreOptions> = {
  mappedFileSizeCommitLog: 16384,
  mappedFileSizeConsumeQueue: 200,
  maxHashSlotNum: 50,
  maxIndexNum: 60,
};

/** A message to send. */
export interface TestMessage {
  readonly topic?: string;
  readonly queueId?: number;
  readonly body?: string;
  readonly keys?: string;
  readonly tags?: string;
  readonly uniqueKey?: string;
  readonly sysFlag?: number;
}

/** What was read. */
export interface ReadMessage {
  readonly queueOffset: number;
  readonly physicalOffset: number;
  readonly body: string;
}

/** Statuses after which a reader goes on from `nextBeginOffset`. */
const GOES_ON: ReadonlySet<number> = new Set([
  PullStatus.NO_MATCHED_MESSAGE,
  PullStatus.MESSAGE_WAS_REMOVING,
  PullStatus.OFFSET_TOO_SMALL,
]);

/** A store under test with the world around it. */
export class StoreHarness {
  readonly clock: SimClock;
  readonly disk: Disk;
  readonly options: StoreOptions;
  readonly log: string[] = [];
  readonly arrivals: string[] = [];
  store!: MessageStore;
  readonly #ends: (() => void)[] = [];
  readonly #message = new AppendMessage();

  constructor(disk: Disk, clock: SimClock, options: Partial<StoreOptions> = SMALL) {
    this.disk = disk;
    this.clock = clock;
    this.options = defaultStoreOptions("/store", options);
  }

  /** A harness with a fresh disk. */
  static fresh(options: Partial<StoreOptions> = SMALL, seed = 1): StoreHarness {
    const clock = new SimClock();
    return new StoreHarness(new SimDisk({ random: new SeededRandom(seed), clock }), clock, { ...SMALL, ...options });
  }

  /** Opens the store. */
  async open(storePort = 10911, retentionOptions = this.options): Promise<MessageStore> {
    this.store = await MessageStore.open({
      disk: this.disk,
      clock: this.clock,
      log: {
        info: (text) => void this.log.push(`info ${text}`),
        warn: (text) => void this.log.push(`warn ${text}`),
        error: (text) => void this.log.push(`error ${text}`),
      },
      options: this.options,
      retentionOptions,
      storeHost: new Uint8Array([127, 0, 0, 1]),
      storePort,
      atEndOfTurn: (fn) => void this.#ends.push(fn),
      onArrival: (queue: StoreQueue) => void this.arrivals.push(`${queue.topic}-${queue.queueId}:${queue.maxOffset}`),
    });
    return this.store;
  }

  /** Opens a store on what another harness's disk became. */
  on(disk: Disk): StoreHarness {
    return new StoreHarness(disk, this.clock, this.options);
  }

  /** Appends without ending the turn. */
  append(test: TestMessage, out = new AppendResult()): { status: PutStatus; out: AppendResult } {
    const m = this.#message;
    const properties = new Map<string, string>();
    if (test.keys !== undefined) properties.set("KEYS", test.keys);
    if (test.uniqueKey !== undefined) properties.set("UNIQ_KEY", test.uniqueKey);
    if (test.tags !== undefined) properties.set("TAGS", test.tags);
    m.topic = test.topic ?? "T";
    m.queueId = test.queueId ?? 0;
    m.sysFlag = test.sysFlag ?? 0;
    m.bornTimestamp = this.clock.now();
    m.body = utf8(test.body ?? "hello");
    m.bodyStart = 0;
    m.bodyEnd = m.body.length;
    m.properties = encodeProperties(properties);
    m.propertiesStart = 0;
    m.propertiesEnd = m.properties.length;
    m.tagsCode = tagsCodeOf(test.tags);
    const status = this.store.append(m, out);
    return { status, out };
  }

  /** Ends the turn. */
  endTurn(): void {
    for (const fn of this.#ends.splice(0)) fn();
  }

  /** Appends, ends the turn and returns a promise of the final status. */
  send(test: TestMessage): { out: AppendResult; settled: Promise<PutStatus> } {
    const sent = this.sendInTurn(test);
    this.endTurn();
    return sent;
  }

  /** Appends and asks to be told, without ending the turn. */
  sendInTurn(test: TestMessage): { out: AppendResult; settled: Promise<PutStatus> } {
    const { status, out } = this.append(test);
    const { promise, resolve } = Promise.withResolvers<PutStatus>();
    if (status !== PutStatus.PUT_OK) resolve(status);
    else this.store.whenSafe(out.endOffset, true, { settle: resolve });
    return { out, settled: promise };
  }

  /** Reads a queue from `offset` to its end. */
  async readAll(
    topic: string,
    queueId: number,
    offset = 0,
    filter: MessageFilter | null = null,
  ): Promise<ReadMessage[]> {
    const read: ReadMessage[] = [];
    const out = new PullResult();
    for (let at = offset;;) {
      const status = this.store.pull(this.store.queue(topic, queueId), at, 32, 262144, filter, out);
      if (status === PullStatus.PENDING) await this.store.load(out.missing);
      else if (status === PullStatus.FOUND) { for (const part of out.parts) read.push(...messagesOf(part)); }
      else if (!GOES_ON.has(status)) return read;
      if (status !== PullStatus.PENDING) at = out.nextBeginOffset;
    }
  }
}

/** The messages in a pull's part. */
export function messagesOf(part: Uint8Array): ReadMessage[] {
  const view = new RecordView();
  const found: ReadMessage[] = [];
  for (let at = 0; at < part.length; at += view.size) {
    const kind = view.read(part, at, part.length, -1, true);
    if (kind !== RecordKind.RECORD) throw new Error(`no record at ${at}: ${view.problem}`);
    found.push({
      queueOffset: view.queueOffset,
      physicalOffset: view.physicalOffset,
      body: utf8Text(part.subarray(view.bodyStart, view.bodyEnd)),
    });
  }
  return found;
}
