/**
 * The name servers of a client: one is asked until it fails, then the next. They know nothing of each other, so any
 * answer counts, and only when none can be reached does a request fail.
 *
 * Source: RocketMQ `NettyRemotingClient#getAndCreateNameserverChannel`.
 *
 * @module
 */
import { ConnectionError, messageOf } from "../common/errors.ts";
import type { Log } from "../common/log.ts";
import type { Random } from "../common/random.ts";
import type { Command, Outgoing } from "../remoting/command.ts";
import { ClientError, ClientErrorCode } from "./errors.ts";
import type { Requests } from "./rpc_hooks.ts";

/** What this needs of its client. */
export interface NameServersParts {
  readonly remoting: Requests;
  readonly random: Random;
  readonly log: Log;
}

/** Requests to whichever name server answers. */
export class NameServers {
  /** `host:port` of each. */
  readonly addresses: readonly string[];
  readonly #parts: NameServersParts;
  #current: number;

  constructor(addresses: readonly string[], parts: NameServersParts) {
    this.addresses = addresses;
    this.#parts = parts;
    this.#current = addresses.length > 1 ? parts.random.int(addresses.length) : 0;
  }

  /**
   * Asks one name server after the other until one answers, whatever it says; each has `timeoutMs`.
   *
   * @throws {ClientError} without name servers. @throws {ConnectionError} when none answers: the last one's error.
   */
  async invoke(request: Outgoing, timeoutMs: number): Promise<Command> {
    if (this.addresses.length === 0) {
      throw new ClientError("No name server address, please set it.", { code: ClientErrorCode.NO_NAME_SERVER });
    }
    let failure: unknown;
    for (let i = 0; i < this.addresses.length; i++) {
      const address = this.addresses[this.#current]!;
      try {
        return await this.#parts.remoting.invoke(address, request, timeoutMs);
      } catch (error) {
        if (!(error instanceof ConnectionError)) throw error;
        failure = error;
        this.#parts.log.warn(`name server ${address} does not answer: ${messageOf(error)}`);
        this.#current = (this.#current + 1) % this.addresses.length;
      }
    }
    throw failure;
  }
}
