/**
 * What benchmark programs count, and how they report it: a snapshot each second, ten of them kept, and every interval a line
 * about the difference between the oldest and the newest. Nothing is printed in the first ten seconds.
 *
 * RocketMQ counterpart: the snapshot lists and timers in its `example.benchmark` programs.
 *
 * @module
 */
import type { Clock, Timer } from "../common/clock.ts";
import type { ClientOptions, ProducerOptions } from "../client/options.ts";
import type { Random } from "../common/random.ts";
import { option, type OptionSpec, UsageError } from "./arguments.ts";
import type { GivenOptions } from "./command.ts";
import { timeTextMs } from "./printf.ts";
import type { ProgramRun } from "./program.ts";

const SNAPSHOT_PERIOD_MS = 1000;
const SNAPSHOTS_MAX = 10;
/** Pause after an error that another attempt at once would only meet again. */
export const AFTER_ERROR_MS = 3000;

/** Topic of all benchmarks unless another one is named. */
export const BENCHMARK_TOPIC = "BenchmarkTest";
/** RocketMQ's keys of `-a true` when none are given. */
const SAMPLE_ACCESS_KEY = "rocketmq2";
const SAMPLE_SECRET_KEY = "12345678";

/** Counters at a time. */
export interface Snapshot<T> {
  readonly atMs: number;
  readonly counters: T;
}

/** Takes snapshots of counters and has them reported. */
export class BenchmarkReport<T extends object> {
  readonly #clock: Clock;
  readonly #counters: T;
  readonly #snapshots: Snapshot<T>[] = [];
  readonly #timers: Timer[];

  /** @param counters read each second. @param report prints a line about two snapshots, `SNAPSHOTS_MAX` − 1 apart. */
  constructor(
    clock: Clock,
    counters: T,
    { intervalMs, report }: {
      readonly intervalMs: number;
      readonly report: (begin: Snapshot<T>, end: Snapshot<T>, nowText: string) => void;
    },
  ) {
    this.#clock = clock;
    this.#counters = counters;
    this.#timers = [
      clock.every(SNAPSHOT_PERIOD_MS, () => this.#snapshot()),
      clock.every(intervalMs, () => {
        if (this.#snapshots.length < SNAPSHOTS_MAX) return;
        report(this.#snapshots[0]!, this.#snapshots.at(-1)!, timeTextMs(clock.now()));
      }),
    ];
  }

  #snapshot(): void {
    this.#snapshots.push({ atMs: this.#clock.now(), counters: { ...this.#counters } });
    if (this.#snapshots.length > SNAPSHOTS_MAX) this.#snapshots.shift();
  }

  /** Ends it; returns the oldest snapshot and the newest, null when there were not two. */
  stop(): readonly [Snapshot<T>, Snapshot<T>] | null {
    for (const timer of this.#timers) timer.cancel();
    return this.#snapshots.length > 1 ? [this.#snapshots[0]!, this.#snapshots.at(-1)!] : null;
  }
}

/** Whole units a second between two snapshots. */
export function perSecond<T>(begin: Snapshot<T>, end: Snapshot<T>, countOf: (counters: T) => number): number {
  const ms = end.atMs - begin.atMs;
  return ms <= 0 ? 0 : Math.trunc((countOf(end.counters) - countOf(begin.counters)) / ms * 1000);
}

/** As Java's `%7.3f`, which prints `NaN` for 0 / 0. */
export function decimal(value: number): string {
  return (Number.isFinite(value) ? value.toFixed(3) : "NaN").padStart(7);
}

/** A body of letters and digits. */
export function randomText(random: Random, length: number): string {
  const characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  return Array.from({ length }, () => characters[random.int(characters.length)]).join("");
}

/** User properties of about so many characters. */
export function randomProperties(random: Random, sizeMin: number): Record<string, string> {
  const properties: Record<string, string> = {};
  let value = random.int(100);
  for (let i = 0, size = 0; size <= sizeMin; i += 2, value += 2) {
    const pair = { [`prop${i}`]: `hello${value}`, [`prop${i + 1}`]: String(value) };
    Object.assign(properties, pair);
    for (const [name, text] of Object.entries(pair)) size += name.length + text.length;
  }
  return properties;
}

/** Options for signed requests, traces and the report. */
export const SHARED_OPTIONS: readonly OptionSpec[] = [
  option("m", "msgTraceEnable", "Message Trace Enable, Default: false"),
  option("a", "aclEnable", "Acl Enable, Default: false"),
  option("ak", "accessKey", `Acl access key, Default: ${SAMPLE_ACCESS_KEY}`),
  option("sk", "secretKey", `Acl secret key, Default: ${SAMPLE_SECRET_KEY}`),
  option("ri", "reportInterval", "The number of ms between reports, Default: 10000"),
];

/** Options for compressed bodies. */
export const COMPRESS_OPTIONS: readonly OptionSpec[] = [
  option("c", "compressEnable", "Enable compress msg over 4K, Default: false"),
  option("ct", "compressType", "Message compressed type, Default: ZLIB"),
  option("cl", "compressLevel", "Message compressed level, Default: 5"),
  option("ch", "compressOverHowMuch", "Compress message when body over how much(unit Byte), Default: 4096"),
];

/** The client that all benchmarks use: binary headers, signed when `-a true`. */
export function benchmarkClientOptions({ options, world }: ProgramRun): Partial<ClientOptions> {
  const credentials = {
    accessKey: options.optional("ak") ?? SAMPLE_ACCESS_KEY,
    secretKey: options.optional("sk") ?? SAMPLE_SECRET_KEY,
  };
  return {
    headerEncoding: "ROCKETMQ",
    instanceName: String(world.clock.now()),
    ...(options.bool("a", false) ? { credentials } : {}),
  };
}

/** How a producer compresses. */
export type CompressionOptions = Pick<
  ProducerOptions,
  "compressType" | "compressLevel" | "compressMsgBodyOverHowmuchBytes"
>;

/** What {@linkcode COMPRESS_OPTIONS} say to a producer; prints how it compresses, if it does. */
export function compression(options: GivenOptions, print: (line: string) => void): CompressionOptions {
  if (!options.bool("c", false)) return { compressMsgBodyOverHowmuchBytes: Number.MAX_SAFE_INTEGER };
  const compressType = options.optional("ct") ?? "ZLIB";
  if (compressType !== "ZLIB" && compressType !== "ZSTD" && compressType !== "LZ4") {
    throw new UsageError(`compressType ${compressType}: ZLIB, ZSTD or LZ4 is expected`);
  }
  const compressLevel = options.int("cl", 5);
  print(`compressType: ${compressType} compressLevel: ${compressLevel}`);
  return { compressType, compressLevel, compressMsgBodyOverHowmuchBytes: options.int("ch", 4096) };
}
