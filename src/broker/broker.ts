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
import { LoopWatch } from "../common/loop_watch.ts";
import { Interner } from "../common/intern.ts";
import type { Log } from "../common/log.ts";
import { type Address, formatAddress, type Listener, type Net, unbracket } from "../common/net.ts";
import type { Random } from "../common/random.ts";
import { RequestCode } from "../protocol/codes.ts";
import { Perm } from "../protocol/message.ts";
import { RemotingClient } from "../remoting/client.ts";
import type { FastHandlerTable, HandlerTable } from "../remoting/handler.ts";
import { RemotingServer } from "../remoting/server.ts";
import { MessageStore, missingTables, type PutStatus } from "../store/store.ts";
import type { BrokerElection } from "./broker_election.ts";
import { type ChangeableConfig, liveOptions } from "./changeable_config.ts";
import { ClientNotifier } from "./client_notify.ts";
import { DelayLevels } from "./delay_levels.ts";
import { FastSend } from "./fast_send.ts";
import { FastTopics } from "./fast_topics.ts";
import { HalfMessages } from "./half_messages.ts";
import { fastReadHandlers, handlerTable, YOUNG_MEMORY_RATIO } from "./handler_table.ts";
import { advertisedHostBytes, Identity } from "./identity.ts";
import { forwardToLeader } from "./leader_forward.ts";
import { makeYoungTopics, mendMissingTables } from "./missing_tables.ts";
import { MessagePut } from "./message_put.ts";
import { Pop } from "./pop/pop.ts";
import { PullHold } from "./pull_hold.ts";
import { refusedReply } from "./put_remarks.ts";
import { type BrokerSettings, VIP_PORT_DISTANCE } from "./read_options.ts";
import { nameServerAddresses, Registration } from "./registration.ts";
import { Replication } from "./replication.ts";
import { Schedule } from "./schedule.ts";
import { type PendingSend, SendReplyWriter } from "./send_reply.ts";
import { SystemTopic } from "./system_topics.ts";
import type { SlaveSyncMore } from "./slave_sync.ts";
import { BrokerTables } from "./tables.ts";
import { TimerService } from "./timer/service.ts";
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
const HOUR_MS = 3_600_000;
/** Memory of a machine about which nothing is known. */
const DEFAULT_MEMORY_BYTES = 8 * 1024 ** 3;
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
  /** CPU time of the process so far, milliseconds; without it every pause counts as ours. */
  readonly cpuMs?: () => number;
  /** Bytes of memory of the machine: how far a reader may be behind before a slave is suggested to it. */
  readonly memoryBytes?: number;
  /** Called while the store recovers. */
  readonly onProgress?: (pass: string, doneBytes: number, totalBytes: number) => void;
  /** What the operator is to see at once, on the terminal; the log has it as well. */
  readonly notify?: (notice: Notice) => void;
  /** The election that has given it its role. */
  readonly election?: BrokerElection;
}

/** A line for the operator. */
export interface Notice {
  readonly text: string;
  /** Whether something is to be mended. */
  readonly isWarning: boolean;
}

/** Settings that can change; a `ConfigFile<BrokerSettings>` is one. */
export interface BrokerConfiguration extends ChangeableConfig {
  /** The settings that count now. */
  readonly settings: BrokerSettings;
}

/** A broker; see the module's text. Starts once. */
export class Broker {
  readonly #parts: BrokerParts;
  readonly #stops: (() => void | Promise<void>)[] = [];
  #address: Address | null = null;
  /** `brokerIP1` as it was at the start: message ids and slaves name it, so that a change counts after a restart. */
  #brokerIP1: string | null = null;
  #registration: Registration | null = null;
  #replication: Replication | null = null;
  #store: MessageStore | null = null;
  #tables: BrokerTables | null = null;

  constructor(parts: BrokerParts) {
    this.#parts = parts;
  }

  /** Where clients are told to connect: `brokerIP1` and the port that it really listens on. */
  get advertisedAddress(): string {
    const port = this.#address?.port ?? this.#settings.remoting.listenPort;
    return formatAddress({ host: unbracket(this.#brokerIP1 ?? this.#settings.broker.brokerIP1), port });
  }

  /** The name servers, and whether it is registered with each. */
  get nameServers(): Registration["nameServers"] {
    return this.#registration?.nameServers ?? [];
  }

  /**
   * Opens the store, listens and registers; resolves to where it listens.
   *
   * @throws {DiskError} when the store is locked by another broker or cannot be opened.
   * @throws {CorruptError} when files cannot be understood.
   * @throws {ConnectionError} when a port is taken.
   * @throws {ConfigError} when `brokerIP1` is a name that cannot be resolved.
   */
  async start(): Promise<Address> {
    try {
      return await this.#start();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Tells the name servers anew what this broker is: after a change of its configuration. */
  announceChanges(): void {
    this.#registration?.setNameServers(nameServerAddresses(this.#settings.broker.namesrvAddr));
    // A name server takes changed permissions only with a new version of the table.
    this.#tables?.topics.bumpVersion();
  }

  /** Registers with the name servers now; resolves when each has answered or failed. */
  async registerNow(): Promise<void> {
    await this.#registration?.registerNow();
  }

  /** As {@linkcode stop}, but stays on the name servers' lists, for it starts again in another role. */
  async stopForRole(): Promise<void> {
    this.#registration?.leave();
    await this.stop();
  }

  /** Its store while it runs, else null. */
  get store(): MessageStore | null {
    return this.#store;
  }

  /** Its replication once it runs. */
  get replication(): Replication | null {
    return this.#replication;
  }

  /**
   * Stops everything in the opposite order; what was acknowledged is on disk when it resolves. Idempotent.
   * @throws what kept a part from stopping as it should, after all others have stopped: a full disk must not keep the store
   * locked.
   */
  async stop(): Promise<void> {
    const failures: unknown[] = [];
    for (let stop = this.#stops.pop(); stop !== undefined; stop = this.#stops.pop()) {
      try {
        await stop();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  get #settings(): BrokerSettings {
    return this.#parts.configuration.settings;
  }

  async #start(): Promise<Address> {
    const { net, clock, random, log } = this.#parts;
    const { broker, remoting, assigned } = this.#settings;
    const { port, release } = takePort(net, remoting.bindAddress, remoting.listenPort);
    this.#stops.push(release);
    this.#brokerIP1 = broker.brokerIP1;
    const hostBytes = await advertisedHostBytes(net, broker.brokerIP1, assigned.get("brokerIP1") ?? "default");
    const identity = new Identity(broker, { hostBytes, port }, clock, random);
    const hold = new PullHold(clock, HELD_PULLS_MAX);
    const arrivals: Arrivals = { hold, schedule: null, timers: null, pop: null };
    const store = await this.#openStore(identity, arrivals);
    const options = liveOptions(() => this.#settings.broker);
    const settings = { ...this.#settings, broker: options };
    const { minPhysicalOffset, maxPhysicalOffset } = store.figures();
    const isEmpty = minPhysicalOffset === maxPhysicalOffset;
    const missing = isEmpty ? [] : missingTables(this.#parts.disk, settings.store.storePathRootDir);
    const tables = new BrokerTables({ ...this.#parts, log: log("broker"), settings });
    this.#tables = tables;
    mendMissingTables(missing, { store, topics: tables.topics, log: log("broker") });
    const { election } = this.#parts;
    if (election?.fence) {
      tables.topics.setStateVersion(election.epoch());
      await makeYoungTopics({ store, topics: tables.topics, log: log("broker") });
    }
    this.#stops.push(() => tables.close());
    const built = { identity, store, tables, hold, put: new MessagePut(store), delays: this.#delayLevels() };
    const services = this.#startServices(built, arrivals);
    const timers = await this.#startTimers(built, arrivals);
    const pop = await this.#startPop(built, arrivals);
    const server = new RemotingServer({
      net,
      clock,
      log: log("remoting"),
      idleMs: remoting.serverChannelMaxIdleTimeSeconds * 1000,
    });
    // After the server, so that producers hear what became of what they sent.
    this.#stops.push(() => this.#replication?.stop());
    this.#stops.push(() => server.close());
    const client = this.#makeClient();
    const registration = this.#registrationOf(tables, client);
    const more = { requestModes: pop.modes, timer: timers.timer };
    const replication = this.#replication = this.#replicationOf(built, client, more);
    const handlerParts = {
      ...this.#parts,
      memoryBytes: this.#parts.memoryBytes ?? DEFAULT_MEMORY_BYTES,
      settings: () => this.#settings,
      config: this.#parts.configuration,
      brokerAddr: this.advertisedAddress,
      registration,
      replication,
      client,
      pop,
      timers,
      loopWatch: this.#watchLoop(tables),
      ...built,
      ...services,
    };
    const all = handlerTable(handlerParts);
    const allFast = new Map([...this.#fastSends(built), ...fastReadHandlers(handlerParts)]);
    const { handlers, fastHandlers } = handlersOfRole(election, client, all, allFast);
    release();
    this.#address = server.listen({ host: remoting.bindAddress, port }, handlers, fastHandlers);
    const onVipPort = new Map([...handlers].filter(([code]) => !NOT_ON_VIP_PORT.includes(code)));
    const fastOnVipPort = new Map([...fastHandlers].filter(([code]) => onVipPort.has(code)));
    server.listen({ host: remoting.bindAddress, port: port - VIP_PORT_DISTANCE }, onVipPort, fastOnVipPort);
    this.#stops.push(() => {
      hold.close();
      pop.release();
    });
    replication.listen();
    // A name server that is away must not hold up an election.
    if (election !== undefined) void registration.start();
    else await registration.start();
    replication.start();
    return this.#address;
  }

  #watchLoop({ stats }: BrokerTables): LoopWatch {
    const { clock, cpuMs = () => clock.monotonicMs() } = this.#parts;
    const watch = new LoopWatch({ clock, cpuMs, activity: () => stats.put.value + stats.got.value });
    watch.start();
    this.#stops.push(() => watch.stop());
    return watch;
  }

  async #openStore(identity: Identity, arrivals: Arrivals): Promise<MessageStore> {
    const { disk, clock, log, net, onProgress } = this.#parts;
    const store = await MessageStore.open({
      disk,
      clock,
      log: log("store"),
      options: this.#settings.store,
      retentionOptions: liveOptions(() => this.#settings.store),
      storeHost: identity.host.hostBytes,
      storePort: identity.host.port,
      atEndOfTurn: (fn) => net.atEndOfTurn(fn),
      onArrival: ({ topic, queueId }) => {
        arrivals.hold.arrived(topic, queueId);
        arrivals.pop?.arrived(topic, queueId);
        this.#replication?.arrived(topic);
        if (topic === SystemTopic.SCHEDULE) arrivals.schedule?.arrived(queueId);
        else if (topic === SystemTopic.TIMER) arrivals.timers?.timer?.arrived();
      },
      neededOffset: () => arrivals.timers?.timer?.neededOffset ?? Infinity,
      ...(this.#parts.election?.fence && { fence: this.#parts.election.fence }),
      ...(onProgress && { onProgress }),
    });
    this.#store = store;
    this.#stops.push(async () => {
      await store.close();
      this.#store = null;
    });
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
    const notifier = new ClientNotifier(tables.groups, liveOptions(() => this.#settings.broker), clock, log("broker"));
    tables.clients.onGroupChange((group) => notifier.groupChanged(group));
    this.#stops.push(() => notifier.close());
    return { halves, notifier };
  }

  async #startTimers({ store, put, identity }: Built, arrivals: Arrivals): Promise<TimerService> {
    const { disk, clock, log } = this.#parts;
    const timers = new TimerService({
      disk,
      clock,
      log: log("store"),
      store,
      put,
      identity,
      settings: () => this.#settings,
    });
    arrivals.timers = timers;
    this.#stops.push(() => timers.close());
    await timers.open();
    if (this.#isSlave()) return timers;
    this.#stops.push(() => timers.stop());
    timers.start();
    return timers;
  }

  async #startPop(built: Built, arrivals: Arrivals): Promise<Pop> {
    const pop = new Pop({
      ...this.#parts,
      ...built,
      log: this.#parts.log("pop"),
      settings: () => this.#settings,
      youngBytes: (this.#parts.memoryBytes ?? DEFAULT_MEMORY_BYTES) * YOUNG_MEMORY_RATIO,
    });
    this.#stops.push(() => pop.close());
    if (this.#isSlave()) return pop;
    arrivals.pop = pop;
    this.#stops.push(() => pop.stop());
    await pop.start();
    return pop;
  }

  #fastSends({ identity, store, tables }: Built): FastHandlerTable {
    const { regionId, traceOn } = this.#settings.broker;
    const reply = new SendReplyWriter({ storeHostHex: identity.hostHex, regionId, traceOn });
    const facts = this.#putFacts(store);
    const refused = (send: PendingSend, status: PutStatus) => {
      const ext = { MSG_REGION: regionId, TRACE_ON: String(traceOn) };
      if (!send.oneway) send.connection?.answer(send.asCommand(), { ...refusedReply(status, facts), ext });
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
    return new Map([
      [RequestCode.SEND_MESSAGE_V2, fastSend.one],
      [RequestCode.SEND_BATCH_MESSAGE, fastSend.batch],
    ]);
  }

  /** What asks name servers. */
  #makeClient(): RemotingClient {
    const { net, clock, log } = this.#parts;
    const { remoting } = this.#settings;
    const client = new RemotingClient({
      net,
      clock,
      log: log("remoting"),
      connectTimeoutMs: remoting.connectTimeoutMillis,
      idleMs: remoting.clientChannelMaxIdleTimeSeconds * 1000,
    });
    this.#stops.push(() => client.close());
    return client;
  }

  #registrationOf(tables: BrokerTables, client: RemotingClient): Registration {
    const { clock, log } = this.#parts;
    const { broker } = this.#settings;
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
        haServerAddr: this.#replication?.haServerAddr ?? "",
        networkAddresses: this.#settings.broker.brokerAddresses,
      }),
      permission: () => this.#settings.broker.brokerPermission,
      nameServers: () => nameServerAddresses(this.#settings.broker.namesrvAddr),
      onRegistered: (result) => this.#replication?.registered(result),
      mayRegister: () => (this.#parts.election?.fence?.refusesPromises() ?? null) === null,
    }, nameServerAddresses(broker.namesrvAddr));
    this.#registration = registration;
    this.#stops.push(() => registration.stop());
    return registration;
  }

  #replicationOf({ store, tables }: Built, client: RemotingClient, more: SlaveSyncMore): Replication {
    const { net, clock, log } = this.#parts;
    return new Replication({
      net,
      clock,
      log: log("store"),
      client,
      store,
      tables,
      settings: () => this.#settings,
      more,
      brokerAddr: () => this.advertisedAddress,
      nameServers: () => this.nameServers,
      askNameServers: () => void this.#registration?.registerNow(),
      warn: (text) => this.#parts.notify?.({ text, isWarning: true }),
      election: this.#parts.election ?? null,
    });
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
}

/** Who is told when a queue has got messages. */
interface Arrivals {
  readonly hold: PullHold;
  schedule: Schedule | null;
  timers: TimerService | null;
  pop: Pop | null;
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

/** The handlers as the role has them that an election gave. */
function handlersOfRole(
  election: BrokerElection | undefined,
  client: RemotingClient,
  handlers: HandlerTable,
  fastHandlers: FastHandlerTable,
): { handlers: HandlerTable; fastHandlers: FastHandlerTable } {
  if (election === undefined) return { handlers, fastHandlers };
  const { opening, leader } = election;
  if (opening !== null) return { handlers: opening.hold(handlers), fastHandlers: opening.holdFast(fastHandlers) };
  return {
    handlers: forwardToLeader(handlers, { client, leaderAddr: () => leader()?.brokerAddr ?? null }),
    fastHandlers,
  };
}

/** A port that is going to be listened on. */
interface TakenPort {
  readonly port: number;
  /** To be called before it is listened on; idempotent. */
  release(): void;
}

/**
 * The port to listen on, free together with its VIP port. 0 takes any such pair, which nobody else gets meanwhile. A port that
 * was asked for is let go at once: while the store recovers, clients that know it are to be refused and not to wait.
 *
 * @throws {ConnectionError} when one of the two is taken.
 */
function takePort(net: Net, host: string, port: number): TakenPort {
  const listener = net.listen({ host, port });
  const found = listener.address.port;
  let vip: Listener;
  try {
    vip = net.listen({ host, port: found - VIP_PORT_DISTANCE });
  } catch (error) {
    listener.close();
    if (port !== 0) throw error;
    return takePort(net, host, 0);
  }
  const release = () => {
    listener.close();
    vip.close();
  };
  if (port !== 0) release();
  return { port: found, release };
}
