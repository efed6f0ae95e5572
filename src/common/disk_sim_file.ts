/**
 * Open files of a simulated disk, and the process that opened them. See `disk_sim.ts`, which alone uses this file.
 *
 * @module
 */
import { concatBytes } from "./bytes.ts";
import type { Clock } from "./clock.ts";
import type { DiskFile, DiskLock, OpenOptions } from "./disk.ts";
import type { SimContent } from "./disk_sim_content.ts";
import { type DiskOperation, SimulatedCrash, type WaitingOperation } from "./disk_sim_faults.ts";
import type { SimNode, SimVolume } from "./disk_sim_volume.ts";
import { DiskError } from "./errors.ts";

/** How a simulated disk behaves in time. */
export interface SimTiming {
  /** Gives modification times and latencies; without one, times are 0 and asynchronous calls take no time. */
  readonly clock?: Clock;
  /** How long every sync and every asynchronous read takes; 0 by default. */
  readonly latencyMs?: number;
  /**
   * `strict` (by default): names become durable only by a sync of their directory, all that POSIX promises. `journaled`:
   * any sync makes all earlier changes of names durable, as ext4 and XFS do.
   */
  readonly names?: "strict" | "journaled";
}

/** A process that uses a volume. Once dead it gets no answers. */
export class SimDiskProcess {
  readonly files = new Set<SimFile>();
  readonly locks = new Set<SimLock>();
  #ended = false;

  constructor(readonly timing: SimTiming, readonly volume: SimVolume) {}

  /** Whether any sync covers all names. */
  get journaled(): boolean {
    return this.timing.names === "journaled";
  }

  /** To be called before an operation; throws what it is to fail with. */
  before(operation: DiskOperation, path: string): void {
    this.checkAlive();
    this.volume.faults.before(operation, path);
  }

  /** Ends the call of a process that is no more. @throws {SimulatedCrash} when it or its machine has stopped. */
  checkAlive(): void {
    if (this.#gone) throw new SimulatedCrash("This process is dead");
    if (this.volume.faults.stopped) throw new SimulatedCrash("The machine stopped");
  }

  /** Lets an asynchronous operation take its time; never resolves when the process dies meanwhile. */
  async wait(operation: WaitingOperation, path: string): Promise<void> {
    const { clock, latencyMs } = this.timing;
    const waitMs = Math.max(latencyMs ?? 0, this.volume.faults.latencyMs(operation, path));
    await (clock === undefined || waitMs === 0 ? undefined : clock.sleep(waitMs));
    if (this.#gone) await new Promise<never>(() => {});
    this.checkAlive();
  }

  /** The time written into entries. */
  nowMs(): number {
    return this.timing.clock?.now() ?? 0;
  }

  /** Ends the process: its files are closed and its locks free. */
  end(): void {
    for (const file of this.files) file.close();
    for (const lock of this.locks) lock.release();
    this.#ended = true;
  }

  get #gone(): boolean {
    return this.#ended || this.volume.lost;
  }
}

/** A lock, held from its making on. */
export class SimLock implements DiskLock {
  readonly #process: SimDiskProcess;
  readonly #node: SimNode;

  constructor(process: SimDiskProcess, node: SimNode) {
    this.#process = process;
    this.#node = node;
    node.lockedBy = this;
    process.locks.add(this);
  }

  /** @inheritdoc */
  rival(): string | null {
    return this.#node.rival;
  }

  /** @inheritdoc */
  release(): void {
    if (this.#process.locks.delete(this)) this.#node.lockedBy = null;
  }
}

/** An open file. */
export class SimFile implements DiskFile {
  readonly path: string;
  readonly #process: SimDiskProcess;
  readonly #node: SimNode;
  readonly #content: SimContent;
  readonly #options: OpenOptions;
  #closed = false;

  /** @param node a file's. */
  constructor(process: SimDiskProcess, node: SimNode, path: string, options: OpenOptions) {
    this.path = path;
    this.#process = process;
    this.#node = node;
    this.#content = node.content!;
    this.#options = options;
    node.handles++;
    process.files.add(this);
  }

  /** @inheritdoc */
  size(): number {
    this.#checkOpen();
    return this.#content.sizeBytes;
  }

  /** @inheritdoc */
  read(into: Uint8Array, position: number): number {
    this.#checkOpen();
    this.#process.before("read", this.path);
    return this.#content.read(into, position);
  }

  /** @inheritdoc */
  async readAsync(into: Uint8Array, position: number): Promise<number> {
    this.#checkOpen();
    await this.#process.wait("read", this.path);
    return this.read(into, position);
  }

  /** @inheritdoc */
  write(bytes: Uint8Array, asked: number): void {
    this.#beforeChange("write");
    const position = this.#options.append === true ? this.#content.sizeBytes : asked;
    const fitting = this.#content.fitting(bytes.length, position, this.#process.volume.freePages);
    this.#change(() => this.#content.write(bytes.subarray(0, fitting), position));
    if (fitting < bytes.length) {
      throw new DiskError("no-space", this.path, `write ${bytes.length} bytes at ${position}`);
    }
  }

  /** @inheritdoc */
  writeMany(parts: readonly Uint8Array[], position: number): void {
    this.write(concatBytes(parts), position);
  }

  /** @inheritdoc */
  async sync(): Promise<void> {
    const finish = this.#beginSync();
    await this.#process.wait("sync", this.path);
    finish();
  }

  /** @inheritdoc */
  syncNow(): void {
    this.#beginSync()();
  }

  /** @inheritdoc */
  truncate(sizeBytes: number): void {
    this.#beforeChange("truncate");
    this.#change(() => this.#content.truncate(sizeBytes));
  }

  /** @inheritdoc */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#node.handles--;
    this.#process.files.delete(this);
    this.#process.volume.freeIfUnused(this.#node);
  }

  /** @inheritdoc */
  discard(): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  /** Fails, losing what it was to cover, or returns what completes it. */
  #beginSync(): () => void {
    this.#checkOpen();
    const mark = this.#content.mark();
    try {
      this.#process.before("sync", this.path);
    } catch (error) {
      if (error instanceof DiskError) this.#content.loseUnsynced(mark);
      throw error;
    }
    return () => {
      this.#content.makeDurable(mark);
      if (this.#process.journaled) this.#process.volume.syncNames(null);
    };
  }

  #beforeChange(operation: "write" | "truncate"): void {
    this.#checkOpen();
    if (this.#options.readOnly === true) {
      throw new DiskError("io", this.path, operation, new Error("opened for reading only"));
    }
    this.#process.before(operation, this.path);
  }

  #change(change: () => void): void {
    const pages = this.#content.pages;
    change();
    this.#process.volume.usedPages += this.#content.pages - pages;
    this.#node.modifiedMs = this.#process.nowMs();
  }

  #checkOpen(): void {
    this.#process.checkAlive();
    if (this.#closed) throw new DiskError("closed", this.path, "use a closed file");
  }
}
