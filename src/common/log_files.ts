/**
 * RocketMQ's log files: which there are, how large each grows, and how a full one moves to `otherdays/NAME.N.log.gz`.
 *
 * Lines are collected and written once a second, at an error, or when many have come; so a burst costs one write. A full file
 * becomes `otherdays/NAME.1.log`, older ones move up by one, the oldest goes; the moved file is compressed in the background.
 * All files together stay below one limit.
 *
 * Several processes may share a directory: lines are appended, a file is opened anew for each write (another process may
 * have moved it), and whoever moves and compresses the full files of a log holds a lock meanwhile; the others go on
 * appending until it is free.
 * A disk that refuses a write costs log lines, never the process: they are counted,
 * and the next line that can be written says how many are missing.
 *
 * RocketMQ counterpart: the appenders of `rmq.broker.logback.xml` and `rmq.namesrv.logback.xml`.
 *
 * @module
 */
import { constants, createGzip } from "node:zlib";
import { utf8 } from "./bytes.ts";
import type { Clock, Timer } from "./clock.ts";
import type { Disk, DiskEntry, DiskFile, DiskLock } from "./disk.ts";
import type { Environment } from "./environment.ts";
import { formatLogLine, type LogRecord, type LogSink } from "./logger.ts";

const MIB = 1024 * 1024;
const FLUSH_INTERVAL_MS = 1000;
/** Text collected before it is written at once. */
const FLUSH_CHARACTERS = 64 * 1024;
/** How often the size of all files is looked at while one of them fills. */
const CHECKS_PER_FILE = 8;
const COPY_BYTES = 256 * 1024;

/** When a log file is full and how many full ones are kept. */
export interface LogFileRule {
  readonly maxBytes: number;
  readonly keep: number;
}

/** RocketMQ's sizes; a log that is not named here has {@linkcode DEFAULT_LOG_RULE}. */
export const LOG_FILE_RULES: Readonly<Record<string, LogFileRule>> = {
  namesrv: { maxBytes: 100 * MIB, keep: 5 },
  namesrv_default: { maxBytes: 100 * MIB, keep: 5 },
  broker: { maxBytes: 128 * MIB, keep: 20 },
  store: { maxBytes: 128 * MIB, keep: 10 },
  pop: { maxBytes: 128 * MIB, keep: 20 },
  lock: { maxBytes: 100 * MIB, keep: 5 },
  stats: { maxBytes: 100 * MIB, keep: 5 },
  commercial: { maxBytes: 500 * MIB, keep: 10 },
};

/** For broker_default, protection, watermark, remoting, storeerror, transaction, filter and all others. */
export const DEFAULT_LOG_RULE: LogFileRule = { maxBytes: 100 * MIB, keep: 10 };

/**
 * Directory of the log files: what the configuration says, else `logs/rocketmqlogs` below the user's home, as in Java; with
 * `isolatedName` (`isolateLogEnable`: `<brokerName>_<brokerId>`) a directory below that.
 */
export function logDirectory(environment: Environment, configured: string | null, isolatedName = ""): string {
  const base = configured ?? `${environment.userHome}/logs/rocketmqlogs`;
  return isolatedName === "" ? base : `${base}/${isolatedName}`;
}

/** What {@link LogFilesSink} is given. */
export interface LogFilesParts {
  readonly disk: Disk;
  readonly clock: Clock;
  /** Made when missing. */
  readonly directory: string;
  readonly format?: (record: LogRecord) => string;
  /** Size of all files together; default 2 GiB. */
  readonly maxTotalBytes?: number;
  /** Sizes by log; default {@linkcode LOG_FILE_RULES}. */
  readonly rules?: Readonly<Record<string, LogFileRule>>;
}

/** Writes each log into its own file below one directory. */
export class LogFilesSink implements LogSink {
  readonly #parts: LogFilesParts;
  readonly #format: (record: LogRecord) => string;
  readonly #files = new Map<string, LogFile>();
  #timer: Timer | null = null;
  #closed = false;

  /** @throws {DiskError} when the directory cannot be made. */
  constructor(parts: LogFilesParts) {
    this.#parts = parts;
    this.#format = parts.format ?? formatLogLine;
    parts.disk.makeDirectory(`${parts.directory}/otherdays`);
  }

  /** @inheritdoc */
  write(record: LogRecord): void {
    if (this.#closed) return;
    const file = this.#fileOf(record.log);
    file.add(this.#format(record));
    if (record.level === "ERROR" || file.pendingCharacters >= FLUSH_CHARACTERS) file.flush();
    else this.#timer ??= this.#parts.clock.after(FLUSH_INTERVAL_MS, () => this.flush());
  }

  /** @inheritdoc */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = null;
    for (const file of this.#files.values()) file.flush();
  }

  /** @inheritdoc */
  close(): void {
    if (this.#closed) return;
    this.flush();
    this.#closed = true;
  }

  /** Resolves when no file is being compressed any more. */
  async settled(): Promise<void> {
    for (const file of this.#files.values()) await file.compression;
  }

  #fileOf(log: string): LogFile {
    let file = this.#files.get(log);
    if (file === undefined) {
      const { disk, directory, maxTotalBytes = 2048 * MIB, rules = LOG_FILE_RULES } = this.#parts;
      const rule = rules[log] ?? DEFAULT_LOG_RULE;
      // There are a dozen logs; what grows in them must fit in the limit without the full files behind them.
      const maxBytes = Math.min(rule.maxBytes, Math.floor(maxTotalBytes / 16));
      file = new LogFile(disk, directory, log, { maxBytes, keep: rule.keep }, maxTotalBytes);
      this.#files.set(log, file);
    }
    return file;
  }
}

/** One log: the file that grows, and the full ones behind it. */
class LogFile {
  /** The compression under way, if any. */
  compression: Promise<void> = Promise.resolve();
  pendingCharacters = 0;
  #pending: string[] = [];
  /** Written since the size of all files was looked at. */
  #uncheckedBytes = 0;
  #lostLines = 0;
  /** Number of the file that is being compressed (it moves up when another becomes full), or 0. */
  #compressing = 0;
  /** Held while full files move or are compressed. */
  #lock: DiskLock | null = null;

  constructor(
    readonly disk: Disk,
    readonly directory: string,
    readonly name: string,
    readonly rule: LogFileRule,
    readonly maxTotalBytes: number,
  ) {}

  add(line: string): void {
    this.#pending.push(line);
    this.pendingCharacters += line.length;
  }

  flush(): void {
    if (this.#pending.length === 0) return;
    const lines = this.#pending;
    this.#pending = [];
    this.pendingCharacters = 0;
    try {
      const missing = this.#lostLines === 0 ? "" : `(${this.#lostLines} lines could not be written)\n`;
      this.#append(utf8(missing + lines.join("")));
      this.#lostLines = 0;
    } catch {
      // Decided here: logs give way to a full or failing disk, and the count is told later.
      this.#lostLines += lines.length;
    }
  }

  get #path(): string {
    return `${this.directory}/${this.name}.log`;
  }

  #append(bytes: Uint8Array): void {
    this.disk.makeDirectory(`${this.directory}/otherdays`);
    if (this.#isFull(bytes.length)) this.#rollUnlessLocked(bytes.length);
    const file = this.disk.open(this.#path, { create: true, append: true });
    try {
      const sizeBytes = file.size();
      writeWhole(file, bytes, sizeBytes);
    } finally {
      file.close();
    }
    this.#uncheckedBytes += bytes.length;
    if (this.#uncheckedBytes >= this.rule.maxBytes / CHECKS_PER_FILE) this.#cutTotal();
  }

  #isFull(moreBytes: number): boolean {
    const sizeBytes = this.disk.stat(this.#path)?.sizeBytes ?? 0;
    return sizeBytes > 0 && sizeBytes + moreBytes > this.rule.maxBytes;
  }

  /** Makes room, unless another process is at it. */
  #rollUnlessLocked(moreBytes: number): void {
    this.#lock ??= this.disk.lock(`${this.directory}/otherdays/${this.name}.lock`);
    if (this.#lock === null) return;
    try {
      // Asked again: another process may have made room before it let go of the lock.
      if (this.#isFull(moreBytes)) this.#roll();
    } finally {
      if (this.#compressing === 0) this.#unlock();
    }
  }

  #unlock(): void {
    this.#lock?.release();
    this.#lock = null;
  }

  /** Moves the full file to number 1, and all older ones up by one. */
  #roll(): void {
    for (const suffix of [".log", ".log.gz"]) this.disk.remove(this.#oldPath(this.rule.keep, suffix));
    for (let number = this.rule.keep - 1; number >= 1; number--) {
      for (const suffix of [".log", ".log.gz"]) this.#move(number, suffix);
    }
    if (this.#compressing > 0) this.#compressing++;
    this.disk.rename(this.#path, this.#oldPath(1, ".log"));
    if (this.#compressing === 0) {
      this.#compressing = 1;
      this.compression = this.#compress().catch(() => {
        // The uncompressed file stays, which costs only room.
      }).finally(() => {
        this.#compressing = 0;
        this.#unlock();
      });
    }
  }

  #move(number: number, suffix: string): void {
    const from = this.#oldPath(number, suffix);
    if (this.disk.stat(from) !== null) this.disk.rename(from, this.#oldPath(number + 1, suffix));
  }

  #oldPath(number: number, suffix: string): string {
    return `${this.directory}/otherdays/${this.name}.${number}${suffix}`;
  }

  /** Removes the oldest of all full files, whatever their log, until every log has room to grow until it looks again. */
  #cutTotal(): void {
    this.#uncheckedBytes = 0;
    const isLog = (entry: DiskEntry) => /\.log(\.gz)?$/.test(entry.name);
    const full = this.disk.list(`${this.directory}/otherdays`).filter(isLog);
    const growing = this.disk.list(this.directory).filter(isLog);
    const reservedBytes = growing.length * this.rule.maxBytes / CHECKS_PER_FILE;
    let totalBytes = [...full, ...growing].reduce((sum, entry) => sum + entry.sizeBytes, reservedBytes);
    const numberOf = (name: string) => Number(/\.(\d+)\.log/.exec(name)?.[1] ?? 0);
    full.sort((a, b) => a.modifiedMs - b.modifiedMs || numberOf(b.name) - numberOf(a.name));
    for (const entry of full) {
      if (totalBytes <= this.maxTotalBytes) return;
      this.disk.remove(`${this.directory}/otherdays/${entry.name}`);
      totalBytes -= entry.sizeBytes;
    }
  }

  /** Compresses full file 1 piece by piece, reading and packing off the event loop. */
  async #compress(): Promise<void> {
    const temporary = `${this.directory}/otherdays/${this.name}.gz.tmp`;
    const source = this.disk.open(this.#oldPath(1, ".log"), { readOnly: true });
    const target = this.disk.open(temporary, { create: true });
    try {
      target.truncate(0);
      await gzipFile(source, target);
    } finally {
      source.close();
      target.close();
    }
    const number = this.#compressing;
    if (this.disk.stat(this.#oldPath(number, ".log")) === null) return this.disk.remove(temporary);
    this.disk.rename(temporary, this.#oldPath(number, ".log.gz"));
    this.disk.remove(this.#oldPath(number, ".log"));
  }
}

/** Appends all of `bytes` to a file of `sizeBytes`, or takes back what a failed write may have left. */
function writeWhole(file: DiskFile, bytes: Uint8Array, sizeBytes: number): void {
  try {
    file.write(bytes, sizeBytes);
  } catch (error) {
    // More than our own bytes: another process has appended, and its lines must not be cut.
    if (file.size() < sizeBytes + bytes.length) file.truncate(sizeBytes);
    throw error;
  }
}

async function gzipFile(source: DiskFile, target: DiskFile): Promise<void> {
  const gzip = createGzip({ level: constants.Z_BEST_SPEED });
  let written = 0;
  const finished = new Promise<void>((resolve, reject) => {
    gzip.on("data", (chunk: Uint8Array) => {
      target.write(chunk, written);
      written += chunk.length;
    });
    gzip.on("end", () => resolve());
    gzip.on("error", reject);
  });
  const piece = new Uint8Array(COPY_BYTES);
  for (let position = 0;;) {
    const count = await source.readAsync(piece, position);
    if (count === 0) break;
    position += count;
    await new Promise<void>((resolve) => gzip.write(piece.slice(0, count), () => resolve()));
  }
  gzip.end();
  await finished;
}
