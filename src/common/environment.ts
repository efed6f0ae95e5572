/**
 * What defaults are computed from: the machine (home directory, name, address, processors) and the settings that reach a
 * process from outside a configuration file (environment variables, and Java's `-Dname=value` system properties).
 *
 * Start scripts and container descriptions of Java RocketMQ set system properties through `JAVA_OPT_EXT`, most often
 * `-Duser.home=…`. There is no JVM here, but what those properties said about RocketMQ still counts, so they are read from
 * the same variables.
 *
 * @module
 */
import { fstatSync } from "node:fs";
import { homedir } from "node:os";

/** The surroundings of a process, as far as configuration depends on them. */
export interface Environment {
  /** Home directory of the user: what `~` stands for in defaults. */
  readonly userHome: string;
  /** Name of this machine. */
  readonly hostName: string;
  /** Address other machines most likely reach this one by. */
  readonly hostAddress: string;
  /** Number of processors. */
  readonly cpuCount: number;
  /** Whether standard output goes to systemd's journal, which keeps times and sizes itself. */
  readonly stdoutIsJournal: boolean;
  /** An environment variable; undefined when it is not set or empty. */
  variable(name: string): string | undefined;
  /** A Java system property (`-Dname=value` in JAVA_TOOL_OPTIONS, JAVA_OPT or JAVA_OPT_EXT, the last one counting). */
  property(name: string): string | undefined;
}

/** One address of one network interface. */
export interface InterfaceAddress {
  /** Name of the interface, e.g. `eth0`. */
  readonly name: string;
  readonly family: "IPv4" | "IPv6";
  readonly address: string;
}

/** What {@linkcode createEnvironment} is given; everything has a default that needs no machine. */
export interface EnvironmentParts {
  readonly variables?: Readonly<Record<string, string>>;
  readonly hostName?: string;
  readonly interfaces?: readonly InterfaceAddress[];
  readonly cpuCount?: number;
  /** Home directory of the user as the system knows it; `ROCKETMQ_USER_HOME` and `-Duser.home` come before it. */
  readonly systemHome?: string;
  /** `device:inode` of standard output, which systemd puts into `JOURNAL_STREAM`; a child may inherit that with another output. */
  readonly stdoutId?: string;
}

const PROPERTY_VARIABLES = ["JAVA_TOOL_OPTIONS", "JAVA_OPT", "JAVA_OPT_EXT"];

/** An environment made of the given parts. */
export function createEnvironment(parts: EnvironmentParts = {}): Environment {
  const variables = parts.variables ?? {};
  const properties = new Map<string, string>();
  for (const name of PROPERTY_VARIABLES) {
    for (const [key, value] of parseSystemProperties(variables[name] ?? "")) properties.set(key, value);
  }
  const home = variables["ROCKETMQ_USER_HOME"] || properties.get("user.home") || variables["HOME"] ||
    parts.systemHome || variables["ROCKETMQ_HOME"] || ".";
  return {
    userHome: home.length > 1 ? home.replace(/\/+$/, "") : home,
    hostName: parts.hostName ?? "localhost",
    hostAddress: advertisedAddress(parts.interfaces ?? []),
    cpuCount: parts.cpuCount ?? 1,
    stdoutIsJournal: parts.stdoutId !== undefined && parts.stdoutId === variables["JOURNAL_STREAM"],
    variable: (name) => variables[name] || undefined,
    property: (name) => properties.get(name),
  };
}

/**
 * The environment of this process.
 *
 * @param isBridge whether a network interface is a bridge (of containers, say), whose address no other machine reaches.
 */
export function systemEnvironment(isBridge: (interfaceName: string) => boolean = () => false): Environment {
  return createEnvironment({
    variables: Deno.env.toObject(),
    hostName: Deno.hostname(),
    interfaces: Deno.networkInterfaces().filter((each) => !isBridge(each.name)),
    cpuCount: navigator.hardwareConcurrency,
    systemHome: homedir(),
    ...stdoutId(),
  });
}

function stdoutId(): { stdoutId?: string } {
  try {
    const { dev, ino } = fstatSync(1);
    return { stdoutId: `${dev}:${ino}` };
  } catch {
    // Closed, or of a kind that has no identity: not the journal.
    return {};
  }
}

/** The `-Dname=value` arguments in a line of JVM options; a value may be quoted. */
export function parseSystemProperties(options: string): Map<string, string> {
  const properties = new Map<string, string>();
  for (const match of options.matchAll(/(?:^|\s)["']?-D([^=\s]+)=("[^"]*"|'[^']*'|[^\s"']*)/g)) {
    properties.set(match[1]!, match[2]!.replace(/^(["'])(.*)\1$/, "$2"));
  }
  return properties;
}

/**
 * The address to advertise: the first public IPv4 address, else the first private one, else an IPv6 address (in brackets),
 * else loopback. Source: RocketMQ 5.x `NetworkUtil#getLocalAddress`.
 */
export function advertisedAddress(interfaces: readonly InterfaceAddress[]): string {
  const v4 = interfaces.filter((each) => each.family === "IPv4" && !each.address.startsWith("127."))
    .map((each) => each.address);
  const v4Choice = v4.find((address) => !isPrivateIpv4(address)) ?? v4.find((address) => !isLinkLocal(address)) ??
    v4[0];
  if (v4Choice !== undefined) return v4Choice;
  const v6 = interfaces.filter((each) => each.family === "IPv6" && each.address !== "::1").map((each) => each.address);
  const v6Choice = v6.find((address) => !/^f[cde]/i.test(address)) ?? v6.find((address) => !/^fe8/i.test(address));
  return v6Choice === undefined ? "127.0.0.1" : `[${v6Choice}]`;
}

function isLinkLocal(address: string): boolean {
  return address.startsWith("169.254.");
}

function isPrivateIpv4(address: string): boolean {
  return /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/.test(address) || isLinkLocal(address);
}
