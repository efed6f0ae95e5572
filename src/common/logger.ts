/**
 * Logs: named loggers that write RocketMQ's lines, `yyyy-MM-dd HH:mm:ss LEVEL thread - text` in GMT+8, or JSON documents.
 *
 * A {@link Logging} is one per process (or per simulated one); it hands out loggers by RocketMQ's log name, drops what is below
 * its level, counts instead of repeating like lines, and gives the rest to a {@link LogSink}: files (`log_files.ts`), an output
 * stream or a list in memory. Loggers never throw and never wait. They are for events; the path of a message does not log.
 *
 * RocketMQ counterpart: `LoggerName`, `rmq.broker.logback.xml`.
 *
 * @module
 */
import type { Clock } from "./clock.ts";
import type { Log } from "./log.ts";
import { RepeatFilter } from "./log_repeats.ts";

/** Levels, the least important first. */
export const LOG_LEVELS = ["DEBUG", "INFO", "WARN", "ERROR"] as const;

/** A level of {@linkcode LOG_LEVELS}. */
export type LogLevel = typeof LOG_LEVELS[number];

/** One event. */
export interface LogRecord {
  /** Milliseconds since the epoch. */
  readonly timeMs: number;
  readonly level: LogLevel;
  /** Name of the log, which is the name of its file without `.log`: `broker`, `store`, … */
  readonly log: string;
  /** What took the place of a thread's name: the part of the program that speaks. */
  readonly thread: string;
  readonly text: string;
  /** What was thrown, where the event is about that. */
  readonly error?: unknown;
}

/** Where records go. */
export interface LogSink {
  /** Takes a record; must neither throw nor wait. */
  write(record: LogRecord): void;
  /** Brings everything taken to its place. */
  flush(): void;
  /** Flushes and releases what is held; nothing is written after it. */
  close(): void;
}

/** One log, as seen by one part of the program; parts that need less take a {@link Log}. */
export interface Logger extends Log {
  /** For those who look for a fault. */
  debug(text: string): void;
  /** Ordinary events. */
  info(text: string): void;
  /** What may need attention. */
  warn(text: string, error?: unknown): void;
  /** What needs attention. */
  error(text: string, error?: unknown): void;
  /** Whether records of the level are written, where building the text costs something. */
  isEnabled(level: LogLevel): boolean;
}

/** What {@link Logging} is given. */
export interface LoggingParts {
  readonly clock: Pick<Clock, "now">;
  readonly sink: LogSink;
  /** Least important level written; default INFO. */
  readonly level?: LogLevel;
  /** Like lines in ten seconds, beyond which they are only counted; default 20. */
  readonly repeatLimit?: number;
}

/** All logs of a process. */
export class Logging implements Disposable {
  readonly #clock: Pick<Clock, "now">;
  readonly #sink: LogSink;
  readonly #repeats: RepeatFilter;
  #minimum: number;

  constructor(parts: LoggingParts) {
    this.#clock = parts.clock;
    this.#sink = parts.sink;
    this.#minimum = LOG_LEVELS.indexOf(parts.level ?? "INFO");
    this.#repeats = new RepeatFilter(parts.repeatLimit ?? 20, (record) => this.#sink.write(record));
  }

  /**
   * The logger of one log.
   *
   * @param log RocketMQ's name of the file without `.log` (`namesrv`, `broker`, `store`, `remoting`, `transaction`, …).
   * @param thread shown in each line; RocketMQ's thread name where somebody may look for it.
   */
  logger(log: string, thread = "main"): Logger {
    const write = (level: LogLevel, text: string, error?: unknown) => this.#write(level, log, thread, text, error);
    return {
      debug: (text) => write("DEBUG", text),
      info: (text) => write("INFO", text),
      warn: (text, error) => write("WARN", text, error),
      error: (text, error) => write("ERROR", text, error),
      isEnabled: (level) => this.isEnabled(level),
    };
  }

  /** Whether records of the level are written. */
  isEnabled(level: LogLevel): boolean {
    return LOG_LEVELS.indexOf(level) >= this.#minimum;
  }

  /** Sets the least important level that is written. */
  setLevel(level: LogLevel): void {
    this.#minimum = LOG_LEVELS.indexOf(level);
  }

  /** Brings everything to its place. */
  flush(): void {
    this.#sink.flush();
  }

  /** Writes what was only counted so far and closes the sink. Records that come later are lost. */
  close(): void {
    this.#repeats.summarizeAll(this.#clock.now());
    this.#sink.close();
  }

  /** As {@linkcode Logging.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  #write(level: LogLevel, log: string, thread: string, text: string, error: unknown): void {
    if (!this.isEnabled(level)) return;
    const record: LogRecord = { timeMs: this.#clock.now(), level, log, thread, text };
    this.#repeats.take(error === undefined ? record : { ...record, error });
  }
}

/** Zone of the times in text lines: RocketMQ's, none, or the machine's (`TZ`). */
export type LogTimeZone = "GMT+8" | "UTC" | "local";

const MINUTE_MS = 60_000;
/** What a zone is ahead of UTC at a time, milliseconds. */
const ZONE_OFFSET_MS: Readonly<Record<LogTimeZone, (timeMs: number) => number>> = {
  "GMT+8": () => 8 * 60 * MINUTE_MS,
  UTC: () => 0,
  local: (timeMs) => -new Date(timeMs).getTimezoneOffset() * MINUTE_MS,
};
let formattedSecond = NaN;
let formattedZone: LogTimeZone = "GMT+8";
let formattedTime = "";

/** `yyyy-MM-dd HH:mm:ss`; by default in GMT+8, the zone of all of RocketMQ's logs whatever the machine's is. */
export function formatLogTime(timeMs: number, zone: LogTimeZone = "GMT+8"): string {
  const second = Math.floor(timeMs / 1000);
  if (second !== formattedSecond || zone !== formattedZone) {
    formattedSecond = second;
    formattedZone = zone;
    const shiftedMs = second * 1000 + ZONE_OFFSET_MS[zone](timeMs);
    formattedTime = new Date(shiftedMs).toISOString().slice(0, 19).replace("T", " ");
  }
  return formattedTime;
}

/** RocketMQ's line for a record, with newline; a thrown error follows on lines of its own, as a stack trace does in Java. */
export function formatLogLine(record: LogRecord, zone: LogTimeZone = "GMT+8"): string {
  const time = formatLogTime(record.timeMs, zone);
  // Protection and watermark lines have neither level nor thread in RocketMQ.
  const isBare = record.log === "protection" || record.log === "watermark";
  const head = isBare ? `${time} - ` : `${time} ${record.level} ${record.thread} - `;
  const tail = record.error === undefined ? "" : `\n${describeError(record.error)}`;
  return `${head}${record.text}${tail}\n`;
}

/** A record as one line of JSON: time (ISO 8601, UTC), level, log, thread, text and, where something was thrown, error. */
export function formatLogJson(record: LogRecord): string {
  const { timeMs, level, log, thread, text, error } = record;
  const time = new Date(timeMs).toISOString();
  return JSON.stringify({
    time,
    level,
    log,
    thread,
    text,
    ...(error !== undefined && { error: describeError(error) }),
  }) +
    "\n";
}

/** What was thrown, with its stack and its causes. */
function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? `${error.name}: ${error.message}`;
  return error.cause === undefined ? own : `${own}\nCaused by: ${describeError(error.cause)}`;
}

/** Writes each record as a line through a function, at once: for standard output and for tests of lines. */
export class StreamSink implements LogSink {
  /** @param print receives whole lines, each with its newline. */
  constructor(
    readonly print: (line: string) => void,
    readonly format: (record: LogRecord) => string = formatLogLine,
  ) {}

  /** @inheritdoc */
  write(record: LogRecord): void {
    this.print(this.format(record));
  }

  /** @inheritdoc */
  flush(): void {}

  /** @inheritdoc */
  close(): void {}
}

/** Keeps the last records in memory: for tests. */
export class MemorySink implements LogSink {
  /** The records, oldest first. */
  readonly records: LogRecord[] = [];

  /** @param limit records kept at most. */
  constructor(readonly limit = 10_000) {}

  /** @inheritdoc */
  write(record: LogRecord): void {
    this.records.push(record);
    if (this.records.length > this.limit) this.records.shift();
  }

  /** The records as `LEVEL log - text`, of one log or of all: what tests compare. */
  lines(log?: string): string[] {
    return this.records.filter((record) => log === undefined || record.log === log)
      .map((record) => `${record.level} ${record.log} - ${record.text}`);
  }

  /** @inheritdoc */
  flush(): void {}

  /** @inheritdoc */
  close(): void {}
}
