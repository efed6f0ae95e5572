/**
 * At which hosts slaves of this broker live, by what name servers list: RocketMQ's slaves cannot say who they are on the HA
 * port, so this is how a master knows that a connection there is one of them.
 *
 * @module
 */
import type { Log } from "../common/log.ts";
import { type Net, parseAddress } from "../common/net.ts";
import { decodeClusterInfo } from "../protocol/bodies/route.ts";
import { RequestCode, ResponseCode } from "../protocol/codes.ts";
import type { RemotingClient } from "../remoting/client.ts";

const TIMEOUT_MS = 3000;
const MASTER_ID = 0;

/** What the look-up is made of. */
export interface SlaveHostsParts {
  readonly net: Net;
  readonly client: RemotingClient;
  readonly log: Log;
  readonly brokerName: string;
  readonly nameServers: () => readonly { readonly address: string; readonly isRegistered: boolean }[];
}

/** Hosts of registered slaves. */
export class SlaveHosts {
  readonly #parts: SlaveHostsParts;
  #slaves: ReadonlyMap<string, number> = new Map();

  constructor(parts: SlaveHostsParts) {
    this.#parts = parts;
  }

  /** How many slaves of this broker were registered at the host when it was last looked up. */
  count(host: string): number {
    return this.#slaves.get(host) ?? 0;
  }

  /** Asks the first name server that answers. */
  async lookUp(): Promise<void> {
    for (const { address, isRegistered } of this.#parts.nameServers()) {
      if (!isRegistered) continue;
      try {
        const { client } = this.#parts;
        const reply = await client.invoke(address, { code: RequestCode.GET_BROKER_CLUSTER_INFO, ext: {} }, TIMEOUT_MS);
        if (reply.code !== ResponseCode.SUCCESS) continue;
        this.#slaves = await this.#slavesIn(reply.body);
        return;
      } catch {
        // The registration tells when a name server is away; the next one may answer.
      }
    }
  }

  async #slavesIn(body: Uint8Array): Promise<Map<string, number>> {
    const { net, brokerName } = this.#parts;
    const broker = decodeClusterInfo(body).brokerAddrTable.get(brokerName);
    const slaves = new Map<string, number>();
    for (const [id, address] of broker?.brokerAddrs ?? []) {
      if (Number(id) === MASTER_ID) continue;
      for (const ip of await net.resolve(parseAddress(address).host).catch(() => [])) {
        slaves.set(ip, (slaves.get(ip) ?? 0) + 1);
      }
    }
    return slaves;
  }
}
