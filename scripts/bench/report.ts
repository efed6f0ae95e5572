/**
 * The result of a benchmark as a Markdown table and as JSON. A report can be continued: what a later run measures takes the
 * place of the same scenarios, and the rest stays.
 *
 * @module
 */
import type { Measurement } from "./measurement.ts";
import { median, type Series, spread } from "./statistics.ts";
import { type Outcome, outcomes } from "./targets.ts";

/** The conditions of the run, for the reader of its figures. */
export interface Conditions {
  readonly date: string;
  readonly cores: number;
  readonly cpu: string;
  readonly memoryGiB: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly storeGiB: number;
  readonly coldGiB: number;
  readonly brokerProperties: Readonly<Record<string, string>>;
  readonly javaBrokerJvm: readonly string[];
}

/** The whole result of `deno task bench`. */
export interface BenchReport {
  readonly conditions: Conditions;
  readonly series: readonly Series[];
}

/** `later` with the scenarios of `earlier` that it has not measured itself, in the order of `names`. */
export function joinReports(earlier: BenchReport, later: BenchReport, names: readonly string[]): BenchReport {
  const measured = new Set(later.series.map((entry) => `${entry.scenario} ${entry.platform}`));
  const kept = earlier.series.filter((entry) => !measured.has(`${entry.scenario} ${entry.platform}`));
  const place = (entry: Series) => names.indexOf(entry.scenario);
  const series = [...kept, ...later.series].sort((a, b) => place(a) - place(b) || a.platform.localeCompare(b.platform));
  return { conditions: later.conditions, series };
}

/** The report as Markdown: conditions, targets, figures, ratios, and what the limits were. */
export function toMarkdown(report: BenchReport): string {
  const { conditions } = report;
  return [
    "# Benchmark",
    "",
    `${conditions.date}; ${conditions.cores} cores of ${conditions.cpu}, ${conditions.memoryGiB} GiB; broker, generator and ` +
    `client on this one machine. ${conditions.rounds} rounds in turns, ${conditions.seconds} s a run after a warm-up of at ` +
    `most ${conditions.warmupSeconds} s, median (least–greatest). Both brokers: ` +
    Object.entries(conditions.brokerProperties).map(([key, value]) => `\`${key}=${value}\``).join(", ") +
    `. Store for start-killed: ${conditions.storeGiB} GiB; for pull-cold: ${conditions.coldGiB} GiB. ` +
    `The Java broker's JVM: \`${conditions.javaBrokerJvm.join(" ")}\`.`,
    "",
    ...targetTable(outcomes(report.series)),
    ...figureTable(report.series),
    "",
    ...moreTable(report.series),
    ...ratioTable(report.series),
    ...limitList(report.series),
    "",
  ].join("\n");
}

function targetTable(all: readonly Outcome[]): string[] {
  if (all.length === 0) return [];
  return [
    "| work | figure | measured | target | aim | result |",
    "|---|---|---|---|---|---|",
    ...all.map(({ scenario, what, unit, value, bound, aim, lower, result }) => {
      const text = (figure: number) => unit === "ratio" ? figure.toFixed(2) : `${Math.round(figure)} ${unit}`;
      const sign = lower ? "≤" : "≥";
      const cells = [what, text(value), `${sign} ${text(bound)}`, aim === null ? "–" : `${sign} ${text(aim)}`, result];
      return row([scenario, ...cells]);
    }),
    "",
  ];
}

function figureTable(series: readonly Series[]): string[] {
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

/** Figures that are told beside the others where a scenario has them. */
const MORE: Readonly<Record<string, { name: string; digits: number }>> = {
  startMs: { name: "start to first accepted send, ms", digits: 0 },
  bootLineMs: { name: "start to boot line, ms", digits: 0 },
  cpuPercent: { name: "CPU, % of a core", digits: 2 },
  receivedMiBPerSecond: { name: "received MiB/s", digits: 0 },
  diskMiBPerSecond: { name: "the disk gives MiB/s", digits: 0 },
  sentPerSecond: { name: "sent msg/s", digits: 0 },
  receivedPerSecond: { name: "received msg/s", digits: 0 },
  peakRssMiB: { name: "most resident memory, MiB", digits: 0 },
  boundMiB: { name: "bound of memory, MiB", digits: 0 },
  stallMs: { name: "longest stall of the generator, ms", digits: 0 },
};

function moreTable(series: readonly Series[]): string[] {
  const lines = series.flatMap(({ scenario, platform, runs }) =>
    Object.entries(MORE).flatMap(([key, { name, digits }]) => {
      const values = runs.map((run) => run.more[key]);
      return values.every((value) => value === undefined || value === 0)
        ? []
        : [row([scenario, platform, name, spread(values, digits)])];
    })
  );
  return lines.length === 0 ? [] : ["| work | broker | figure | value |", "|---|---|---|---|", ...lines, ""];
}

function ratioTable(series: readonly Series[]): string[] {
  const platforms = [...new Set(series.map((entry) => entry.platform))];
  const base = platforms.find((platform) => platform.startsWith("java"));
  const others = platforms.filter((platform) => platform !== base);
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
      const cells = picks.map(ratio);
      if (cells.some((cell) => cell !== "–")) lines.push(row([scenario, other, ...cells]));
    }
  }
  return [...lines, ""];
}

/** What limited the run with the median throughput of each series. */
function limitList(series: readonly Series[]): string[] {
  return series.flatMap(({ scenario, platform, runs }) => {
    const sorted = [...runs].sort((a, b) => (a.messagesPerSecond ?? 0) - (b.messagesPerSecond ?? 0));
    const middle = sorted[Math.floor(sorted.length / 2)];
    return middle === undefined || middle.messagesPerSecond === null
      ? []
      : [`- ${scenario}, ${platform}: limited by ${middle.limit}`];
  });
}

function milliseconds(valuesUs: readonly (number | null)[]): string {
  return spread(valuesUs.map((value) => value === null ? null : value / 1000), 2);
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}
