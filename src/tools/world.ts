/**
 * What tools need of the machine, and how they reach a cluster.
 *
 * @module
 */
import { Client } from "../client/client.ts";
import { type Clock, SystemClock } from "../common/clock.ts";
import type { Disk } from "../common/disk.ts";
import { DenoDisk } from "../common/disk_deno.ts";
import { type Environment, systemEnvironment } from "../common/environment.ts";
import { messageOf } from "../common/errors.ts";
import { SILENT_LOG } from "../common/log.ts";
import { formatAddress, type Net, parseAddress } from "../common/net.ts";
import { DenoNet } from "../common/net_deno.ts";
import { type Random, SystemRandom } from "../common/random.ts";
import { UsageError } from "./arguments.ts";

/** The machine, as a tool sees it. */
export interface ToolWorld {
  readonly net: Net;
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: Disk;
  readonly environment: Environment;
  /** Writes text to standard output, with its own line ends. */
  readonly write: (text: string) => void;
  /** Writes text to standard error, with its own line ends. */
  readonly writeError: (text: string) => void;
}

/** The name server of a tool that was told of none. */
const DEFAULT_NAMESRV = "127.0.0.1:9876";
const DEFAULT_NAMESRV_PORT = 9876;
/** As long as RocketMQ's tools wait. */
const TIMEOUT_MS = 5000;

/** This machine. */
export function systemWorld(): ToolWorld {
  const encoder = new TextEncoder();
  return {
    net: new DenoNet(),
    clock: new SystemClock(),
    random: new SystemRandom(),
    disk: new DenoDisk(),
    environment: systemEnvironment(),
    write: (text) => writeAll(Deno.stdout, encoder.encode(text)),
    writeError: (text) => writeAll(Deno.stderr, encoder.encode(text)),
  };
}

/** Writes all of it: a pipe may take less at once. */
function writeAll(stream: { writeSync(bytes: Uint8Array): number }, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += stream.writeSync(bytes.subarray(at));
}

/** A client of the given name servers, which only asks. */
export function connect(namesrvAddr: readonly string[], world: ToolWorld): Client {
  const { net, clock, random, disk, environment } = world;
  const clientIp = environment.hostAddress;
  const options = { namesrvAddr, clientIp, processId: Deno.pid, mqClientApiTimeoutMs: TIMEOUT_MS };
  return new Client({ ...options, homeDirectory: environment.userHome }, { net, clock, random, disk, log: SILENT_LOG });
}

/** What to do when no name server can be reached. @param given what `-n` said. */
export function unreachableAdvice(given: string | undefined, environment: Environment): string {
  const isDefault = given === undefined && configuredNameServers(environment) === undefined;
  return isDefault
    ? "there is neither -n nor NAMESRV_ADDR, so the name server is looked for here: start one (`rucola start`), or name another"
    : "start the name server, or name another with -n or NAMESRV_ADDR";
}

function configuredNameServers(environment: Environment): string | undefined {
  return environment.property("rocketmq.namesrv.addr") ?? environment.variable("NAMESRV_ADDR");
}

/**
 * The name servers: of `-n`, else of NAMESRV_ADDR or `-Drocketmq.namesrv.addr`, else on this machine. A trailing `;` and
 * blanks do not matter; one without a port has 9876.
 *
 * @throws {UsageError} when one is no address.
 */
export function nameServers(given: string | undefined, environment: Environment): string[] {
  const text = given ?? configuredNameServers(environment) ?? DEFAULT_NAMESRV;
  const parts = text.split(/[;,]/).map((part) => part.trim().replace(/^https?:\/\//, "")).filter((part) => part !== "");
  try {
    return parts.map((part) => formatAddress(parseAddress(part, DEFAULT_NAMESRV_PORT)));
  } catch (error) {
    throw new UsageError(`The Name Server Address[${text}] illegal: ${messageOf(error)}`);
  }
}
