/**
 * The machine's own file system, as a {@link Disk}.
 *
 * It rests on `Deno.FsFile` and not on `node:fs`, whose positioned `read` runs on the event loop in Deno, and whose
 * `writev` allocates a joined copy on every call. An `FsFile` has one position that reads and writes share, so
 *
 * - each file remembers where its handle stands and seeks only when the next call begins elsewhere: a log's appends need
 *   one system call each;
 * - {@linkcode DiskFile.readAsync} has a second handle of its own, made at its first use, and its reads follow one
 *   another: on the first handle a read in a thread would block every write of the loop until it is done.
 *
 * Nothing is allocated by `read`, `write` and `writeMany` unless they fail.
 *
 * @module
 */
import { statfsSync } from "node:fs";
import type { Disk, DiskEntry, DiskFile, DiskLock, DiskUsage, OpenOptions } from "./disk.ts";
import { DiskError, type DiskFault } from "./errors.ts";
import { javaProcessWith } from "./disk_rival.ts";

/** Parts are joined in this many bytes before they are written; a larger part is written from where it lies. */
const GATHER_BYTES = 256 * 1024;

const FAULTS: Readonly<Record<string, DiskFault>> = {
  ENOENT: "not-found",
  // A path below a file: nothing is there, and nothing can be.
  ENOTDIR: "not-found",
  EEXIST: "exists",
  ENOSPC: "no-space",
  EDQUOT: "no-space",
  EROFS: "read-only",
  EACCES: "permission",
  EPERM: "permission",
};

/** Shared by all files: it is only in use during one synchronous call. */
const gather = new Uint8Array(GATHER_BYTES);

function faultOf(error: unknown): DiskFault {
  if (error instanceof Deno.errors.BadResource) return "closed";
  if (error instanceof Deno.errors.NotCapable) return "permission";
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return (typeof code === "string" ? FAULTS[code] : undefined) ?? "io";
}

function diskError(path: string, attempted: string, cause: unknown): DiskError {
  return cause instanceof DiskError ? cause : new DiskError(faultOf(cause), path, attempted, cause);
}

/** Runs `action`, with whatever it throws as a `DiskError`. */
function attempt<T>(path: string, attempted: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw diskError(path, attempted, error);
  }
}

/** A file of the machine. */
class DenoDiskFile implements DiskFile {
  readonly path: string;
  readonly #handle: Deno.FsFile;
  /** Where `#handle` stands; −1 when a failed call left it somewhere. */
  #cursor = 0;
  #closed = false;
  /** Handle of `readAsync`: undefined before its first use, null when the path leads to another file by now. */
  #background: Deno.FsFile | null | undefined;
  readonly #appends: boolean;
  /** Settles, never rejecting, when the last `readAsync` asked for is done. */
  #lastRead: Promise<unknown> = Promise.resolve();

  /** @param appends whether the system writes at the end, wherever the handle stands. */
  constructor(path: string, handle: Deno.FsFile, appends: boolean) {
    this.path = path;
    this.#handle = handle;
    this.#appends = appends;
  }

  size(): number {
    try {
      this.#checkOpen();
      return this.#cursor = this.#handle.seekSync(0, Deno.SeekMode.End);
    } catch (error) {
      throw this.#failed("find the size", error);
    }
  }

  read(into: Uint8Array, position: number): number {
    let done = 0;
    try {
      this.#seek(position);
      while (done < into.length) {
        const count = this.#handle.readSync(done === 0 ? into : into.subarray(done));
        if (count === null) break;
        done += count;
        this.#cursor += count;
      }
    } catch (error) {
      throw this.#failed(`read ${into.length} bytes at ${position}`, error);
    }
    return done;
  }

  readAsync(into: Uint8Array, position: number): Promise<number> {
    const result = this.#lastRead.then(() => this.#readInBackground(into, position));
    this.#lastRead = result.catch(() => {});
    return result;
  }

  write(bytes: Uint8Array, position: number): void {
    try {
      this.#seek(position);
      this.#writeHere(bytes);
    } catch (error) {
      throw this.#failed(`write ${bytes.length} bytes at ${position}`, error);
    }
  }

  writeMany(parts: readonly Uint8Array[], position: number): void {
    let held = 0;
    try {
      this.#seek(position);
      for (const part of parts) {
        if (held + part.length > GATHER_BYTES) {
          this.#writeHere(gather.subarray(0, held));
          held = 0;
        }
        if (part.length > GATHER_BYTES) {
          this.#writeHere(part);
        } else {
          gather.set(part, held);
          held += part.length;
        }
      }
      if (held > 0) this.#writeHere(gather.subarray(0, held));
    } catch (error) {
      throw this.#failed(`write ${parts.length} parts at ${position}`, error);
    }
  }

  async sync(): Promise<void> {
    try {
      this.#checkOpen();
      await this.#handle.syncData();
    } catch (error) {
      throw diskError(this.path, "sync", error);
    }
  }

  syncNow(): void {
    try {
      this.#checkOpen();
      this.#handle.syncDataSync();
    } catch (error) {
      throw diskError(this.path, "sync", error);
    }
  }

  truncate(sizeBytes: number): void {
    try {
      this.#checkOpen();
      this.#handle.truncateSync(sizeBytes);
    } catch (error) {
      throw diskError(this.path, `truncate to ${sizeBytes} bytes`, error);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#handle.close();
    this.#background?.close();
  }

  async discard(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true; // Nobody uses it any more; a background read that is under way finds the end of the file.
    try {
      await this.#lastRead;
      // Only what has no name any more: a backup of links (`cp -l`) has the same bytes.
      if ((await this.#handle.stat()).nlink === 0) await this.#handle.truncate(0);
    } catch {
      // Then closing it gives the room back.
    } finally {
      this.#handle.close();
      this.#background?.close();
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw new DiskError("closed", this.path, "use a closed file");
  }

  #failed(attempted: string, error: unknown): DiskError {
    this.#cursor = -1;
    return diskError(this.path, attempted, error);
  }

  #seek(position: number): void {
    this.#checkOpen();
    if (this.#cursor !== position) this.#cursor = this.#handle.seekSync(position, Deno.SeekMode.Start);
  }

  #writeHere(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) {
      const count = this.#handle.writeSync(done === 0 ? bytes : bytes.subarray(done));
      if (count === 0) throw new Error("the system took no byte");
      done += count;
      this.#cursor += count;
    }
    if (this.#appends) this.#cursor = -1;
  }

  async #readInBackground(into: Uint8Array, position: number): Promise<number> {
    const handle = this.#backgroundHandle();
    if (handle === null) return this.read(into, position);
    try {
      handle.seekSync(position, Deno.SeekMode.Start);
      let done = 0;
      while (done < into.length) {
        const count = await handle.read(done === 0 ? into : into.subarray(done));
        if (count === null) break;
        done += count;
      }
      return done;
    } catch (error) {
      throw diskError(this.path, `read ${into.length} bytes at ${position}`, error);
    }
  }

  /** The handle for reads in a thread, or null when only the first handle still reaches this file (it was removed). */
  #backgroundHandle(): Deno.FsFile | null {
    this.#checkOpen();
    if (this.#background !== undefined) return this.#background;
    this.#background = null;
    let handle: Deno.FsFile;
    try {
      handle = Deno.openSync(this.path, { read: true });
    } catch {
      return null;
    }
    const mine = this.#handle.statSync();
    const found = handle.statSync();
    if (mine.ino !== found.ino || mine.dev !== found.dev) handle.close();
    else this.#background = handle;
    return this.#background;
  }
}

/** An `flock`; it ends with its handle. */
class DenoDiskLock implements DiskLock {
  readonly #path: string;
  #handle: Deno.FsFile | null;

  constructor(path: string, handle: Deno.FsFile) {
    this.#path = path;
    this.#handle = handle;
  }

  rival(): string | null {
    const pid = javaProcessWith(this.#path);
    return pid === null ? null : `a Java process (pid ${pid})`;
  }

  release(): void {
    this.#handle?.close();
    this.#handle = null;
  }
}

function lastPart(path: string): string {
  const end = path.endsWith("/") ? path.length - 1 : path.length;
  return path.slice(path.lastIndexOf("/", end - 1) + 1, end);
}

/**
 * Standard input as a file that is read from its beginning; whatever needs positions or sizes fails, as with any stream. Deno
 * opens its paths only for programs that may do everything, but reads what it was given.
 */
function openStdin(): Deno.FsFile {
  return Deno.stdin as unknown as Deno.FsFile;
}

/** Names of standard input. */
const STDIN_PATHS: readonly string[] = ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"];

/** The machine's file system. Links are followed. */
export class DenoDisk implements Disk {
  /** @inheritdoc */
  open(path: string, options: OpenOptions = {}): DiskFile {
    const write = options.readOnly !== true;
    const append = write && options.append === true;
    const handle = attempt(
      path,
      "open",
      () =>
        !write && STDIN_PATHS.includes(path)
          ? openStdin()
          : Deno.openSync(path, { read: true, write, append, create: write && options.create === true }),
    );
    return new DenoDiskFile(path, handle, append);
  }

  /** @inheritdoc */
  stat(path: string): DiskEntry | null {
    try {
      const info = Deno.statSync(path);
      return {
        name: lastPart(path),
        isDirectory: info.isDirectory,
        ...(!info.isDirectory && !info.isFile && { isStream: true }),
        sizeBytes: info.isFile ? info.size : 0,
        modifiedMs: info.mtime?.getTime() ?? 0,
      };
    } catch (error) {
      if (faultOf(error) === "not-found") return null;
      throw diskError(path, "look at", error);
    }
  }

  /** @inheritdoc */
  list(directory: string): DiskEntry[] {
    const entries: DiskEntry[] = [];
    try {
      for (const { name } of Deno.readDirSync(directory)) {
        const entry = this.stat(`${directory}/${name}`);
        // Null: removed since it was listed, or a link to nothing.
        if (entry !== null) entries.push(entry);
      }
    } catch (error) {
      if (faultOf(error) !== "not-found") throw diskError(directory, "list", error);
    }
    return entries.sort((a, b) => a.name < b.name ? -1 : 1);
  }

  /** @inheritdoc */
  makeDirectory(path: string): void {
    attempt(path, "make directory", () => Deno.mkdirSync(path, { recursive: true }));
  }

  /** @inheritdoc */
  remove(path: string): void {
    try {
      Deno.removeSync(path);
    } catch (error) {
      if (faultOf(error) !== "not-found") throw diskError(path, "remove", error);
    }
  }

  /** @inheritdoc */
  rename(from: string, to: string): void {
    attempt(from, `rename to ${to}`, () => Deno.renameSync(from, to));
  }

  /** @inheritdoc */
  syncDirectory(path: string): void {
    attempt(path, "sync directory", () => {
      using handle = Deno.openSync(path, { read: true });
      handle.syncSync();
    });
  }

  /** @inheritdoc */
  async syncDirectoryAsync(path: string): Promise<void> {
    try {
      using handle = await Deno.open(path, { read: true });
      await handle.sync();
    } catch (error) {
      throw diskError(path, "sync directory", error);
    }
  }

  /** @inheritdoc */
  usage(path: string): DiskUsage {
    const { bsize, blocks, bfree, bavail } = attempt(path, "find the room left", () => statfsSync(path));
    return { totalBytes: blocks * bsize, availableBytes: bavail * bsize, usedBytes: (blocks - bfree) * bsize };
  }

  /**
   * @inheritdoc
   *
   * It is an `flock`: it excludes other processes of this program. Java's, which lock with `fcntl`, are its rivals.
   */
  lock(path: string): DiskLock | null {
    return attempt(path, "lock", () => {
      const handle = Deno.openSync(path, { read: true, write: true, create: true });
      try {
        if (handle.tryLockSync(true)) return new DenoDiskLock(path, handle);
      } catch (error) {
        handle.close();
        throw error;
      }
      handle.close();
      return null;
    });
  }
}
