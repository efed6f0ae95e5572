/**
 * Medians and spreads of repeated measurements, as a Markdown table and as JSON.
 *
 * @module
 */
import type { Measurement } from "./measurement.ts";

/** All measurements of one scenario on one platform. */
export interface Series {
  readonly scenario: string;
  readonly platform: string;
  readonly runs: readonly Measurement[];
}

/** What is known about a platform apart from the scenarios. */
export interface Boot {
  readonly platform: string;
  /** From the start of the process to its boot line. */
  readonly bootMs: number;
  readonly idleRssMiB: number;
}

/** The conditions of the run, for the reader of its figures. */
export interface Conditions {
  readonly date: string;
  readonly cores: number;
  readonly cpu: string;
  readonly memoryGiB: number;
  readonly generator: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly brokerProperties: Readonly<Record<string, string>>;
  readonly javaBrokerJvm: readonly string[];
}

/** The whole result of `deno task bench`. */
export interface BenchReport {
  readonly conditions: Conditions;
  readonly boots: readonly Boot[];
  readonly series: readonly Series[];
}

/** Median of some numbers; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** The report as Markdown: conditions, figures, ratios to the first platform, and what the limits were. */
export function toMarkdown(report: BenchReport): string {
  const { conditions } = report;
  return [
    "# Benchmark",
    "",
    `${conditions.date}; ${conditions.cores} cores of ${conditions.cpu}, ${conditions.memoryGiB} GiB; broker, generator and ` +
    `client on this one machine. ${conditions.rounds} rounds in turns, ${conditions.seconds} s a run, median (least–greatest). ` +
    `Generator of raw frames: ${conditions.generator}. Both brokers: ` +
    Object.entries(conditions.brokerProperties).map(([key, value]) => `\`${key}=${value}\``).join(", ") +
    `. The Java broker's JVM: \`${conditions.javaBrokerJvm.join(" ")}\`.`,
    "",
    ...figureTable(report),
    "",
    ...bootTable(report),
    "",
    ...ratioTable(report),
    ...limitList(report),
    "",
  ].join("\n");
}

function figureTable({ series }: BenchReport): string[] {
  return [
    "| work | broker | msg/s | CPU µs/msg | mean ms | p50 ms | p99 ms | p99.9 ms | max ms | RSS MiB (own) | disk B/msg | failed |",
    "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ...series.map(({ scenario, platform, runs }) => {
      const own = spread(runs.map((run) => run.anonymousMiB), 0);
      return row([
        scenario,
        platform,
        spread(runs.map((run) => run.messagesPerSecond), 0),
        spread(runs.map((run) => run.cpuUsPerMessage), 2),
        milliseconds(runs.map((run) => run.meanUs)),
        milliseconds(runs.map((run) => run.p50Us)),
        milliseconds(runs.map((run) => run.p99Us)),
        milliseconds(runs.map((run) => run.p999Us)),
        milliseconds(runs.map((run) => run.maxUs)),
        `${spread(runs.map((run) => run.rssMiB), 0)} (${own})`,
        spread(runs.map((run) => run.writtenBytesPerMessage), 0),
        String(runs.reduce((sum, run) => sum + run.failed, 0)),
      ]);
    }),
  ];
}

function bootTable({ boots }: BenchReport): string[] {
  const platforms = [...new Set(boots.map((boot) => boot.platform))];
  return [
    "| broker | start to boot line, ms | RSS idle, MiB |",
    "|---|---|---|",
    ...platforms.map((platform) => {
      const own = boots.filter((boot) => boot.platform === platform);
      return row([platform, spread(own.map((boot) => boot.bootMs), 0), spread(own.map((boot) => boot.idleRssMiB), 0)]);
    }),
  ];
}

function ratioTable({ series }: BenchReport): string[] {
  const platforms = [...new Set(series.map((entry) => entry.platform))];
  const [base, ...others] = platforms;
  if (base === undefined || others.length === 0) return [];
  const scenarios = [...new Set(series.map((entry) => entry.scenario))];
  const lines = [`| work | ratio to ${base} | msg/s | CPU/msg | p99 | max | RSS |`, "|---|---|---|---|---|---|---|"];
  for (const scenario of scenarios) {
    for (const other of others) {
      const runsOf = (platform: string) =>
        series.find((entry) => entry.scenario === scenario && entry.platform === platform)?.runs ?? [];
      const ratio = (pick: (run: Measurement) => number | null) => {
        const of = (platform: string) => median(runsOf(platform).map((run) => pick(run) ?? NaN));
        const value = of(other) / of(base);
        return Number.isFinite(value) ? value.toFixed(2) : "–";
      };
      const picks: readonly ((run: Measurement) => number | null)[] = [
        (run) => run.messagesPerSecond,
        (run) => run.cpuUsPerMessage,
        (run) => run.p99Us,
        (run) => run.maxUs,
        (run) => run.rssMiB,
      ];
      lines.push(row([scenario, other, ...picks.map(ratio)]));
    }
  }
  return [...lines, ""];
}

/** What limited the run with the median throughput of each series. */
function limitList({ series }: BenchReport): string[] {
  return series.flatMap(({ scenario, platform, runs }) => {
    const sorted = [...runs].sort((a, b) => a.messagesPerSecond - b.messagesPerSecond);
    const middle = sorted[Math.floor(sorted.length / 2)];
    return middle === undefined ? [] : [`- ${scenario}, ${platform}: limited by ${middle.limit}`];
  });
}

function milliseconds(valuesUs: readonly (number | null)[]): string {
  const known = valuesUs.filter((value) => value !== null);
  return known.length === 0 ? "–" : spread(known.map((value) => value / 1000), 2);
}

function spread(values: readonly number[], digits: number): string {
  const text = (value: number) => value.toFixed(digits);
  if (values.length < 2) return text(median(values));
  return `${text(median(values))} (${text(Math.min(...values))}–${text(Math.max(...values))})`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}
