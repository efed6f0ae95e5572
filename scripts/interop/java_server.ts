/**
 * Java RocketMQ's own name server and broker as a {@link Platform}: the reference that every check passes first.
 *
 * @module
 */
import type { RocketmqVersion } from "./maven.ts";
import { startJava } from "./java_process.ts";
import {
  BOOT_LINE,
  BOOT_TIMEOUT_MS,
  type BrokerOptions,
  brokerProperties,
  type NamesrvOptions,
  namesrvProperties,
  type Platform,
  type Server,
} from "./server.ts";

/** Heaps that are enough for checks and leave room on a small machine. */
const NAMESRV_JVM: readonly string[] = ["-Xms128m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
const BROKER_JVM: readonly string[] = ["-Xms512m", "-Xmx1g", "-XX:+UseG1GC", "-XX:MaxDirectMemorySize=1g"];

/**
 * Servers of a Java RocketMQ release.
 *
 * @param version which release. @param brokerJvm JVM options of the broker, in place of a modest heap.
 */
export function javaPlatform(version: RocketmqVersion, brokerJvm: readonly string[] = BROKER_JVM): Platform {
  return {
    label: `java ${version}`,
    startNamesrv: (options) => startNamesrv(version, options),
    startBroker: (options) => startBroker(version, brokerJvm, options),
  };
}

async function startNamesrv(version: RocketmqVersion, options: NamesrvOptions): Promise<Server> {
  const file = `${options.dir}/namesrv.properties`;
  await Deno.mkdir(`${options.dir}/namesrv`, { recursive: true });
  await Deno.writeTextFile(file, namesrvProperties(options));
  const process = await startJava({
    version,
    dir: options.dir,
    name: "namesrv",
    mainClass: "org.apache.rocketmq.namesrv.NamesrvStartup",
    args: ["-c", file],
    jvm: NAMESRV_JVM,
  });
  await process.waitForOutput(BOOT_LINE, BOOT_TIMEOUT_MS);
  return { address: `127.0.0.1:${options.port}`, process };
}

async function startBroker(version: RocketmqVersion, jvm: readonly string[], options: BrokerOptions): Promise<Server> {
  const file = `${options.dir}/broker.properties`;
  await Deno.mkdir(options.dir, { recursive: true });
  await Deno.writeTextFile(file, brokerProperties(options));
  const process = await startJava({
    version,
    dir: options.dir,
    name: "broker",
    mainClass: "org.apache.rocketmq.broker.BrokerStartup",
    args: ["-c", file],
    jvm,
  });
  await process.waitForOutput(BOOT_LINE, BOOT_TIMEOUT_MS);
  return { address: `127.0.0.1:${options.port}`, process };
}
