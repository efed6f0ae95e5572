/**
 * One part of a cluster: a name server or a broker on a host of its own, and what can happen to it.
 *
 * @module
 */
import { type Host, type HostNetwork, on } from "../hosts.ts";
import { startJava } from "../interop/java_process.ts";
import type { RocketmqVersion } from "../interop/maven.ts";
import { type ChildProcess, startProcess } from "../interop/process.ts";
import { denoFolder } from "../interop/rucola_server.ts";
import { BOOT_LINE } from "../interop/server.ts";

/** Heaps of Java's servers: several of them live on one machine. */
const JAVA_HEAP: readonly string[] = ["-Xms256m", "-Xmx512m", "-XX:+UseG1GC", "-XX:MaxDirectMemorySize=512m"];
/** Several JVMs that begin on one small machine take their time. */
const BOOT_MS = 240_000;
/** Java's broker takes a quarter of a minute for an orderly end. */
const STOP_MS = 60_000;

/** How a server is started: the role and its arguments, as an operator gives them. */
export interface ServerCommand {
  readonly role: "namesrv" | "broker";
  readonly args: readonly string[];
}

/** A program that runs servers on a host, with `home` as the home directory, where stores and logs go by default. */
export type Make = (host: Host, home: string, command: ServerCommand) => Promise<ChildProcess>;

/** Our executable, by the words that start it. */
export function rucola(executable: readonly string[]): Make {
  return (host, home, { role, args }) =>
    startProcess({
      name: role,
      dir: home,
      command: [...on(host), ...executable, role, ...args],
      env: { HOME: home, ROCKETMQ_HOME: home, DENO_DIR: denoFolder() },
    });
}

/** A release of Java RocketMQ. */
export function javaRocketmq(version: RocketmqVersion): Make {
  return (host, home, { role, args }) =>
    startJava({
      version,
      dir: home,
      name: role,
      mainClass: role === "namesrv"
        ? "org.apache.rocketmq.namesrv.NamesrvStartup"
        : "org.apache.rocketmq.broker.BrokerStartup",
      args,
      jvm: JAVA_HEAP,
      via: on(host),
    });
}

/** A server on its host, through all its lives. */
export class Part {
  readonly host: Host;
  readonly home: string;
  readonly #network: HostNetwork;
  #process: ChildProcess | null = null;

  /** @param home directory of the server on its host. */
  constructor(network: HostNetwork, host: Host, home: string) {
    this.#network = network;
    this.host = host;
    this.home = home;
  }

  /** The host's name. */
  get name(): string {
    return this.host.name;
  }

  /** Starts the server; resolves when it says that it is up. @throws {Error} when it does not. */
  async start(make: Make, command: ServerCommand): Promise<void> {
    this.#process = await make(this.host, this.home, command);
    await this.#process.waitForOutput(BOOT_LINE, BOOT_MS);
  }

  /** Ends the server in order (SIGTERM). */
  async stop(): Promise<void> {
    await this.#process?.stop(STOP_MS);
    this.#process = null;
  }

  /** Ends it with `kill -9`. */
  async kill(): Promise<void> {
    await this.#process?.kill();
    this.#process = null;
  }

  /** Has the system stop it where it is (SIGSTOP), or go on. */
  setPaused(isPaused: boolean): void {
    this.#process?.signal(isPaused ? "SIGSTOP" : "SIGCONT");
  }

  /** Pulls the host's cable, or plugs it in again. */
  setCable(isPlugged: boolean): Promise<void> {
    return this.#network.setCable(this.host, isPlugged);
  }
}
