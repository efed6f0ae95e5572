/**
 * Options of the logs of a process. All are ours: Java has them in `logback.xml`. They may stand in any properties file.
 *
 * @module
 */
import { choice, int, long, optionalText, type OptionValues } from "./option.ts";

/** All keys, by name. */
export const LOG_OPTIONS = {
  logDir: optionalText("Directory of the log files; default: logs/rocketmqlogs below the user's home", {
    isPath: true,
    blankIsDefault: true,
  }),
  logFormat: choice(["text", "json"], "text", "RocketMQ's lines, or one JSON document a line"),
  logLevel: choice(["DEBUG", "INFO", "WARN", "ERROR"], "INFO", "Least important level that is written"),
  logMaxTotalBytes: long(2_147_483_648, "bytes", "Size of all log files together", { min: 1_048_576 }),
  logRepeatLimit: int(20, "lines", "Like lines in ten seconds, beyond which they are counted only", { min: 1 }),
  logTimeZone: choice(
    ["GMT+8", "UTC", "local"],
    "GMT+8",
    "Zone of the times in text lines; RocketMQ's are GMT+8 anywhere",
    {
      synonyms: { "UTC+8": "GMT+8", GMT: "UTC", Z: "UTC" },
    },
  ),
  logTarget: choice(["auto", "files", "stdout"], "auto", "Where logs go; auto: stdout under systemd, else files"),
};

/** Values of {@linkcode LOG_OPTIONS}. */
export type LogOptions = OptionValues<typeof LOG_OPTIONS>;
