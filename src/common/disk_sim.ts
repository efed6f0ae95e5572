/**
 * A disk in memory that can fail in every way a real one does, the same way for the same seed.
 *
 * A {@link SimDisk} is what one process sees of a volume. What it wrote is visible at once and durable only when a sync
 * has covered it: a file's bytes by a sync of the file, names (files made, renamed, removed) by a sync of their directory.
 *
 * - {@linkcode SimDisk.kill}: the process dies. Everything written is there for the next one, locks are free.
 * - {@linkcode SimDisk.crash}: the power fails. The next process finds what was durable and, as the policy says, none, all
 *   or a random part of the rest, torn at sector boundaries.
 *
 * A dead process gets no answers: its synchronous calls throw `SimulatedCrash`, its asynchronous ones never settle.
 * Faults by path, slow syncs and stops at a chosen change are set on {@linkcode SimDisk.faults}.
 *
 * @module
 */
import type { Disk, DiskEntry, DiskFile, DiskLock, DiskUsage, OpenOptions } from "./disk.ts";
import { PAGE_BYTES, SimContent } from "./disk_sim_content.ts";
import type { DiskFaults } from "./disk_sim_faults.ts";
import { SimDiskProcess, SimFile, SimLock, type SimTiming } from "./disk_sim_file.ts";
import { type CrashPolicy, partsOf, SimNode, SimVolume } from "./disk_sim_volume.ts";
import { DiskError } from "./errors.ts";
import type { Random } from "./random.ts";

/** Power losses worth testing. */
export const CRASH: Readonly<
  Record<"dropUnsynced" | "keepAll" | "keepPrefix" | "tornPrefix" | "reordered", CrashPolicy>
> = {
  /** Nothing survives that was not synced: the strictest. */
  dropUnsynced: { writes: "none", names: "none", tear: false },
  /** Everything survives, as if the caches had been written just in time. */
  keepAll: { writes: "all", names: "all", tear: false },
  /** In each file, the writes before a random one survive. */
  keepPrefix: { writes: "prefix", names: "prefix", tear: false },
  /** As `keepPrefix`, and some sectors of the first write that is lost. */
  tornPrefix: { writes: "prefix", names: "prefix", tear: true },
  /** Each write, sector and name survives or not, whatever came before it. */
  reordered: { writes: "subset", names: "subset", tear: true },
};

/** Properties of a simulated disk. */
export interface SimDiskOptions extends SimTiming {
  /** Decides what survives a power loss. */
  readonly random: Random;
  /** Room for files, in pages of 4096 bytes; 1 TiB by default. */
  readonly capacityBytes?: number;
}

/** A simulated volume as one process sees it. */
export class SimDisk implements Disk {
  readonly #options: SimDiskOptions;
  readonly #volume: SimVolume;
  readonly #process: SimDiskProcess;

  /** @param volume what the disk holds; by default an empty directory. */
  constructor(options: SimDiskOptions, volume: SimVolume = new SimVolume(options.capacityBytes ?? 2 ** 40)) {
    this.#options = options;
    this.#volume = volume;
    this.#process = new SimDiskProcess(options, volume);
  }

  /** What goes wrong on this volume. */
  get faults(): DiskFaults {
    return this.#volume.faults;
  }

  /** Another process of the same machine, with its own locks and life. */
  anotherProcess(): SimDisk {
    return new SimDisk(this.#options, this.#volume);
  }

  /** The process ends without a word; returns what the next one sees: everything written. */
  kill(): SimDisk {
    this.#process.end();
    return this.anotherProcess();
  }

  /** The machine loses power, with all its processes; returns what is found after. Its faults are gone. */
  crash(policy: CrashPolicy): SimDisk {
    this.#volume.lost = true;
    return this.ifCrashed(policy);
  }

  /** What {@linkcode crash} would leave, without anything happening to this disk. */
  ifCrashed(policy: CrashPolicy): SimDisk {
    return new SimDisk(this.#options, this.#volume.afterPowerLoss(policy, this.#options.random));
  }

  /** Makes everything durable, as time does on an idle machine. */
  settle(): void {
    this.#volume.syncAll();
  }

  /** Changes the room, e.g. because somebody else fills the disk. */
  setCapacity(capacityBytes: number): void {
    this.#volume.capacityBytes = capacityBytes;
  }

  /** The medium changes one bit (0 to 7, the lowest first) of the byte at `position`. */
  flipBit(path: string, position: number, bit: number): void {
    this.#file(path, "flip a bit").flipBit(position, bit);
  }

  /** Writes and truncations of a file that no sync has covered. */
  unsynced(path: string): number {
    return this.#file(path, "count unsynced writes").unsynced;
  }

  /** @inheritdoc */
  open(path: string, options: OpenOptions = {}): DiskFile {
    this.#process.before("open", path);
    const { directory, name } = this.#volume.parentOf(path, "open");
    let node = directory.children.get(name);
    if (node === undefined) {
      if (options.create !== true || options.readOnly === true) throw new DiskError("not-found", path, "open");
      node = this.#create(path);
    }
    if (node.content === null) throw new DiskError("io", path, "open", new Error("is a directory"));
    return new SimFile(this.#process, node, path, options);
  }

  /** @inheritdoc */
  stat(path: string): DiskEntry | null {
    this.#process.checkAlive();
    const node = this.#volume.find(path);
    return node === null ? null : entryOf(partsOf(path).at(-1) ?? "/", node);
  }

  /** @inheritdoc */
  list(directory: string): DiskEntry[] {
    this.#process.checkAlive();
    const node = this.#volume.find(directory);
    if (node === null) return [];
    if (node.content !== null) throw new DiskError("io", directory, "list", new Error("not a directory"));
    return [...node.children].map(([name, child]) => entryOf(name, child)).sort((a, b) => a.name < b.name ? -1 : 1);
  }

  /** @inheritdoc */
  makeDirectory(path: string): void {
    this.#process.checkAlive();
    let made = "";
    for (const part of partsOf(path)) {
      made += `/${part}`;
      const { directory, name } = this.#volume.parentOf(made, "make directory");
      const there = directory.children.get(name);
      if (there === undefined) {
        this.#process.before("makeDirectory", made);
        this.#volume.edit([{ directory, name, node: new SimNode(null, this.#process.nowMs()) }]);
      } else if (there.content !== null) {
        throw new DiskError("exists", path, "make directory");
      }
    }
  }

  /** @inheritdoc */
  remove(path: string): void {
    this.#process.checkAlive();
    const node = this.#volume.find(path);
    if (node === null) return;
    this.#process.before("remove", path);
    if (node.children.size > 0) throw new DiskError("io", path, "remove", new Error("directory not empty"));
    this.#volume.edit([{ ...this.#volume.parentOf(path, "remove"), node: null }]);
  }

  /** @inheritdoc */
  rename(from: string, to: string): void {
    this.#process.before("rename", from);
    const source = this.#volume.parentOf(from, `rename to ${to}`);
    const target = this.#volume.parentOf(to, `rename from ${from}`);
    const node = source.directory.children.get(source.name);
    if (node === undefined) throw new DiskError("not-found", from, `rename to ${to}`);
    const there = target.directory.children.get(target.name);
    if (there === node) return;
    if (there !== undefined && ((there.content === null) !== (node.content === null) || there.children.size > 0)) {
      throw new DiskError("io", from, `rename to ${to}`, new Error("the new name is taken"));
    }
    this.#volume.edit([{ ...source, node: null }, { ...target, node }]);
  }

  /** @inheritdoc */
  syncDirectory(path: string): void {
    this.#process.before("syncDirectory", path);
    const node = this.#volume.find(path);
    if (node === null) throw new DiskError("not-found", path, "sync directory");
    this.#volume.syncNames(this.#process.journaled ? null : node);
  }

  /** @inheritdoc */
  async syncDirectoryAsync(path: string): Promise<void> {
    await this.#process.wait("syncDirectory", path);
    this.syncDirectory(path);
  }

  /** @inheritdoc */
  usage(path: string): DiskUsage {
    this.#process.checkAlive();
    if (this.#volume.find(path) === null) throw new DiskError("not-found", path, "find the room left");
    const usedBytes = this.#volume.usedPages * PAGE_BYTES;
    const totalBytes = this.#volume.capacityBytes;
    return { totalBytes, availableBytes: Math.max(0, totalBytes - usedBytes), usedBytes };
  }

  /** @inheritdoc */
  lock(path: string): DiskLock | null {
    this.#process.checkAlive();
    const node = this.#volume.find(path) ?? this.#create(path);
    return node.lockedBy === null ? new SimLock(this.#process, node) : null;
  }

  /** Has a process that locks in another way open the file, or close it (null). */
  setRival(path: string, rival: string | null): void {
    (this.#volume.find(path) ?? this.#create(path)).rival = rival;
  }

  #create(path: string): SimNode {
    this.#process.before("create", path);
    const node = new SimNode(new SimContent(), this.#process.nowMs());
    this.#volume.edit([{ ...this.#volume.parentOf(path, "create"), node }]);
    return node;
  }

  #file(path: string, attempted: string): SimContent {
    const content = this.#volume.find(path)?.content;
    if (!content) throw new DiskError("not-found", path, attempted);
    return content;
  }
}

function entryOf(name: string, node: SimNode): DiskEntry {
  const { content, modifiedMs } = node;
  return { name, isDirectory: content === null, sizeBytes: content?.sizeBytes ?? 0, modifiedMs };
}
