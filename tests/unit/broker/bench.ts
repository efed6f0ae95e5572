/**
 * The tables of a broker behind its handlers on a simulated network, with a store of which a test says what is in it, and
 * frames captured between RocketMQ's programs and its broker.
 *
 * @module
 */
import { EMPTY, putBigI64, putI32, putI64, utf8Text } from "../../../src/common/bytes.ts";
import { JsonFile } from "../../../src/common/json_file.ts";
import { ClientNotifier } from "../../../src/broker/client_notify.ts";
import { ClientTable } from "../../../src/broker/clients.ts";
import { GroupTable } from "../../../src/broker/groups.ts";
import { adminBrokerHandlers } from "../../../src/broker/handlers/admin_broker.ts";
import { adminClientHandlers } from "../../../src/broker/handlers/admin_clients.ts";
import { adminOffsetHandlers } from "../../../src/broker/handlers/admin_offsets.ts";
import { clientHandlers } from "../../../src/broker/handlers/client.ts";
import { groupHandlers } from "../../../src/broker/handlers/group.ts";
import { lockHandlers } from "../../../src/broker/handlers/lock.ts";
import { offsetHandlers } from "../../../src/broker/handlers/offset.ts";
import { topicHandlers } from "../../../src/broker/handlers/topic.ts";
import { ConsumerOffsets } from "../../../src/broker/offsets.ts";
import { type BrokerOptions, defaultBrokerOptions } from "../../../src/broker/options.ts";
import { QueueLocks } from "../../../src/broker/queue_locks.ts";
import { BrokerStats } from "../../../src/broker/stats.ts";
import { TableAnswers } from "../../../src/broker/table_answers.ts";
import { TopicTable } from "../../../src/broker/topics.ts";
import type { SubscriptionData } from "../../../src/protocol/bodies/heartbeat.ts";
import { parseJson } from "../../../src/protocol/json.ts";
import { RemotingClient } from "../../../src/remoting/client.ts";
import { ResponseCode } from "../../../src/protocol/codes.ts";
import { ResponseError } from "../../../src/protocol/response_error.ts";
import { type Command } from "../../../src/remoting/command.ts";
import { decodeFrame, FrameReader } from "../../../src/remoting/frame.ts";
import type { HandlerTable } from "../../../src/remoting/handler.ts";
import { RemotingServer } from "../../../src/remoting/server.ts";
import type { StoreQueue } from "../../../src/store/store.ts";
import { type SimProcess, type SimWorld, simWorld } from "../../support/world.ts";

/** Where the bench listens: the first machine of its world. */
export const BROKER_ADDR = "10.0.0.1:10911";

/** A queue of the fake store: a message for each offset from `min` on. */
export interface FakeQueue {
  readonly min: number;
  readonly storeTimes: number[];
  /** Physical offset, size and tags code of each message. */
  readonly units?: readonly (readonly [number, number, number])[];
}

/** A store of which a test says what is in it. */
export class FakeStore {
  readonly queues = new Map<string, FakeQueue>();
  readonly deleted: string[] = [];
  readonly records = new Map<number, Uint8Array>();
  cleaned = 0;

  set(topic: string, queueId: number, queue: FakeQueue): void {
    this.queues.set(`${topic}@${queueId}`, queue);
  }

  #get(topic: string, queueId: number): FakeQueue | undefined {
    return this.queues.get(`${topic}@${queueId}`);
  }

  queue(topic: string, queueId: number): StoreQueue | null {
    if (this.#get(topic, queueId) === undefined) return null;
    const [minOffset, maxOffset] = [this.minOffset(topic, queueId), this.maxOffset(topic, queueId)];
    return { topic, queueId, minOffset, maxOffset } as StoreQueue;
  }

  maxOffset(topic: string, queueId: number): number {
    const queue = this.#get(topic, queueId);
    return queue === undefined ? 0 : queue.min + queue.storeTimes.length;
  }

  minOffset(topic: string, queueId: number): number {
    return this.#get(topic, queueId)?.min ?? 0;
  }

  storeTimeAt(topic: string, queueId: number, offset: number): Promise<number> {
    const queue = this.#get(topic, queueId);
    return Promise.resolve(queue?.storeTimes[offset - queue.min] ?? -1);
  }

  earliestStoreTime(topic: string, queueId: number): Promise<number> {
    return this.storeTimeAt(topic, queueId, this.minOffset(topic, queueId));
  }

  offsetByTime(topic: string, queueId: number, timestamp: number): Promise<number> {
    const queue = this.#get(topic, queueId);
    if (queue === undefined) return Promise.resolve(0);
    const index = queue.storeTimes.findIndex((time) => time >= timestamp);
    return Promise.resolve(queue.min + (index < 0 ? queue.storeTimes.length : index));
  }

  unitsAt(topic: string, queueId: number, offset: number, count: number): Promise<Uint8Array> {
    const queue = this.#get(topic, queueId);
    const first = offset - (queue?.min ?? 0);
    const units = (queue?.units ?? queue?.storeTimes.map(() => [0, 100, 0] as const) ?? []).slice(first, first + count);
    const bytes = new Uint8Array(units.length * 20);
    for (const [i, [position, size, tagsCode]] of units.entries()) {
      putI64(bytes, i * 20, position);
      putI32(bytes, i * 20 + 8, size);
      putBigI64(bytes, i * 20 + 12, BigInt(tagsCode));
    }
    return Promise.resolve(bytes);
  }

  messageAt(physicalOffset: number): Promise<Uint8Array | null> {
    return Promise.resolve(this.records.get(physicalOffset) ?? null);
  }

  topics(): string[] {
    return [...new Set([...this.queues.keys()].map((key) => key.slice(0, key.indexOf("@"))))];
  }

  deleteTopic(topic: string): void {
    this.deleted.push(topic);
    for (const key of [...this.queues.keys()]) if (key.startsWith(`${topic}@`)) this.queues.delete(key);
  }

  deleteExpiredFilesNow(): void {
    this.cleaned++;
  }

  figures() {
    return {
      minPhysicalOffset: 0,
      maxPhysicalOffset: 1000,
      flushedOffset: 1000,
      readableOffset: 1000,
      indexBehindBytes: 0,
      dirtyUnits: 0,
      queueCount: this.queues.size,
      openFiles: 1,
      diskUsedRatio: 0.5,
      lastStoreTimestamp: 0,
    };
  }
}

/** The tables of a broker on one process. */
export class Bench {
  readonly options: BrokerOptions;
  readonly topics: TopicTable;
  readonly groups: GroupTable;
  readonly offsets: ConsumerOffsets;
  readonly clients: ClientTable;
  readonly locks: QueueLocks;
  readonly stats: BrokerStats;
  readonly notifier: ClientNotifier;
  readonly store = new FakeStore();
  readonly handlers: HandlerTable;
  readonly server: RemotingServer;

  constructor(readonly process: SimProcess, overrides: Partial<BrokerOptions> = {}) {
    const { clock, disk, net, random } = process;
    const log = process.logging.logger("broker");
    const options = defaultBrokerOptions({ brokerName: "broker-a", ...overrides });
    const persisted = (name: string) => ({ clock, log, file: new JsonFile(disk, `/store/config/${name}.json`) });
    this.options = options;
    this.topics = new TopicTable({ ...persisted("topics"), options, hasTimer: true });
    this.groups = new GroupTable({ ...persisted("subscriptionGroup"), options });
    this.offsets = new ConsumerOffsets({ ...persisted("consumerOffset"), options });
    this.topics.load();
    this.groups.load();
    this.offsets.load();
    this.clients = new ClientTable({ clock, log, random, expiryMs: options.channelExpiredTimeout });
    this.locks = new QueueLocks(clock, log);
    this.stats = new BrokerStats(clock, options.brokerClusterName, (topic) => this.topics.system.has(topic));
    this.notifier = new ClientNotifier(this.groups, options, clock, log);
    this.clients.onGroupChange((group) => this.notifier.groupChanged(group));
    this.handlers = this.#handlers();
    this.server = new RemotingServer({ net, clock, log, idleMs: 3_600_000 });
    this.server.listen({ host: "0.0.0.0", port: 10911 }, this.handlers);
  }

  #handlers(): HandlerTable {
    const { topics, groups, offsets, clients, stats, store, notifier, options, locks } = this;
    const filters = {
      check({ subString }: SubscriptionData) {
        if (subString.includes("===")) throw new ResponseError(ResponseCode.SUBSCRIPTION_PARSE_FAILED, "at position 2");
      },
      register() {},
    };
    const announced = () => topics.saved();
    const brokerAddr = "127.0.0.1:20911";
    const isSlave = () => false;
    const { clock } = this.process;
    const tableAnswers = new TableAnswers(clock);
    const runtimeInfo = () => Promise.resolve(new Map([["brokerVersionDesc", "V5_5_0"]]));
    return new Map([
      ...clientHandlers({ clients, groups, topics, locks, options, filters }),
      ...lockHandlers(locks),
      ...offsetHandlers({ offsets, groups, topics, store, youngBytes: 100_000 }),
      ...topicHandlers({ topics, offsets, clients, stats, store, options, tableAnswers, announced }),
      ...groupHandlers({ groups, offsets, clients, stats, options, tableAnswers, brokerAddr }),
      ...adminClientHandlers({ clients, groups, topics, notifier, store, brokerName: options.brokerName }),
      ...adminOffsetHandlers({
        offsets,
        topics,
        groups,
        clients,
        stats,
        notifier,
        store,
        clock,
        tableAnswers,
        options,
        brokerAddr,
        isSlave,
      }),
      ...adminBrokerHandlers({
        stats,
        clients,
        topics,
        store,
        log: this.process.logging.logger("broker"),
        runtimeInfo,
      }),
    ]);
  }

  /** Saves and stops. */
  async close(): Promise<void> {
    await this.server.close();
    this.stats.close();
    this.clients.close();
    this.offsets.close();
    this.groups.close();
    this.topics.close();
  }
}

/** Runs a test beside a bench on the machine `broker`. */
export async function withBench(
  overrides: Partial<BrokerOptions>,
  test: (bench: Bench, world: SimWorld) => Promise<void>,
): Promise<void> {
  await simWorld(7).run(async (world) => {
    const bench = new Bench(world.machine("broker").boot(), overrides);
    await test(bench, world);
    await bench.close();
  });
}

/** A client on a machine of its own; `received` holds what the broker asked of it. */
export function peer(world: SimWorld, name: string, answer: (request: Command) => Uint8Array | null = () => null) {
  const process = world.machine(name).boot();
  const received: Command[] = [];
  const handlers: HandlerTable = new Map(
    [40, 220, 221, 307, 309].map((code) => [code, ({ command }) => {
      received.push(command);
      const body = answer(command);
      return body === null ? null : { body };
    }]),
  );
  const client = new RemotingClient({
    net: process.net,
    clock: process.clock,
    log: process.logging.logger(name),
    handlers,
  });
  const ask = (code: number, ext: Record<string, string> = {}, body: Uint8Array = EMPTY) =>
    client.invoke(BROKER_ADDR, { code, ext, body }, 3000);
  /** Sends what was captured of a peer, by this client. */
  const replay = (name: string) => {
    const { code, ext, body } = golden(name).request;
    return ask(code, ext, body);
  };
  return { process, client, received, ask, replay };
}

/** A captured exchange. */
export interface GoldenExchange {
  readonly request: Command;
  /** What RocketMQ answered; null when the request was one-way. */
  readonly response: Command | null;
}

/** The exchange in the file `name.json`. */
export function golden(name: string): GoldenExchange {
  const url = new URL(`../../golden/broker/${name}.json`, import.meta.url);
  const json = JSON.parse(Deno.readTextFileSync(url)) as { request: { hex: string }; response?: { hex: string } };
  return {
    request: readFrame(Uint8Array.fromHex(json.request.hex)),
    response: json.response === undefined ? null : readFrame(Uint8Array.fromHex(json.response.hex)),
  };
}

/** The body of what RocketMQ answered, as text. */
export function goldenBody(name: string): string {
  return utf8Text(golden(name).response!.body);
}

/** A body as a value, queues as keys of maps turned into text so that they can be compared. */
export function comparable(body: Uint8Array | string): unknown {
  return flatten(parseJson(typeof body === "string" ? body : utf8Text(body)));
}

function flatten(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(flatten);
  if (typeof value !== "object" || value === null) return value;
  const entries = value instanceof Map
    ? [...value].map(([key, member]) => [JSON.stringify(key), member] as const)
    : Object.entries(value);
  return Object.fromEntries(entries.map(([key, member]) => [key, flatten(member)]));
}

/** The command in exactly one frame. */
function readFrame(bytes: Uint8Array): Command {
  const reader = new FrameReader();
  for (let at = 0; at < bytes.length;) {
    const space = reader.space();
    const part = bytes.subarray(at, at + space.length);
    space.set(part);
    reader.received(part.length);
    at += part.length;
    if (reader.next()) return decodeFrame(reader);
  }
  throw new Error("no whole frame");
}
