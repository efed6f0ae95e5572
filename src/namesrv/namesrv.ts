/**
 * A name server: builds its parts, starts and stops them. It holds everything in memory except KV configuration and its
 * own options; brokers register again with a new one within half a minute.
 *
 * RocketMQ counterpart: `NamesrvController`.
 *
 * @module
 */
import type { Clock, Timer } from "../common/clock.ts";
import type { Disk } from "../common/disk.ts";
import { messageOf } from "../common/errors.ts";
import type { Log } from "../common/log.ts";
import type { Address, Net } from "../common/net.ts";
import { RequestCode } from "../protocol/codes.ts";
import { writeHeader } from "../protocol/header.ts";
import { RemotingClient } from "../remoting/client.ts";
import type { Connection } from "../remoting/connection.ts";
import { RemotingServer } from "../remoting/server.ts";
import type { NamesrvConfiguration } from "./configuration.ts";
import { namesrvHandlers } from "./handlers.ts";
import { KvConfig, ORDER_TOPIC_NAMESPACE } from "./kv_config.ts";
import type { NamesrvOptions } from "./options.ts";
import { RouteAnswers } from "./route_answers.ts";
import { type MinBrokerIdChange, RouteTable } from "./route_table.ts";

/** What a name server is made of. */
export interface NameServerParts {
  readonly net: Net;
  readonly clock: Clock;
  readonly disk: Disk;
  readonly log: Log;
  /** Its options and where they are saved; see {@linkcode openNamesrvConfiguration}. */
  readonly configuration: NamesrvConfiguration;
}

/** A name server; see the module's text. Starts once. */
export class NameServer {
  readonly #parts: NameServerParts;
  readonly #routes: RouteTable<Connection>;
  readonly #answers: RouteAnswers;
  readonly #kvConfig: KvConfig;
  #server: RemotingServer | null = null;
  #notifier: RemotingClient | null = null;
  #scan: Timer | null = null;
  #startedMs = 0;
  #stopping = false;

  constructor(parts: NameServerParts) {
    const { clock, disk, log, configuration } = parts;
    this.#parts = parts;
    this.#routes = new RouteTable({
      clock,
      log,
      options: () => this.#options,
      onRouteChange: (topic) => this.#answers.forget(topic),
      onMinBrokerIdChange: (change) => this.#notify(change),
    });
    this.#kvConfig = new KvConfig({
      disk,
      log,
      path: configuration.settings.namesrv.kvConfigPath,
      onChange: (_namespace, key) => this.#answers.forget(key),
    });
    this.#answers = new RouteAnswers({
      routes: this.#routes,
      orderTopicConf: (topic) =>
        this.#options.orderMessageEnable ? this.#kvConfig.get(ORDER_TOPIC_NAMESPACE, topic) : undefined,
    });
  }

  /** What is registered here, for those who run in the same process. */
  get routes(): RouteTable<unknown> {
    return this.#routes;
  }

  /**
   * Loads what is on disk and serves; resolves to where it listens.
   *
   * @throws {ConnectionError} when the port is taken.
   * @throws {CorruptError} when the KV configuration cannot be read.
   */
  start(): Promise<Address> {
    const { net, clock, log, configuration: { settings: { remoting } } } = this.#parts;
    const server = new RemotingServer({ net, clock, log, idleMs: remoting.serverChannelMaxIdleTimeSeconds * 1000 });
    this.#server = server;
    return this.#stopOnFailure(() => {
      this.#kvConfig.load();
      this.#startedMs = clock.monotonicMs();
      server.onDisconnect((connection) => {
        if (!this.#stopping) this.#routes.disconnect(connection);
      });
      const address = server.listen({ host: remoting.bindAddress, port: remoting.listenPort }, this.#handlers());
      this.#scan = clock.every(this.#options.scanNotActiveBrokerInterval, () => this.#dropSilent());
      return address;
    });
  }

  /** Makes routes anew: after a change of the configuration. */
  announceChanges(): void {
    this.#answers.forget(null);
  }

  /** Stops serving and closes all connections; idempotent. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#scan?.cancel();
    this.#notifier?.close();
    await this.#server?.close();
  }

  get #options(): NamesrvOptions {
    return this.#parts.configuration.settings.namesrv;
  }

  #handlers() {
    return namesrvHandlers({
      routes: this.#routes,
      answers: this.#answers,
      kvConfig: this.#kvConfig,
      configuration: this.#parts.configuration,
      log: this.#parts.log,
      isReady: () => this.#isReady(),
    });
  }

  async #stopOnFailure(start: () => Address): Promise<Address> {
    try {
      return start();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  #isReady(): boolean {
    const { needWaitForService, waitSecondsForService } = this.#options;
    if (!needWaitForService) return true;
    return this.#parts.clock.monotonicMs() - this.#startedMs >= waitSecondsForService * 1000;
  }

  #dropSilent(): void {
    for (const connection of this.#routes.expire()) connection.close("its broker was silent for too long");
  }

  /** Tells the members of a group, where configured, that its smallest broker id has changed (one-way). */
  #notify(change: MinBrokerIdChange): void {
    const { net, clock, log } = this.#parts;
    if (!this.#options.notifyMinBrokerIdChanged) return;
    const { notifyAddrs, ...header } = change;
    log.info(
      `min broker id changed to ${change.minBrokerId}, notify ${notifyAddrs}, ` +
        `offline broker addr ${change.offlineBrokerAddr ?? null}`,
    );
    this.#notifier ??= new RemotingClient({ net, clock, log });
    for (const addr of notifyAddrs) {
      this.#notifier.oneway(addr, { code: RequestCode.NOTIFY_MIN_BROKER_ID_CHANGE, ext: writeHeader({ ...header }) })
        .catch((error) => log.warn(`cannot tell ${addr} the min broker id: ${messageOf(error)}`));
    }
  }
}
