/**
 * One name server as a broker sees it: registers there, one request at a time, and goes on when it is away.
 *
 * Everything is registered at the beginning, after a failure, when the connection has ended and on a new one (the name
 * server may have been restarted); otherwise a change sends only the topics that changed. That is safe because requests follow one another: a
 * name server that has a version of the table has everything before it, too.
 *
 * RocketMQ counterpart: `BrokerOuterAPI#registerBroker`, `BrokerController#registerIncrementBrokerData`.
 *
 * @module
 */
import { crc32, utf8 } from "../common/bytes.ts";
import type { Clock, Timer } from "../common/clock.ts";
import { messageOf } from "../common/errors.ts";
import type { Log } from "../common/log.ts";
import { joinInSlices } from "../common/text_slices.ts";
import {
  type DataVersion,
  encodeDataVersion,
  encodeRegisterBody,
  registerBodyText,
  type RegisterBrokerBody,
  type TopicConfig,
} from "../protocol/bodies/register.ts";
import { decodeKvTable } from "../protocol/bodies/route.ts";
import { RequestCode, ResponseCode } from "../protocol/codes.ts";
import { writeHeader } from "../protocol/header.ts";
import { BROKER_ADDRESSES_FIELD } from "../protocol/network_addresses.ts";
import type { RemotingClient } from "../remoting/client.ts";
import { type Command, type Outgoing, refusalText } from "../remoting/command.ts";
import type { Connection } from "../remoting/connection.ts";
import type { BrokerOptions } from "./options.ts";

/** Under which names and addresses a broker registers. */
export interface BrokerIdentity {
  readonly clusterName: string;
  readonly brokerName: string;
  /** 0 for a master. */
  readonly brokerId: number;
  /** `host:port` that clients are told. */
  readonly brokerAddr: string;
  /** `host:port` that slaves replicate from. */
  readonly haServerAddr: string;
  /** Addresses by the client's network (`brokerAddresses`); empty for none. */
  readonly networkAddresses?: string;
}

/** The options that registration depends on. */
export type RegistrationOptions = Pick<
  BrokerOptions,
  | "registerNameServerPeriod"
  | "registerBrokerTimeoutMills"
  | "forceRegister"
  | "compressedRegister"
  | "enableSlaveActingMaster"
  | "compatibleWithOldNameSrv"
  | "brokerHeartbeatInterval"
  | "sendHeartbeatTimeoutMillis"
  | "brokerNotActiveTimeoutMillis"
>;

/** What a name server answers to a registration. */
export interface RegisterResult {
  readonly nameServer: string;
  /** Address of the master, for a slave; null when the name server knows none. */
  readonly masterAddr: string | null;
  /** Where the master gives its log to slaves; null as above. */
  readonly haServerAddr: string | null;
  /** Ordered topics with their queues (`broker:queues;…`); null when none are configured. */
  readonly orderTopics: ReadonlyMap<string, string> | null;
}

/** What a link is made of. */
export interface LinkParts {
  readonly client: RemotingClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly topics: { readonly dataVersion: DataVersion };
  readonly options: RegistrationOptions;
  readonly identity: () => BrokerIdentity;
  readonly onRegistered?: (result: RegisterResult) => void;
  /** Whether we are what we would register as; always, when absent. An elected leader may have lost its place. */
  readonly mayRegister?: () => boolean;
}

/** After a failure the next attempt comes this much later, if not before. */
const RETRY_MS = 3000;
/** After the end of the connection everything is registered again this much later. */
const LOST_MS = 1000;
/** More changed topics than this are registered with all the others. */
const CHANGED_MAX = 1000;

/** The link to one name server. */
export class NameServerLink {
  readonly address: string;
  readonly #parts: LinkParts;
  readonly #bodyOf: (changed: Iterable<string> | null) => RegisterBrokerBody;
  /** Topics that changed since the last registration; null: everything is to be registered. */
  #changed: Set<string> | null = null;
  #wanted = false;
  #running: Promise<void> | null = null;
  /** The connection on which the name server has learned of us. */
  #connection: Connection | null = null;
  #state: "new" | "registered" | "failed" = "new";
  #retry: Timer | null = null;
  #closed = false;
  #failure: string | null = null;

  /** @param bodyOf gives what to register: all topics, or the named ones. */
  constructor(
    address: string,
    parts: LinkParts,
    bodyOf: (changed: Iterable<string> | null) => RegisterBrokerBody,
  ) {
    this.address = address;
    this.#parts = parts;
    this.#bodyOf = bodyOf;
  }

  /** Whether the last attempt succeeded. */
  get isRegistered(): boolean {
    return this.#state === "registered";
  }

  /** Why the last attempt failed; null when it did not. */
  get failure(): string | null {
    return this.#failure;
  }

  /** Registers everything; resolves after the attempt. */
  register(): Promise<void> {
    this.#changed = null;
    return this.#want();
  }

  /** Registers what changed; several changes while a request is under way become one. */
  topicsChanged(topics: readonly TopicConfig[]): void {
    if (topics.length === 0) this.#changed = null;
    for (const topic of topics) this.#changed?.add(topic.topicName);
    if ((this.#changed?.size ?? 0) > CHANGED_MAX) this.#changed = null;
    void this.#want();
  }

  /** The periodical registration; with `forceRegister=false` only where the name server has another version than ours. */
  async refresh(): Promise<void> {
    if (this.#parts.options.forceRegister || this.#state !== "registered") return await this.register();
    if (this.#running !== null) return;
    let isNeeded = true;
    try {
      const answer = await this.#invoke(this.#versionQuery(), this.#parts.options.registerBrokerTimeoutMills);
      isNeeded = answer.code !== ResponseCode.SUCCESS || answer.ext["changed"] !== "false";
    } catch {
      // The registration below tells what is wrong.
    }
    if (isNeeded) await this.register();
  }

  /** The light heartbeat of a broker whose slaves may stand in for it: says that it lives, and nothing else. */
  async heartbeat(): Promise<void> {
    const { options } = this.#parts;
    if (this.#state !== "registered") return;
    const request = options.compatibleWithOldNameSrv ? this.#versionQuery() : this.#lightHeartbeat();
    try {
      await this.#invoke(request, options.sendHeartbeatTimeoutMillis);
    } catch {
      // The periodical registration tells when the name server is away.
    }
  }

  /** Resolves when no registration is under way. */
  async settled(): Promise<void> {
    await this.#running;
  }

  /** Has the name server forget us; waits for a registration that is under way. Failures are only told. */
  async unregister(timeoutMs: number): Promise<void> {
    this.close();
    const { clock, log } = this.#parts;
    const patience = new AbortController();
    const waited = clock.sleep(timeoutMs, patience.signal).catch(() => {});
    await Promise.race([this.#running ?? Promise.resolve(), waited]);
    patience.abort();
    if (this.#state === "new") return;
    try {
      const { clusterName, brokerName, brokerId, brokerAddr } = this.#parts.identity();
      const ext = writeHeader({ clusterName, brokerName, brokerId, brokerAddr });
      await this.#invoke({ code: RequestCode.UNREGISTER_BROKER, ext }, timeoutMs);
      log.info(`unregisterBroker OK, NamesrvAddr: ${this.address}`);
    } catch (error) {
      log.warn(`unregisterBroker failed, NamesrvAddr: ${this.address}: ${messageOf(error)}`);
    }
  }

  /** Registers no more. */
  close(): void {
    this.#closed = true;
    this.#retry?.cancel();
  }

  #want(): Promise<void> {
    this.#wanted = true;
    this.#running ??= this.#run();
    return this.#running;
  }

  async #run(): Promise<void> {
    // Changes of the same turn become one registration.
    await Promise.resolve();
    while (this.#wanted && !this.#closed) {
      this.#wanted = false;
      await this.#registerOnce();
    }
    this.#running = null;
  }

  async #registerOnce(): Promise<void> {
    if (this.#mustWait()) return;
    try {
      const connection = await this.#parts.client.connection(this.address);
      if (connection !== this.#connection) {
        this.#changed = null;
        connection.onClose(() => this.#lost(connection));
      }
      const changed = this.#changed;
      this.#changed = new Set();
      this.#connection = connection;
      const request = await this.#registration(changed);
      if (this.#mustWait()) return; // that took its time
      const answer = await connection.invoke(request, this.#timeoutMs());
      if (answer.code !== ResponseCode.SUCCESS) {
        throw new Error(refusalText(answer));
      }
      this.#succeed(answer);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Whether the broker is not what it would register as; then it is tried again later, with everything. */
  #mustWait(): boolean {
    if (this.#parts.mayRegister?.() !== false) return false;
    this.#changed = null;
    this.#retry?.cancel();
    this.#retry = this.#parts.clock.after(RETRY_MS, () => void this.register());
    return true;
  }

  /** The name server may be another one soon, which knows nobody: it is told as soon as it is there, not in half a minute. */
  #lost(connection: Connection): void {
    if (this.#closed || connection !== this.#connection) return;
    this.#retry?.cancel();
    this.#retry = this.#parts.clock.after(LOST_MS, () => void this.register());
  }

  #succeed(answer: Command): void {
    const { log, identity, onRegistered } = this.#parts;
    const { brokerId } = identity();
    if (this.#state !== "registered") log.info(`register broker[${brokerId}]to name server ${this.address} OK`);
    this.#state = "registered";
    this.#failure = null;
    onRegistered?.({
      nameServer: this.address,
      masterAddr: answer.ext["masterAddr"] || null,
      haServerAddr: answer.ext["haServerAddr"] || null,
      orderTopics: answer.body.length === 0 ? null : decodeKvTable(answer.body),
    });
  }

  #fail(error: unknown): void {
    this.#connection = null;
    this.#changed = null;
    if (this.#state !== "failed" && !this.#closed) {
      this.#parts.log.error(
        `Failed to register current broker to name server ${this.address}, trying again every ` +
          `${RETRY_MS / 1000} s: ${messageOf(error)}`,
      );
    }
    this.#state = "failed";
    this.#failure = messageOf(error);
    this.#retry?.cancel();
    if (!this.#closed) this.#retry = this.#parts.clock.after(RETRY_MS, () => void this.register());
  }

  async #registration(changed: ReadonlySet<string> | null): Promise<Outgoing> {
    const { clock, options, identity } = this.#parts;
    const content = this.#bodyOf(changed);
    const body = options.compressedRegister
      ? encodeRegisterBody(content, true)
      : utf8(await joinInSlices(registerBodyText(content), clock));
    const { clusterName, brokerName, brokerId, brokerAddr, haServerAddr, networkAddresses = "" } = identity();
    const ext = writeHeader({
      brokerAddr,
      brokerId,
      brokerName,
      clusterName,
      haServerAddr,
      enableActingMaster: options.enableSlaveActingMaster,
      heartbeatTimeoutMillis: options.enableSlaveActingMaster ? options.brokerNotActiveTimeoutMillis : null,
      compressed: options.compressedRegister,
      bodyCrc32: crc32(body),
    });
    if (networkAddresses !== "") ext[BROKER_ADDRESSES_FIELD] = networkAddresses;
    return { code: RequestCode.REGISTER_BROKER, ext, body };
  }

  #versionQuery(): Outgoing {
    const { topics, identity } = this.#parts;
    const { clusterName, brokerName, brokerId, brokerAddr } = identity();
    return {
      code: RequestCode.QUERY_DATA_VERSION,
      ext: writeHeader({ brokerAddr, brokerId, brokerName, clusterName }),
      body: encodeDataVersion(topics.dataVersion),
    };
  }

  #lightHeartbeat(): Outgoing {
    const { clusterName, brokerName, brokerId, brokerAddr } = this.#parts.identity();
    const heartbeatTimeoutMills = this.#parts.options.brokerNotActiveTimeoutMillis;
    return {
      code: RequestCode.BROKER_HEARTBEAT,
      ext: writeHeader({ brokerAddr, brokerId, brokerName, clusterName, heartbeatTimeoutMills }),
    };
  }

  #invoke(request: Outgoing, timeoutMs: number): Promise<Command> {
    return this.#parts.client.invoke(this.address, request, timeoutMs);
  }

  #timeoutMs(): number {
    return this.#parts.options.registerBrokerTimeoutMills;
  }
}
