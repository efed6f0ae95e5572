/**
 * Reads a configuration file again while the process runs, and says what has become of it.
 *
 * @module
 */
import type { ConfigFile, Settings } from "./config_file.ts";
import { messageOf } from "./errors.ts";
import type { Log } from "./log.ts";
import { formatValue, type OptionPart } from "./options.ts";

/** What a reload needs beside the file. */
export interface ReloadParts<S extends Settings> {
  readonly configuration: Pick<ConfigFile<S>, "settings" | "reload" | "path">;
  readonly partsOf: (settings: S) => readonly OptionPart[];
  /** Whether a change of the key counts at once; the others wait for the next start. */
  readonly isLive: (key: string) => boolean;
  readonly log: Log;
}

/** Reads the file again. A file that cannot be used changes nothing; either way the log says so. */
export function reloadConfiguration<S extends Settings>({ configuration, partsOf, isLive, log }: ReloadParts<S>): void {
  const before = valueTexts(partsOf(configuration.settings));
  try {
    configuration.reload();
  } catch (error) {
    log.error(`SIGHUP: ${configuration.path} cannot be used, everything stays as it is: ${messageOf(error)}`);
    return;
  }
  const changes = [...valueTexts(partsOf(configuration.settings))].filter(([key, value]) => before.get(key) !== value);
  if (changes.length === 0) log.info(`SIGHUP: ${configuration.path} was read again, nothing has changed`);
  for (const [key, value] of changes) {
    const when = isLive(key) ? "" : " (counts after a restart)";
    log.info(`SIGHUP: ${key}: ${before.get(key) ?? ""} -> ${value}${when}`);
  }
  for (const warning of configuration.settings.warnings) log.warn(warning);
}

function valueTexts(parts: readonly OptionPart[]): Map<string, string> {
  const texts = new Map<string, string>();
  for (const [table, values] of parts) {
    for (const [name, option] of Object.entries(table)) {
      const value = values[name];
      texts.set(name, value === undefined || value === null ? "" : formatValue(option, value));
    }
  }
  return texts;
}
