/**
 * Hosts of the failover check: network namespaces on a bridge that lies in one of its own (the hub, where etcd, the name
 * server and the clients are), each replica with a volume of its own. Cables can be pulled and volumes be filled.
 *
 * @module
 */
import { Skip } from "../../scripts/interop/check.ts";
import { waitFor } from "../../scripts/interop/process.ts";

const VOLUME_BYTES = 1024 * 1024 * 1024;
const UNMOUNT_MS = 20_000;
/** Directories where Debian keeps the library that shifts a process's clock. */
const FAKETIME = [
  "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
  "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
];

/** Runs a program to its end. @throws {Error} when it fails. */
export async function command(...words: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(words[0]!, {
    args: words.slice(1),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(`${words.join(" ")}: ${new TextDecoder().decode(stderr).trim()}`);
  return new TextDecoder().decode(stdout);
}

/** Says what the check lacks. @throws {Skip} */
export async function checkTools(): Promise<void> {
  if (Deno.uid() !== 0) throw new Skip("only root can make network namespaces and mount volumes");
  for (
    const [tool, debian] of [["etcd", "etcd-server"], ["ip", "iproute2"], ["curl", "curl"], ["mkfs.ext4", "e2fsprogs"]]
  ) {
    await command("sh", "-c", `command -v ${tool}`).catch(() => {
      throw new Skip(`${tool} is missing: apt-get install ${debian}`);
    });
  }
}

/** The library that shifts clocks, or null. */
export async function faketimeLibrary(): Promise<string | null> {
  for (const path of FAKETIME) {
    if (await Deno.stat(path).then(() => true, () => false)) return path;
  }
  return null;
}

/** A namespace with an address. */
export class Host {
  constructor(readonly namespace: string, readonly address: string, readonly cable: string) {}

  /** What runs a command here. */
  get within(): string[] {
    return ["ip", "netns", "exec", this.namespace];
  }
}

/** The hub and the replicas' hosts. */
export class Hosts implements AsyncDisposable {
  readonly hub: Host;
  readonly replicas: readonly Host[];
  readonly #mounts: string[] = [];

  private constructor(readonly dir: string, size: number) {
    const name = `rucola-fo-${Deno.pid}`;
    this.hub = new Host(name, "10.98.0.1", "");
    this.replicas = Array.from(
      { length: size },
      (_, i) => new Host(`${name}-${i + 1}`, `10.98.0.${11 + i}`, `v${i + 1}`),
    );
  }

  /** Makes them. @throws {Skip} where the system does not let us. */
  static async make(dir: string, size: number): Promise<Hosts> {
    const hosts = new Hosts(dir, size);
    try {
      await hosts.#make();
      return hosts;
    } catch (error) {
      await hosts[Symbol.asyncDispose]();
      throw new Skip(
        `network namespaces or volumes cannot be made here: ${error instanceof Error ? error.message : error}`,
      );
    }
  }

  async #make(): Promise<void> {
    const { hub } = this;
    await command("ip", "netns", "add", hub.namespace);
    const inHub = (...words: string[]) => command("ip", "-n", hub.namespace, ...words);
    await inHub("link", "set", "lo", "up");
    await inHub("link", "add", "br0", "type", "bridge");
    await inHub("addr", "add", `${hub.address}/24`, "dev", "br0");
    await inHub("link", "set", "br0", "up");
    for (const { namespace, address, cable } of this.replicas) {
      await command("ip", "netns", "add", namespace);
      await inHub("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", namespace);
      await inHub("link", "set", cable, "master", "br0", "up");
      const inside = (...words: string[]) => command("ip", "-n", namespace, ...words);
      await inside("link", "set", "lo", "up");
      await inside("addr", "add", `${address}/24`, "dev", "eth0");
      await inside("link", "set", "eth0", "up");
      await this.#makeVolume(namespace);
    }
  }

  /** Where a replica's volume is mounted. */
  volume(index: number): string {
    return `${this.dir}/volume-${this.replicas[index]!.namespace}`;
  }

  /** Pulls a replica's cable, or puts it back. */
  async plug(index: number, isIn: boolean): Promise<void> {
    await command("ip", "-n", this.hub.namespace, "link", "set", this.replicas[index]!.cable, isIn ? "up" : "down");
  }

  /** Leaves no byte free on a replica's volume. */
  async fill(index: number): Promise<void> {
    const path = `${this.volume(index)}/ballast`;
    const free = Number((await command("df", "--output=avail", "-B1", this.volume(index))).split("\n")[1]);
    await command("fallocate", "-l", String(Math.max(1, free - 65_536)), path);
    // What is left goes byte by byte; the error is what is wanted.
    await command("dd", "if=/dev/zero", `of=${path}.rest`, "bs=4096").catch(() => {});
  }

  /** Gives the room back. */
  async empty(index: number): Promise<void> {
    for (const name of ["ballast", "ballast.rest"]) await Deno.remove(`${this.volume(index)}/${name}`).catch(() => {});
  }

  async #makeVolume(namespace: string): Promise<void> {
    const [mount, image] = [`${this.dir}/volume-${namespace}`, `${this.dir}/image-${namespace}`];
    await Deno.mkdir(mount, { recursive: true });
    await Deno.writeFile(image, new Uint8Array(0));
    await Deno.truncate(image, VOLUME_BYTES);
    await command("mkfs.ext4", "-q", "-F", "-m", "0", image);
    await command("mount", "-o", "loop", image, mount);
    this.#mounts.push(mount);
  }

  /** Removes everything; the processes must have ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const mount of this.#mounts) {
      await waitFor(
        "a volume to be unmounted",
        UNMOUNT_MS,
        () => command("umount", mount).then(() => true, () => false),
      );
    }
    for (const { namespace } of [...this.replicas, this.hub]) {
      await command("ip", "netns", "del", namespace).catch(() => {});
    }
  }
}
