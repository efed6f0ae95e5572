/**
 * Hosts made of network namespaces, on one cable, for scripts that live through what happens between machines: each host has
 * an address of its own and all its ports, and can be cut off from the others.
 *
 * Needs root on Linux and `ip`; {@linkcode whyNoHosts} says what is missing. Everything is gone when the network is disposed of, and
 * when this process ends before that, except by SIGKILL.
 *
 * @module
 */

/** What a command printed. */
export interface Outcome {
  readonly code: number;
  /** Standard output, and behind it standard error. */
  readonly text: string;
}

/** One machine. */
export interface Host {
  readonly name: string;
  readonly namespace: string;
  /** IPv4 address, on all machines' common network of 254 addresses. */
  readonly address: string;
}

/** Addresses are handed out from here on. */
const NETWORK = "10.99.0";
/** Names of devices have 15 characters at most. */
const SWITCH_DEVICE = "switch";

/** Runs a command to its end, wherever this process runs. @throws {Deno.errors.NotFound} when there is no such program. */
export async function run(words: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
  const [program, ...args] = words;
  const output = await new Deno.Command(program!, { args, env: { NO_COLOR: "1", ...env }, stdin: "null" }).output();
  const decoder = new TextDecoder();
  return { code: output.code, text: decoder.decode(output.stdout) + decoder.decode(output.stderr) };
}

/** As {@linkcode run}. @throws {Error} with what it printed when its exit code is not 0. */
export async function must(...words: string[]): Promise<string> {
  const { code, text } = await run(words);
  if (code !== 0) throw new Error(`${words.join(" ")}: exit code ${code}: ${text}`);
  return text;
}

/** The words in front of a command that have it run on a host. The process that is started becomes the command. */
export function on(host: Host): readonly string[] {
  return ["ip", "netns", "exec", host.namespace];
}

/** Why there can be no hosts here; null when there can. */
export async function whyNoHosts(): Promise<string | null> {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return "network namespaces take root on Linux";
  const name = `rucola-try-${Deno.pid}`;
  try {
    const { code, text } = await run(["ip", "netns", "add", name]);
    if (code !== 0) return `network namespaces cannot be made: ${text.trim()}`;
    await run(["ip", "netns", "del", name]);
    return null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "there is no program ip (iproute2)";
    throw error;
  }
}

/** Some hosts and the switch between them. Made by {@linkcode connectHosts}. */
export class HostNetwork implements AsyncDisposable {
  readonly hosts: readonly Host[];
  readonly #switch: string;

  /** @param names of the hosts. @param label tells networks of one process apart. */
  constructor(names: readonly string[], label: string) {
    const prefix = `rucola-${Deno.pid}-${label}`;
    this.#switch = `${prefix}-switch`;
    this.hosts = names.map((name, at) => ({ name, namespace: `${prefix}-${name}`, address: `${NETWORK}.${at + 1}` }));
  }

  readonly #removeAtExit = () => {
    for (const namespace of this.#namespaces) {
      new Deno.Command("ip", { args: ["netns", "del", namespace] }).outputSync();
    }
  };

  get #namespaces(): string[] {
    return [this.#switch, ...this.hosts.map(({ namespace }) => namespace)];
  }

  /** Makes the namespaces and the cables. @throws {Error} when that fails; what is there goes with the disposal. */
  async connect(): Promise<void> {
    globalThis.addEventListener("unload", this.#removeAtExit);
    await must("ip", "netns", "add", this.#switch);
    await must("ip", "-n", this.#switch, "link", "add", SWITCH_DEVICE, "type", "bridge");
    await must("ip", "-n", this.#switch, "link", "set", SWITCH_DEVICE, "up");
    for (const [at, { namespace, address }] of this.hosts.entries()) {
      await must("ip", "netns", "add", namespace);
      const [near, far] = [["name", "eth0", "netns", namespace], ["name", `port${at}`, "netns", this.#switch]];
      await must("ip", "link", "add", ...near, "type", "veth", "peer", ...far);
      await must("ip", "-n", this.#switch, "link", "set", `port${at}`, "master", SWITCH_DEVICE, "up");
      await must("ip", "-n", namespace, "addr", "add", `${address}/24`, "dev", "eth0");
      for (const device of ["lo", "eth0"]) await must("ip", "-n", namespace, "link", "set", device, "up");
    }
  }

  /** The host of that name. @throws {Error} when there is none. */
  host(name: string): Host {
    const host = this.hosts.find((each) => each.name === name);
    if (host === undefined) throw new Error(`There is no host ${name}, only ${this.hosts.map((each) => each.name)}`);
    return host;
  }

  /** Pulls a host's cable, or plugs it in again: what is under way is lost without a word, as on a broken switch. */
  async setCable(host: Host, isPlugged: boolean): Promise<void> {
    const port = `port${this.hosts.indexOf(host)}`;
    await must("ip", "-n", this.#switch, "link", "set", port, isPlugged ? "up" : "down");
  }

  /** Removes everything; processes on the hosts must have ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const namespace of this.#namespaces) await run(["ip", "netns", "del", namespace]);
    globalThis.removeEventListener("unload", this.#removeAtExit);
  }
}

/** Makes hosts with these names, connected with each other. @throws {Error} when that fails; nothing is left then. */
export async function connectHosts(names: readonly string[], label: string): Promise<HostNetwork> {
  const network = new HostNetwork(names, label);
  try {
    await network.connect();
    return network;
  } catch (error) {
    await network[Symbol.asyncDispose]();
    throw error;
  }
}
