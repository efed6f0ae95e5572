/**
 * The send path of a broker on a real store and a simulated network, behind two ports: on one requests meet the fast path
 * first, on the other only the general one.
 *
 * @module
 */
import { Interner } from "../../../src/common/intern.ts";
import { JsonFile } from "../../../src/common/json_file.ts";
import type { Socket } from "../../../src/common/net.ts";
import { DelayLevels } from "../../../src/broker/delay_levels.ts";
import { FastSend } from "../../../src/broker/fast_send.ts";
import { FastTopics } from "../../../src/broker/fast_topics.ts";
import { GroupTable } from "../../../src/broker/groups.ts";
import { sendHandlers } from "../../../src/broker/handlers/send.ts";
import { Identity } from "../../../src/broker/identity.ts";
import { MessagePut } from "../../../src/broker/message_put.ts";
import { type BrokerOptions, defaultBrokerOptions } from "../../../src/broker/options.ts";
import { refusedReply } from "../../../src/broker/put_remarks.ts";
import { ipBytes } from "../../../src/common/ip.ts";
import { QueueLocks } from "../../../src/broker/queue_locks.ts";
import { SendAdmission } from "../../../src/broker/send_admission.ts";
import { SendReplyWriter } from "../../../src/broker/send_reply.ts";
import { BrokerStats } from "../../../src/broker/stats.ts";
import { TopicTable } from "../../../src/broker/topics.ts";
import { RequestCode } from "../../../src/protocol/codes.ts";
import type { Command } from "../../../src/remoting/command.ts";
import { decodeFrame, FrameReader } from "../../../src/remoting/frame.ts";
import type { FastHandler } from "../../../src/remoting/handler.ts";
import { RemotingServer } from "../../../src/remoting/server.ts";
import { defaultStoreOptions, MessageStore, type StoreOptions } from "../../../src/store/store.ts";
import type { SimProcess } from "../../support/world.ts";

const FAST_PORT = 10911;
const GENERAL_PORT = 10912;

/** What a bench may be told to do otherwise. */
export interface SendBenchOptions {
  readonly broker?: Partial<BrokerOptions>;
  readonly store?: Partial<StoreOptions>;
  readonly isSlave?: () => boolean;
  readonly brokerPermission?: () => number;
}

/** The bench; see the module's text. */
export class SendBench {
  /** Requests that the fast path has taken. */
  taken = 0;
  readonly stats: BrokerStats;
  readonly put: MessagePut;
  readonly #server: RemotingServer;

  private constructor(
    readonly process: SimProcess,
    readonly ip: string,
    readonly options: BrokerOptions,
    readonly store: MessageStore,
    readonly topics: TopicTable,
    readonly groups: GroupTable,
    readonly locks: QueueLocks,
    private readonly given: SendBenchOptions,
  ) {
    const { clock, net, random } = process;
    const log = process.logging.logger("broker");
    this.stats = new BrokerStats(clock, options.brokerClusterName, (topic) => topics.system.has(topic));
    this.put = new MessagePut(store);
    this.put.addRewriter(new DelayLevels(defaultStoreOptions("/store").messageDelayLevel).rewrite);
    const identity = new Identity(options, { hostBytes: ipBytes(ip)!, port: FAST_PORT }, clock, random);
    const { regionId, traceOn, brokerClusterName: clusterName, brokerName, brokerIP1 } = options;
    const facts = { maxMessageSize: 4194304, refusal: () => store.refusal() };
    const isSlave = given.isSlave ?? (() => false);
    const brokerPermission = given.brokerPermission ?? (() => 6);
    const admission = new SendAdmission(topics, groups, locks, clock, {
      brokerPermission,
      brokerIP1,
      acceptsFromMs: 0,
      isSlave,
    });
    const { ids, uniqueKey } = identity;
    const settings = { ...facts, ids, regionId, traceOn, clusterName, brokerName, uniqueKey };
    const handlers = sendHandlers({ store, put: this.put, admission, counter: this.stats, random, settings });
    const fast = new FastSend({
      store,
      topics: new FastTopics(topics, () => !isSlave() && (brokerPermission() & 2) !== 0),
      stats: this.stats,
      names: new Interner(),
      reply: new SendReplyWriter({ storeHostHex: identity.hostHex, regionId, traceOn }),
      propertiesSuffix: identity.propertiesSuffix,
      refused: (send, status) => send.connection?.answer(send.asCommand(), refusedReply(status, facts)),
    });
    const counted = (handler: FastHandler): FastHandler => (frame, connection) => {
      const isTaken = handler(frame, connection);
      if (isTaken) this.taken++;
      return isTaken;
    };
    this.#server = new RemotingServer({ net, clock, log, idleMs: 3_600_000 });
    this.#server.listen(
      { host: "0.0.0.0", port: FAST_PORT },
      handlers,
      new Map([
        [RequestCode.SEND_MESSAGE_V2, counted(fast.one)],
        [RequestCode.SEND_BATCH_MESSAGE, counted(fast.batch)],
      ]),
    );
    this.#server.listen({ host: "0.0.0.0", port: GENERAL_PORT }, handlers);
  }

  /** Opens a store and listens. */
  static async open(process: SimProcess, ip: string, given: SendBenchOptions = {}): Promise<SendBench> {
    const { clock, disk, net } = process;
    const log = process.logging.logger("broker");
    const options = defaultBrokerOptions({ brokerName: "broker-a", brokerIP1: ip, ...given.broker });
    const store = await MessageStore.open({
      disk,
      clock,
      log,
      options: defaultStoreOptions("/store", { mappedFileSizeCommitLog: 4194304, ...given.store }),
      storeHost: Uint8Array.from(ip.split(".").map(Number)),
      storePort: FAST_PORT,
      atEndOfTurn: (fn) => net.atEndOfTurn(fn),
    });
    const persisted = (name: string) => ({ clock, log, file: new JsonFile(disk, `/store/config/${name}.json`) });
    const topics = new TopicTable({ ...persisted("topics"), options, hasTimer: true });
    const groups = new GroupTable({ ...persisted("subscriptionGroup"), options });
    topics.load();
    groups.load();
    return new SendBench(process, ip, options, store, topics, groups, new QueueLocks(clock, log), given);
  }

  /** A producer's connection to the port with the fast path. */
  fast(client: SimProcess): Promise<RawPeer> {
    return RawPeer.connect(client, this.ip, FAST_PORT);
  }

  /** A producer's connection to the port without it. */
  general(client: SimProcess): Promise<RawPeer> {
    return RawPeer.connect(client, this.ip, GENERAL_PORT);
  }

  async close(): Promise<void> {
    await this.#server.close();
    this.stats.close();
    this.groups.close();
    this.topics.close();
    await this.store.close();
  }
}

/** A peer that sends bytes and reads frames: what it sends need not be well-formed. */
export class RawPeer {
  readonly #reader = new FrameReader();
  #ended = false;

  constructor(readonly socket: Socket) {}

  static async connect(client: SimProcess, host: string, port: number): Promise<RawPeer> {
    return new RawPeer(await client.net.connect({ host, port }, 3000));
  }

  /** Sends bytes. */
  async send(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.socket.write(bytes.subarray(at));
  }

  /** The next frame, or null when the connection has ended. */
  async receive(): Promise<Command | null> {
    while (!this.#reader.next()) {
      if (this.#ended) return null;
      const count = await this.socket.read(this.#reader.space());
      if (count === null) this.#ended = true;
      else this.#reader.received(count);
    }
    return decodeFrame(this.#reader);
  }

  /** Sends bytes and waits for the next frame. */
  async ask(bytes: Uint8Array): Promise<Command | null> {
    await this.send(bytes);
    return await this.receive();
  }
}
