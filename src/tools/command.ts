/**
 * What a command of `rucola tools` is: one entry of `commands/<noun>.ts`.
 *
 * @module
 */
import type { Clock } from "../common/clock.ts";
import type { Disk } from "../common/disk.ts";
import type { AdminClient } from "../client/admin.ts";
import type { Client } from "../client/client.ts";
import type { ElectionOptions } from "../broker/election_settings.ts";
import type { Authority } from "../election/authority.ts";
import type { OptionSpec, Values } from "./arguments.ts";
import type { Output } from "./output.ts";

/** One command. */
export interface ToolCommand {
  /** RocketMQ's name. */
  readonly name: string;
  /** RocketMQ's description. */
  readonly summary: string;
  /** Its options, without `-h` and `-n`. */
  readonly options: readonly OptionSpec[];
  /** Arguments of an example, behind the command's name. */
  readonly example: string;
  /** Does it. What it throws is printed as RocketMQ's tools print an exception. */
  readonly run: (context: CommandContext) => Promise<void>;
}

/** What a command works with. */
export interface CommandContext {
  readonly options: GivenOptions;
  readonly admin: AdminClient;
  /** For commands that send and pull. */
  readonly client: Client;
  readonly out: Output;
  /** Prints a line on standard error: of one broker among several that failed, say. */
  readonly problem: (error: unknown) => void;
  readonly clock: Clock;
  readonly disk: Disk;
  /** The etcd that decides who leads. @throws {ConfigError} when a certificate cannot be read. */
  readonly openAuthority: (options: ElectionOptions) => Authority;
}

/** Java's largest int. */
const MAX_COUNT = 2 ** 31 - 1;

/** What the command line gave, with typed reading. Values are trimmed. */
export class GivenOptions {
  readonly #values: Values;

  constructor(values: Values) {
    this.#values = values;
  }

  /** Whether the option was given. */
  has(key: string): boolean {
    return this.#values.has(key);
  }

  /** The value of an option that must be there. */
  text(key: string): string {
    return this.optional(key) ?? "";
  }

  /** The value of an option, if given. */
  optional(key: string): string | undefined {
    return this.#values.get(key)?.trim();
  }

  /** The value as an integer. @throws {TypeError} in Java's words when it is none. */
  int(key: string, missing: number): number {
    const text = this.optional(key);
    if (text === undefined) return missing;
    if (!/^[+-]?\d+$/.test(text)) throw new TypeError(`NumberFormatException: For input string: "${text}"`);
    return Number(text);
  }

  /** The value as a number of bytes, messages or seconds. @throws {TypeError} when it is none, negative or beyond Java's int. */
  count(key: string, missing: number): number {
    const value = this.int(key, missing);
    if (value < 0 || value > MAX_COUNT) {
      throw new TypeError(`-${key} ${value}: an integer from 0 to ${MAX_COUNT} is expected`);
    }
    return value;
  }

  /** The value as a boolean: `true` in any case, all else is false. */
  bool(key: string, missing: boolean): boolean {
    const text = this.optional(key);
    return text === undefined ? missing : text.toLowerCase() === "true";
  }
}
