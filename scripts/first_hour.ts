/**
 * An operator's first hour, scripted: two hosts (network namespaces), install, edit the properties, start by the units'
 * command lines, then break one thing after the other and show what the operator sees and what `rucola doctor` says.
 *
 * ```
 * deno task compile && deno run -A scripts/first_hour.ts [--binary dist/rucola]
 * ```
 *
 * Needs root on Linux and `ip`; where that is not there it says so and ends with exit code 0. Everything that it makes (two
 * namespaces, a mount, a directory) is gone at its end. Exit code 1 when something is not seen as it should be.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { dirname, fromFileUrl, join, resolve } from "@std/path";
import { type Host, HostNetwork, must, on, type Outcome, run, whyNoHosts } from "./hosts.ts";

const ROOT = dirname(dirname(fromFileUrl(import.meta.url)));
/** The hosts; connected before anything is done on them. */
const NETWORK = new HostNetwork(["server", "client"], "hour");
const SERVER = NETWORK.host("server");
const CLIENT = NETWORK.host("client");
const NAMESRV = `${SERVER.address}:9876`;
const SEEN_TIMEOUT_MS = 30_000;
const TMPFS_BYTES = 48 * 1024 * 1024;

let failures = 0;

function say(text: string): void {
  console.log(text);
}

/** Notes whether the operator sees what they should. */
function expect(seen: boolean, what: string): void {
  say(`   [${seen ? "as it should be" : "NOT AS IT SHOULD BE"}] ${what}`);
  if (!seen) failures++;
}

/** Runs a command on a host as an operator types it, and shows it with what it printed. */
async function type(host: Host, words: readonly string[], shown = 60): Promise<Outcome> {
  say(`\n${host.name}$ ${words.map((word) => word.replace(/^.*\/bin\//, "")).join(" ")}`);
  const outcome = await run([...on(host), ...words]);
  const lines = outcome.text.trimEnd().split("\n");
  for (const line of lines.slice(0, shown)) say(`   ${line}`);
  if (lines.length > shown) say(`   … ${lines.length - shown} more lines`);
  say(`   (exit code ${outcome.code})`);
  return outcome;
}

/** A service on the server, started by the command line of its unit. */
class Service implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #read: Promise<void>;
  output = "";

  constructor(words: readonly string[], env: Record<string, string>) {
    const [program, ...args] = [...on(SERVER), ...words];
    this.#child = new Deno.Command(program!, {
      args,
      env: { NO_COLOR: "1", ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#read = Promise.all([this.#collect(this.#child.stdout), this.#collect(this.#child.stderr)]).then(() => {});
  }

  /** Whether the service prints the text in time. */
  async prints(text: string): Promise<boolean> {
    return await until(() => this.output.includes(text));
  }

  async #collect(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const piece of stream.pipeThrough(new TextDecoderStream())) this.output += piece;
  }

  /** Has it read its configuration again. */
  hangUp(): void {
    this.#child.kill("SIGHUP");
  }

  /** Ends it as systemd does. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGTERM");
    } catch {
      // It has ended by itself.
    }
    await this.#child.status;
    await this.#read;
  }
}

async function until(condition: () => boolean | Promise<boolean>): Promise<boolean> {
  const endMs = Date.now() + SEEN_TIMEOUT_MS;
  while (!await condition()) {
    if (Date.now() > endMs) return false;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return true;
}

/** An installation and what is started from it. */
class Site {
  readonly prefix: string;
  readonly units: string;

  constructor(readonly directory: string) {
    this.prefix = `${directory}/opt/rucola`;
    this.units = `${directory}/units`;
  }

  bin(name: string): string {
    return `${this.prefix}/bin/${name}`;
  }

  /** The command line and the variables of a unit, with its specifiers filled in. */
  async #unit(name: string, instance: string): Promise<{ words: string[]; env: Record<string, string> }> {
    const text = await Deno.readTextFile(`${this.units}/${name}`);
    const value = (key: string) => new RegExp(`^${key}=(.*)$`, "m").exec(text)![1]!;
    const fill = (each: string) => each.replaceAll("%i", instance).replaceAll("%S", `${this.directory}/state`);
    const settings = [...text.matchAll(/^Environment=(\w+)=(.*)$/gm)].map(([, key, setting]) => [key, fill(setting!)]);
    const home = fill(value("WorkingDirectory"));
    await Deno.mkdir(home, { recursive: true });
    const env: Record<string, string> = { ...Object.fromEntries(settings), RUNTIME_DIRECTORY: home };
    return { words: fill(value("ExecStart")).split(" "), env };
  }

  async namesrv(): Promise<Service> {
    const { words, env } = await this.#unit("rucola-namesrv.service", "");
    return new Service(words, env);
  }

  async broker(instance: string): Promise<Service> {
    const { words, env } = await this.#unit("rucola-broker@.service", instance);
    return new Service(words, env);
  }

  /** Makes a properties file out of the sample. */
  async edit(instance: string, changes: Record<string, string>): Promise<void> {
    let text = await Deno.readTextFile(`${this.prefix}/conf/broker.properties`);
    for (const [key, value] of Object.entries(changes)) {
      const line = new RegExp(`^#?${key}=.*$`, "m");
      text = line.test(text) ? text.replace(line, `${key}=${value}`) : `${text}\n${key}=${value}\n`;
    }
    await Deno.writeTextFile(`${this.prefix}/conf/${instance}.properties`, text);
    say(
      `\nserver$ vi conf/${instance}.properties      # ${
        Object.entries(changes).map((each) => each.join("=")).join(", ")
      }`,
    );
  }

  doctor(more: readonly string[] = [], namesrv = NAMESRV): Promise<Outcome> {
    return type(CLIENT, [this.bin("rucola"), "doctor", "-n", namesrv, "--timeout", "1000", ...more]);
  }
}

const SETTINGS = {
  namesrvAddr: NAMESRV,
  brokerIP1: SERVER.address,
  brokerIP2: SERVER.address,
  mappedFileSizeCommitLog: "4194304",
};

async function firstHour(site: Site): Promise<void> {
  say("== Install");
  const install = [site.bin("rucola"), "install", "--prefix", site.prefix, "--systemd", "--unit-dir", site.units];
  await type(SERVER, [...install, "--user", "daemon"]);
  await type(SERVER, ["ls", `${site.prefix}/bin`, `${site.prefix}/conf`, site.units]);

  say("\n== Before anything runs");
  expect((await site.doctor()).text.includes("Connection refused"), "no name server");

  say("\n== Start by the units' command lines");
  await using namesrv = await site.namesrv();
  expect(await namesrv.prints("The Name Server boot success"), "the name server says that it is up");
  expect((await site.doctor()).text.includes("no broker is registered here"), "a name server without brokers");
  await site.edit("broker", SETTINGS);
  {
    await using broker = await site.broker("broker");
    expect(await broker.prints("boot success"), "the broker says that it is up");
    say(indent(broker.output));
    expect(
      (await site.doctor(["--probe"])).code <= 1,
      "the doctor finds no problem, and a message goes there and back",
    );
    await type(CLIENT, [site.bin("mqadmin"), "clusterList", "-n", NAMESRV]);
    await wrongNamesrv(site);
    await blockedVipPort(site);
    await duplicateId(site);
  }
  await wrongAddress(site);
  await fullDisk(site);
  say("\n== Uninstall");
  const { text } = await type(SERVER, [site.bin("rucola"), "uninstall", "--prefix", site.prefix]);
  expect(text.includes("data was not touched"), "what was installed is gone, and nothing else");
}

async function wrongNamesrv(site: Site): Promise<void> {
  say("\n== Wrong name server: the broker's port is given instead");
  const { text } = await site.doctor([], `${SERVER.address}:10911`);
  expect(text.includes("not as a name server does"), "the doctor says that it is no name server");
  say("\n== Wrong name server: a broker that is told an address where nobody listens");
  await site.edit("lost", {
    ...SETTINGS,
    brokerName: "lost",
    listenPort: "20911",
    namesrvAddr: `${SERVER.address}:9877`,
  });
  await using lost = await site.broker("lost");
  expect(
    await lost.prints(`not registered with ${SERVER.address}:9877 yet, trying on: Cannot connect`),
    "the broker says so when it starts",
  );
  say(indent(lost.output));
}

async function blockedVipPort(site: Site): Promise<void> {
  say("\n== Port 10909 is blocked (answers from it are dropped)");
  const rule = ["rule", "add", "priority", "10", "ipproto", "tcp", "sport", "10909", "blackhole"];
  await must("ip", "-n", SERVER.namespace, ...rule);
  const { text, code } = await site.doctor();
  expect(text.includes("the VIP port does not answer") && code === 1, "a warning that names the port and who needs it");
  await must("ip", "-n", SERVER.namespace, "rule", "del", "priority", "10");
}

async function duplicateId(site: Site): Promise<void> {
  say("\n== A second broker with the same name and id");
  await site.edit("twin", { ...SETTINGS, listenPort: "30911" });
  await using twin = await site.broker("twin");
  expect(await twin.prints("boot success"), "it starts: RocketMQ lets it");
  const { text, code } = await site.doctor();
  expect(text.includes("both claim this name and id") && code === 2, "the doctor names both addresses");
}

async function wrongAddress(site: Site): Promise<void> {
  say("\n== Wrong brokerIP1: that of a container network");
  await site.edit("broker", { ...SETTINGS, brokerIP1: "172.17.0.2" });
  await using broker = await site.broker("broker");
  expect(await broker.prints("looks like the address of a container network"), "the broker warns when it starts");
  say(indent(broker.output));
  const { text, code } = await site.doctor();
  expect(
    text.includes("172.17.0.2:10911") && text.includes("set brokerIP1") && code === 2,
    "the doctor says what to change",
  );
  await type(CLIENT, [site.bin("mqadmin"), "sendMessage", "-n", NAMESRV, "-t", "broker-a", "-p", "hello"], 6);
  say("\n== Repaired for clients of one network, without a restart: brokerAddresses, and SIGHUP");
  const brokerAddresses = `${CLIENT.address}/24=${SERVER.address}:10911`;
  await site.edit("broker", { ...SETTINGS, brokerIP1: "172.17.0.2", brokerAddresses });
  say("\nserver$ systemctl reload rucola-broker@broker      # kill -HUP");
  broker.hangUp();
  let repaired = "";
  const isRepaired = await until(async () => {
    const { code, text } = await run([...on(CLIENT), site.bin("rucola"), "doctor", "-n", NAMESRV]);
    repaired = text;
    return code === 0;
  });
  say(indent(repaired));
  expect(isRepaired, "this client is told the address of its network");
}

async function fullDisk(site: Site): Promise<void> {
  say("\n== The disk is full (a tmpfs of 48 MiB)");
  const volume = `${site.directory}/volume`;
  await Deno.mkdir(volume);
  await must("mount", "-t", "tmpfs", "-o", `size=${TMPFS_BYTES}`, "tmpfs", volume);
  try {
    await site.edit("full", { ...SETTINGS, brokerName: "full", storePathRootDir: `${volume}/store` });
    await using broker = await site.broker("full");
    expect(await broker.prints("boot success"), "the broker starts while there is room");
    const { availableBytes } = await usage(volume);
    await Deno.writeFile(`${volume}/somebody-elses`, new Uint8Array(Math.max(0, availableBytes - 2 * 1024 * 1024)));
    const send = [site.bin("mqadmin"), "sendMessage", "-n", NAMESRV, "-t", "full", "-p", "hello"];
    const refused = await until(async () => (await run([...on(CLIENT), ...send])).text.includes("disk"));
    const { text: sent } = await type(CLIENT, send, 8);
    expect(refused && sent.includes("Cause:"), "the refusal says that it is the disk");
    const { text, code } = await site.doctor();
    expect(text.includes("it takes no messages") && code === 2, "the doctor says how full it is and what that means");
  } finally {
    await must("umount", volume);
  }
}

async function usage(path: string): Promise<{ availableBytes: number }> {
  const text = await must("df", "--output=avail", "-B1", path);
  return { availableBytes: Number(text.trim().split("\n").at(-1)) };
}

function indent(text: string): string {
  return text.trimEnd().split("\n").map((line) => `   ${line}`).join("\n");
}

/** Why it cannot run here; null when it can. */
async function whyNot(binary: string): Promise<string | null> {
  try {
    await Deno.stat(binary);
  } catch {
    return `there is no ${binary}; make it with deno task compile`;
  }
  return await whyNoHosts();
}

async function main(args: string[]): Promise<number> {
  const { binary } = parseArgs(args, { string: ["binary"], default: { binary: "dist/rucola" } });
  const path = resolve(ROOT, binary);
  const reason = await whyNot(path);
  if (reason !== null) {
    console.log(`skipped: the first hour, ${reason}`);
    return 0;
  }
  const directory = await Deno.makeTempDir({ prefix: "rucola_first_hour_" });
  await using network = NETWORK;
  try {
    await network.connect();
    const site = new Site(directory);
    await Deno.mkdir(join(site.prefix, "bin"), { recursive: true });
    await Deno.copyFile(path, site.bin("rucola"));
    await Deno.chmod(site.bin("rucola"), 0o755);
    await firstHour(site);
    say(
      `\n${
        failures === 0 ? "Everything was seen as it should be." : `${failures} things were not seen as they should be.`
      }`,
    );
    return failures === 0 ? 0 : 1;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
