/**
 * A broker: builds its parts, gives each what it needs, starts and stops them in order. There is no logic here.
 *
 * Start: store (lock, recovery) → tables → services → ports → registration; a client that gets a route finds everything
 * ready. Stop goes the other way: off the name servers' lists, waiting pulls answered, services, ports, tables, store.
 *
 * RocketMQ counterpart: `BrokerController`.
 *
 * @module
 */
import type { Clock } from "../common/clock.ts";
import type { Disk } from "../common/disk.ts";
import { Interner } from "../common/intern.ts";
import { invariant } from "../common/errors.ts";
import type { Log } from "../common/log.ts";
import { type Address, formatAddress, type Net } from "../common/net.ts";
import type { Random } from "../common/random.ts";
import type { SubscriptionData } from "../protocol/bodies/heartbeat.ts";
import { RequestCode } from "../protocol/codes.ts";
import { Perm } from "../protocol/message.ts";
import { systemError } from "../protocol/response_error.ts";
import { RemotingClient } from "../remoting/client.ts";
import type { FastHandlerTable, Handler, HandlerTable } from "../remoting/handler.ts";
import { RemotingServer } from "../remoting/server.ts";
import { MessageStore, type PutStatus } from "../store/store.ts";
import { ClientNotifier } from "./client_notify.ts";
import { DelayLevels } from "./delay_levels.ts";
import { FastSend } from "./fast_send.ts";
import { FastTopics } from "./fast_topics.ts";
import { HalfMessages } from "./half_messages.ts";
import { clientHandlers } from "./handlers/client.ts";
import { groupHandlers } from "./handlers/group.ts";
import { lockHandlers } from "./handlers/lock.ts";
import { offsetHandlers } from "./handlers/offset.ts";
import { pullHandlers } from "./handlers/pull.ts";
import { queryHandlers } from "./handlers/query.ts";
import { sendHandlers } from "./handlers/send.ts";
import { sendBackHandlers } from "./handlers/send_back.ts";
import { topicHandlers } from "./handlers/topic.ts";
import { transactionHandlers } from "./handlers/transaction.ts";
import { Identity } from "./identity.ts";
import { MessagePut } from "./message_put.ts";
import { PullAdmission } from "./pull_admission.ts";
import { PullHold } from "./pull_hold.ts";
import { refusedReply } from "./put_remarks.ts";
import type { BrokerSettings } from "./read_options.ts";
import { nameServerAddresses, Registration } from "./registration.ts";
import { Schedule } from "./schedule.ts";
import { SendAdmission } from "./send_admission.ts";
import { type PendingSend, SendReplyWriter } from "./send_reply.ts";
import { SystemTopic } from "./system_topics.ts";
import { BrokerTables } from "./tables.ts";
import { TransactionCheck } from "./transaction_check.ts";

/** Requests that are not served on the VIP port: those that may wait. */
const NOT_ON_VIP_PORT: readonly number[] = [
  RequestCode.PULL_MESSAGE,
  RequestCode.LITE_PULL_MESSAGE,
  RequestCode.POP_MESSAGE,
  RequestCode.PEEK_MESSAGE,
  RequestCode.NOTIFICATION,
  RequestCode.POLLING_INFO,
];
/** The VIP port is the main one less this. */
const VIP_PORT_DISTANCE = 2;
const HOUR_MS = 3_600_000;
/** Memory of a machine about which nothing is known. */
const DEFAULT_MEMORY_BYTES = 8 * 1024 ** 3;
/** Part of the memory within which a queue's first message must be for the queue to count as young. */
const YOUNG_MEMORY_RATIO = 0.4;
/** How long a change of topics waits for name servers before it is answered all the same. */
const ANNOUNCE_PATIENCE_MS = 3000;
/** Pulls that may wait at a time; more are answered at once. */
const HELD_PULLS_MAX = 200_000;

/** What a broker is made of. */
export interface BrokerParts {
  readonly net: Net;
  readonly clock: Clock;
  readonly disk: Disk;
  readonly random: Random;
  readonly configuration: BrokerConfiguration;
  /** The log of each name: `broker`, `store`, `remoting`, `transaction`, … */
  readonly log: (name: string) => Log;
  /** Bytes of memory of the machine: how far a reader may be behind before a slave is suggested to it. */
  readonly memoryBytes?: number;
  /** Called while the store recovers. */
  readonly onProgress?: (pass: string, doneBytes: number, totalBytes: number) => void;
}

/** Settings that can change; a `ConfigFile<BrokerSettings>` is one. */
export interface BrokerConfiguration {
  /** The settings that count now. */
  readonly settings: BrokerSettings;
}

/** A broker; see the module's text. Starts once. */
export class Broker {
  readonly #parts: BrokerParts;
  readonly #stops: (() => void | Promise<void>)[] = [];
  #address: Address | null = null;
  #registration: Registration | null = null;

  constructor(parts: BrokerParts) {
    this.#parts = parts;
  }

  /** Where clients are told to connect: `brokerIP1` and the port that it really listens on. */
  get advertisedAddress(): string {
    const port = this.#address?.port ?? this.#settings.remoting.listenPort;
    return formatAddress({ host: unbracket(this.#settings.broker.brokerIP1), port });
  }

  /** The name servers, and whether it is registered with each. */
  get nameServers(): readonly { readonly address: string; readonly isRegistered: boolean }[] {
    return this.#registration?.nameServers ?? [];
  }

  /**
   * Opens the store, listens and registers; resolves to where it listens.
   *
   * @throws {DiskError} when the store is locked by another broker or cannot be opened.
   * @throws {CorruptError} when files cannot be understood.
   * @throws {ConnectionError} when a port is taken.
   */
  async start(): Promise<Address> {
    try {
      return await this.#start();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Stops everything in the opposite order; what was acknowledged is on disk when it resolves. Idempotent. */
  async stop(): Promise<void> {
    for (let stop = this.#stops.pop(); stop !== undefined; stop = this.#stops.pop()) await stop();
  }

  get #settings(): BrokerSettings {
    return this.#parts.configuration.settings;
  }

  async #start(): Promise<Address> {
    const { net, clock, random, log } = this.#parts;
    const { broker, remoting } = this.#settings;
    const port = freePort(net, remoting.bindAddress, remoting.listenPort);
    const identity = new Identity(broker, port, clock, random);
    const hold = new PullHold(clock, HELD_PULLS_MAX);
    const arrivals: Arrivals = { hold, schedule: null };
    const store = await this.#openStore(identity, arrivals);
    const tables = new BrokerTables({ ...this.#parts, log: log("broker"), settings: this.#settings });
    this.#stops.push(() => tables.close());
    const built = { identity, store, tables, hold, put: new MessagePut(store), delays: this.#delayLevels() };
    const services = this.#startServices(built, arrivals);
    const server = new RemotingServer({
      net,
      clock,
      log: log("remoting"),
      idleMs: remoting.serverChannelMaxIdleTimeSeconds * 1000,
    });
    this.#stops.push(() => server.close());
    const registration = this.#registrationOf(tables);
    const handlers = this.#handlers({ ...built, ...services }, registration);
    const fastHandlers = this.#fastHandlers(built);
    this.#address = server.listen({ host: remoting.bindAddress, port }, handlers, fastHandlers);
    const onVipPort = new Map([...handlers].filter(([code]) => !NOT_ON_VIP_PORT.includes(code)));
    server.listen({ host: remoting.bindAddress, port: port - VIP_PORT_DISTANCE }, onVipPort, fastHandlers);
    this.#stops.push(() => hold.close());
    await registration.start();
    return this.#address;
  }

  async #openStore(identity: Identity, arrivals: Arrivals): Promise<MessageStore> {
    const { disk, clock, log, net, onProgress } = this.#parts;
    const store = await MessageStore.open({
      disk,
      clock,
      log: log("store"),
      options: this.#settings.store,
      storeHost: identity.host.hostBytes,
      storePort: identity.host.port,
      atEndOfTurn: (fn) => net.atEndOfTurn(fn),
      onArrival: ({ topic, queueId }) => {
        arrivals.hold.arrived(topic, queueId);
        if (topic === SystemTopic.SCHEDULE) arrivals.schedule?.arrived(queueId);
      },
      ...(onProgress && { onProgress }),
    });
    this.#stops.push(() => store.close());
    return store;
  }

  #delayLevels(): DelayLevels {
    return new DelayLevels(this.#settings.store.messageDelayLevel);
  }

  #startServices(built: Built, arrivals: Arrivals): Services {
    const { clock, log } = this.#parts;
    const { broker, store: storeOptions } = this.#settings;
    const { store, put, tables, delays, identity } = built;
    const halves = new HalfMessages({
      store,
      put,
      offsets: tables.offsets,
      host: identity.host,
      now: () => clock.now(),
    });
    put.addRewriter(halves.rewrite);
    put.addRewriter(delays.rewrite);
    const schedule = new Schedule({
      store,
      put,
      levels: delays,
      offsets: tables.delayOffsets,
      clock,
      log: log("store"),
    });
    const check = new TransactionCheck({
      halves,
      put,
      clients: tables.clients,
      topics: tables.topics,
      clock,
      log: log("transaction"),
      settings: {
        brokerName: broker.brokerName,
        ids: identity.ids,
        timeOutMs: () => this.#settings.broker.transactionTimeOut,
        intervalMs: () => this.#settings.broker.transactionCheckInterval,
        checksMax: () => this.#settings.broker.transactionCheckMax,
        keptMs: () => this.#settings.store.fileReservedTime * HOUR_MS,
      },
    });
    if (storeOptions.brokerRole !== "SLAVE") {
      arrivals.schedule = schedule;
      schedule.start();
      check.start();
      this.#stops.push(async () => await Promise.all([schedule.stop(), check.stop()]).then(() => {}));
    }
    const notifier = new ClientNotifier(tables.groups, broker, log("broker"));
    tables.clients.onGroupChange((group) => notifier.groupChanged(group));
    return { halves, notifier };
  }

  #fastHandlers({ identity, store, tables }: Built): FastHandlerTable {
    const { regionId, traceOn } = this.#settings.broker;
    const reply = new SendReplyWriter({ storeHostHex: identity.hostHex, regionId, traceOn });
    const facts = this.#putFacts(store);
    const refused = (send: PendingSend, status: PutStatus) => {
      if (!send.oneway) send.connection.answer(send.asCommand(), refusedReply(status, facts));
    };
    const fastSend = new FastSend({
      store,
      topics: new FastTopics(tables.topics, () => this.#takesSends()),
      stats: tables.stats,
      names: new Interner(),
      reply,
      propertiesSuffix: identity.propertiesSuffix,
      refused,
    });
    return new Map([[RequestCode.SEND_MESSAGE_V2, fastSend.handle]]);
  }

  #handlers(parts: Built & Services, registration: Registration): HandlerTable {
    const { store, tables } = parts;
    const { broker: options } = this.#settings;
    const { topics, groups, offsets, clients, stats, locks } = tables;
    const brokerAddr = this.advertisedAddress;
    const announced = async () => {
      await topics.saved();
      await registration.settled(ANNOUNCE_PATIENCE_MS);
    };
    return mergeHandlers([
      this.#sendHandlers(parts),
      this.#pullHandlers(parts),
      queryHandlers(store),
      clientHandlers({ clients, groups, topics, options, checkExpression: NO_EXPRESSIONS.compile }),
      offsetHandlers({ offsets, groups, topics, store, youngBytes: this.#memoryBytes() * YOUNG_MEMORY_RATIO }),
      lockHandlers(locks),
      topicHandlers({ topics, offsets, clients, stats, store, options, announced }),
      groupHandlers({ groups, offsets, clients, stats, options, brokerAddr }),
    ]);
  }

  #sendHandlers({ identity, store, put, tables, halves }: Built & Services): HandlerTable {
    const { clock, random } = this.#parts;
    const { broker } = this.#settings;
    const { topics, groups, locks, stats } = tables;
    const brokerPermission = () => this.#settings.broker.brokerPermission;
    const { regionId, traceOn, brokerClusterName: clusterName, brokerIP1 } = broker;
    const facts = this.#putFacts(store);
    const admission = new SendAdmission(topics, groups, locks, clock, {
      brokerPermission,
      brokerIP1,
      acceptsFromMs: broker.startAcceptSendRequestTimeStamp,
      isSlave: () => this.#isSlave(),
    });
    const { ids, uniqueKey } = identity;
    const countSendBack = (group: string, topic: string) => stats.group(group, topic).sendBackNums.add(1);
    return mergeHandlers([
      sendHandlers({
        store,
        put,
        admission,
        counter: stats,
        random,
        settings: { ...facts, ids, regionId, traceOn, clusterName, uniqueKey },
      }),
      sendBackHandlers({
        store,
        put,
        topics,
        groups,
        settings: { random, ids, brokerIP1, brokerPermission, countSendBack },
      }),
      transactionHandlers({
        store,
        put,
        halves,
        counter: stats,
        settings: {
          ...facts,
          transactionTimeOutMs: broker.transactionTimeOut,
          isSlave: () => this.#isSlave(),
          now: () => clock.now(),
        },
      }),
    ]);
  }

  #pullHandlers({ store, tables, hold }: Built): HandlerTable {
    const { broker, store: storeOptions } = this.#settings;
    const { groups, topics, clients, offsets, stats } = tables;
    const slowBytes = this.#memoryBytes() * storeOptions.accessMessageInMemoryMaxRatio / 100;
    const admission = new PullAdmission(groups, topics, clients, NO_EXPRESSIONS, {
      brokerPermission: () => this.#settings.broker.brokerPermission,
      brokerIP1: broker.brokerIP1,
      litePullMessageEnable: broker.litePullMessageEnable,
      refusesReads: () => this.#isSlave() && !this.#settings.broker.slaveReadEnable,
    });
    return pullHandlers({
      store,
      admission,
      offsets,
      hold,
      stats,
      clock: this.#parts.clock,
      settings: {
        longPollingEnable: broker.longPollingEnable,
        shortPollingTimeMs: broker.shortPollingTimeMills,
        maxBytes: storeOptions.maxTransferBytesOnMessageInMemory,
        maxMessages: storeOptions.maxTransferCountOnMessageInMemory,
        suggestedBroker: (group, behindBytes) => {
          if (!this.#settings.broker.slaveReadEnable) return 0;
          return behindBytes > slowBytes ? group.whichBrokerWhenConsumeSlowly : group.brokerId;
        },
        keepsOffsets: () => this.#isSlave() && !storeOptions.offsetCheckInSlave,
      },
    });
  }

  #registrationOf(tables: BrokerTables): Registration {
    const { net, clock, log } = this.#parts;
    const { broker, store, remoting } = this.#settings;
    const client = new RemotingClient({
      net,
      clock,
      log: log("remoting"),
      connectTimeoutMs: remoting.connectTimeoutMillis,
      idleMs: remoting.clientChannelMaxIdleTimeSeconds * 1000,
    });
    const registration = new Registration({
      client,
      clock,
      log: log("broker"),
      topics: tables.topics,
      options: broker,
      identity: () => ({
        clusterName: broker.brokerClusterName,
        brokerName: broker.brokerName,
        brokerId: this.#settings.broker.brokerId,
        brokerAddr: this.advertisedAddress,
        haServerAddr: formatAddress({ host: unbracket(broker.brokerIP2), port: store.haListenPort }),
      }),
      permission: () => this.#settings.broker.brokerPermission,
    }, nameServerAddresses(broker.namesrvAddr));
    this.#registration = registration;
    this.#stops.push(async () => {
      await registration.stop();
      client.close();
    });
    return registration;
  }

  #putFacts(store: MessageStore) {
    return { maxMessageSize: this.#settings.store.maxMessageSize, refusal: () => store.refusal() };
  }

  #isSlave(): boolean {
    return this.#settings.store.brokerRole === "SLAVE";
  }

  #takesSends(): boolean {
    const { brokerPermission, startAcceptSendRequestTimeStamp } = this.#settings.broker;
    return !this.#isSlave() && (brokerPermission & Perm.WRITE) !== 0 &&
      this.#parts.clock.now() >= startAcceptSendRequestTimeStamp;
  }

  #memoryBytes(): number {
    return this.#parts.memoryBytes ?? DEFAULT_MEMORY_BYTES;
  }
}

/** Expressions other than tags, until there is somebody to compile them. */
const NO_EXPRESSIONS = {
  compile: (subscription: SubscriptionData): never => {
    throw systemError(`The broker does not support consumer to filter message by ${subscription.expressionType}`);
  },
  ofGroup: (subscription: SubscriptionData): never => NO_EXPRESSIONS.compile(subscription),
};

/** One table of all; a code that stands in two is a mistake of ours. */
function mergeHandlers(tables: readonly HandlerTable[]): HandlerTable {
  const merged = new Map<number, Handler>();
  for (const table of tables) {
    for (const [code, handler] of table) {
      invariant(!merged.has(code), `two handlers for request code ${code}`);
      merged.set(code, handler);
    }
  }
  return merged;
}

/** Who is told when a queue has got messages. */
interface Arrivals {
  readonly hold: PullHold;
  schedule: Schedule | null;
}

/** What handlers and services are made of. */
interface Built {
  readonly identity: Identity;
  readonly store: MessageStore;
  readonly tables: BrokerTables;
  readonly hold: PullHold;
  readonly put: MessagePut;
  readonly delays: DelayLevels;
}

/** What runs beside the handlers. */
interface Services {
  readonly halves: HalfMessages;
  readonly notifier: ClientNotifier;
}

/** The port to listen on, free together with its VIP port; 0 takes any such pair. @throws {ConnectionError} */
function freePort(net: Net, host: string, port: number): number {
  const listener = net.listen({ host, port });
  listener.close();
  const found = listener.address.port;
  try {
    net.listen({ host, port: found - VIP_PORT_DISTANCE }).close();
    return found;
  } catch (error) {
    if (port !== 0) throw error;
    return freePort(net, host, 0);
  }
}

function unbracket(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1");
}
