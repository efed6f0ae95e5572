/**
 * A slave behind the broker that is measured, so that what a SYNC_MASTER costs is told from what having a slave costs: both roles
 * are measured with one.
 *
 * @module
 */
import { freeBrokerPort } from "../interop/ports.ts";
import { type ChildProcess, waitFor } from "../interop/process.ts";
import { rawRequest, waitForRegistration } from "../interop/raw_client.ts";
import type { BrokerOptions, Platform, Server } from "../interop/server.ts";

const GET_BROKER_HA_STATUS = 907;
const FOLLOWS_TIMEOUT_MS = 60_000;

/** What a master's configuration says besides the rest. Java 5.x waits for its slave only with `inSyncReplicas` of 2. */
export function masterProperties(role: string): Record<string, string> {
  return { brokerRole: role, brokerIP2: "127.0.0.1", totalReplicas: "2", inSyncReplicas: "2" };
}

/**
 * Starts a slave of the same make and waits until the master counts it. The caller disposes of it.
 *
 * @throws {Error} when it does not follow in time.
 */
export async function startSlave(platform: Platform, master: Server, options: BrokerOptions): Promise<ChildProcess> {
  await waitForRegistration(options.namesrvAddr, master.address);
  const { process } = await platform.startBroker({
    ...options,
    dir: `${options.dir}-slave`,
    port: freeBrokerPort(),
    properties: { ...options.properties, brokerRole: "SLAVE", brokerId: "1" },
  });
  const follows = async () => {
    const { body } = await rawRequest(master.address, GET_BROKER_HA_STATUS);
    return /"inSyncSlaveNums":[1-9]/.test(new TextDecoder().decode(body));
  };
  await waitFor("the slave to follow", FOLLOWS_TIMEOUT_MS, follows, () => process.tail());
  return process;
}
