/**
 * The configuration of a running process: read once from its file, and changed by requests of operators, which are checked as
 * a whole, written into the file with its comments kept, and survive a restart.
 *
 * Settings are frozen; a change makes new ones. Whoever must follow changes asks {@linkcode ConfigFile.settings} each time, or
 * subscribes. Which keys an operator may not change (`configBlackList`) is for the one who takes the request to say.
 *
 * RocketMQ counterpart: `Configuration`.
 *
 * @module
 */
import { type Disk, readWhole } from "./disk.ts";
import { DiskError } from "./errors.ts";
import { JsonFile } from "./json_file.ts";
import { ConfigError, formatValue, type OptionPart, type OptionsSource } from "./options.ts";
import {
  type DecodedText,
  decodeProperties,
  encodeProperties,
  formatProperty,
  updateProperties,
} from "./properties.ts";
import type { PropertyEntry } from "./properties.ts";

/** What the reading functions of name server and broker return. */
export interface Settings {
  /** What the operator should know. */
  readonly warnings: readonly string[];
  /** Entries that nobody knows. */
  readonly unknown: readonly PropertyEntry[];
  /** The options that were set, and where: `file:line` or `command line`. */
  readonly assigned: ReadonlyMap<string, string>;
}

/** What a {@link ConfigFile} is given. */
export interface ConfigFileParts<S extends Settings> {
  readonly disk: Disk;
  /** The file; it need not exist unless it `mustExist`. */
  readonly path: string;
  /** Whether the operator named the file, so that it is an error when it is not there. */
  readonly mustExist: boolean;
  /** Reads all options, e.g. `readBrokerOptions`. */
  readonly read: (source: OptionsSource) => S;
  /** The values of each table, e.g. `brokerOptionParts`. */
  readonly partsOf: (settings: S) => readonly OptionPart[];
  /** Environment and command line. */
  readonly source: Omit<OptionsSource, "properties" | "fileName">;
}

/** A configuration file and the settings that come from it. */
export class ConfigFile<S extends Settings> {
  readonly #parts: ConfigFileParts<S>;
  readonly #listeners = new Set<(settings: S) => void>();
  #file: JsonFile;
  #overrides: Readonly<Record<string, string>>;
  #decoded: DecodedText;
  #settings: S;
  /** Whether it was read from a pipe (`-c <(…)`, `-c /dev/stdin`): it cannot be read again, nor written. */
  readonly #isStream: boolean;

  /**
   * Reads the file.
   *
   * @throws {DiskError} when it must exist and does not, or cannot be read.
   * @throws {ConfigError} when a value cannot be read.
   */
  constructor(parts: ConfigFileParts<S>) {
    this.#parts = parts;
    this.#overrides = parts.source.overrides ?? {};
    this.#isStream = parts.disk.stat(parts.path)?.isStream ?? false;
    if (parts.mustExist && !this.#isStream) checkReadable(parts.disk, parts.path);
    this.#decoded = decodeProperties(readWhole(parts.disk, parts.path) ?? new Uint8Array(0));
    this.#file = this.#writer();
    this.#settings = this.#read(this.#decoded.text, this.#overrides);
  }

  /** Where the file is, or would be. */
  get path(): string {
    return this.#parts.path;
  }

  /** The settings that count now. */
  get settings(): S {
    return this.#settings;
  }

  /** Calls `listener` after each change; returns what ends that. */
  subscribe(listener: (settings: S) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Changes options, all or none, and writes them into the file. A change wins over the command line, until the next start.
   *
   * @returns the keys that nobody knows: they are left out, as in RocketMQ.
   * @throws {ConfigError} when a value cannot be read, or the configuration came from a pipe; nothing is changed then.
   * @throws {DiskError} when the file cannot be written; nothing is changed then.
   */
  update(changes: ReadonlyMap<string, string>): string[] {
    if (this.#isStream) {
      throw new ConfigError([], `${this.path} is a pipe: a change cannot be written there; start with -c FILE`);
    }
    const names = new Set(this.#parts.partsOf(this.#settings).flatMap(([table]) => Object.keys(table)));
    for (const entry of this.#settings.unknown) names.add(entry.key);
    const known = new Map([...changes].filter(([key]) => names.has(key)));
    if (known.size > 0) {
      const text = updateProperties(this.#decoded.text, known);
      const overrides = Object.fromEntries(Object.entries(this.#overrides).filter(([key]) => !known.has(key)));
      const settings = this.#read(text, overrides);
      this.#file.saveNow(text);
      this.#publish(text, overrides, settings);
    }
    return [...changes.keys()].filter((key) => !names.has(key));
  }

  /**
   * Reads the file again, as an operator changed it by hand.
   *
   * @throws {ConfigError} when a value cannot be read, or the configuration came from a pipe; the settings stay.
   */
  reload(): void {
    if (this.#isStream) {
      throw new ConfigError([], `${this.path} is a pipe, which cannot be read again; start with -c FILE`);
    }
    const bytes = readWhole(this.#parts.disk, this.#parts.path);
    if (bytes === null) return;
    const decoded = decodeProperties(bytes);
    const settings = this.#read(decoded.text, this.#overrides);
    this.#decoded = decoded;
    // The old one would not write again what it wrote last, though the file has changed since.
    this.#file = this.#writer();
    this.#publish(decoded.text, this.#overrides, settings);
  }

  /** All options that have a value, and all unknown entries, as properties text: what the request for a configuration gets. */
  format(): string {
    const values = new Map(this.#settings.unknown.map((entry) => [entry.key, entry.value]));
    // Of a key in several tables the later one is what RocketMQ shows.
    for (const [table, part] of this.#parts.partsOf(this.#settings)) {
      for (const [name, option] of Object.entries(table)) {
        const value = part[name];
        if (value !== undefined && value !== null) values.set(name, formatValue(option, value));
      }
    }
    return [...values].map(([key, value]) => `${formatProperty(key, value)}\n`).join("");
  }

  #writer(): JsonFile {
    const charset = this.#decoded.charset;
    return new JsonFile(this.#parts.disk, this.#parts.path, (text) => encodeProperties({ text, charset }));
  }

  #read(text: string, overrides: Readonly<Record<string, string>>): S {
    const fileName = this.#parts.path;
    return this.#parts.read({ ...this.#parts.source, properties: text, fileName, overrides });
  }

  #publish(text: string, overrides: Readonly<Record<string, string>>, settings: S): void {
    this.#decoded = { ...this.#decoded, text };
    this.#overrides = overrides;
    this.#settings = settings;
    for (const listener of this.#listeners) listener(settings);
  }
}

/** Opens a file that must exist in any case, for the error that names it. */
function checkReadable(disk: Disk, path: string): void {
  if (disk.stat(path)?.isDirectory) {
    throw new DiskError("io", path, "read the configuration file", new Error("it is a directory"));
  }
  disk.open(path, { readOnly: true }).close();
}
