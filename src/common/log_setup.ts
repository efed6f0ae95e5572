/**
 * Builds the logs of a process from its options: files, or standard output.
 *
 * @module
 */
import type { Clock } from "./clock.ts";
import type { Disk } from "./disk.ts";
import type { Environment } from "./environment.ts";
import { logDirectory, LogFilesSink } from "./log_files.ts";
import type { LogOptions } from "./log_options.ts";
import { formatLogJson, formatLogLine, Logging, type LogRecord, StreamSink } from "./logger.ts";

/** What the logs are built from. */
export interface LogSetup {
  readonly options: LogOptions;
  readonly environment: Environment;
  readonly clock: Clock;
  readonly disk: Disk;
  /** Prints a line that ends with a newline. */
  readonly print: (line: string) => void;
  /** With `isolateLogEnable`: `<brokerName>_<brokerId>`. */
  readonly isolatedName?: string;
}

/**
 * The logs of a process. `logTarget=auto` is standard output where systemd's journal reads it, and files otherwise.
 *
 * @throws {DiskError} when the directory of the files cannot be made.
 */
export function openLogging(setup: LogSetup): Logging {
  const { options, environment, clock, disk, print } = setup;
  const zone = options.logTimeZone;
  const format = options.logFormat === "json" ? formatLogJson : (record: LogRecord) => formatLogLine(record, zone);
  const isStdout = options.logTarget === "stdout" || (options.logTarget === "auto" && environment.stdoutIsJournal);
  const directory = logDirectory(environment, options.logDir, setup.isolatedName);
  const sink = isStdout
    ? new StreamSink(print, format)
    : new LogFilesSink({ disk, clock, directory, format, maxTotalBytes: options.logMaxTotalBytes });
  return new Logging({ clock, sink, level: options.logLevel, repeatLimit: options.logRepeatLimit });
}
