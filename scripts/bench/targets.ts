/**
 * What the broker is to reach, as a table, and whether it did in a run. Figures are medians of a scenario's runs; ratios are
 * ours to Java's in the same run.
 *
 * @module
 */
import type { Measurement } from "./measurement.ts";
import { median, type Series } from "./statistics.ts";

/** One demand. */
interface Target {
  readonly scenario: string;
  readonly what: string;
  readonly unit: "ratio" | "msg/s" | "ms" | "µs";
  /** How our figure comes about; NaN when the run lacks what it needs. */
  readonly figure: (runs: Medians) => number;
  /** At least, or at most where `lower` is better. */
  readonly bound: number;
  readonly aim?: number;
  readonly lower?: boolean;
}

/** A demand with what came of it. */
export interface Outcome {
  readonly scenario: string;
  readonly what: string;
  readonly unit: string;
  readonly value: number;
  readonly bound: number;
  readonly aim: number | null;
  readonly lower: boolean;
  readonly result: "reached" | "aim reached" | "missed";
}

type Pick = (run: Measurement) => number | null | undefined;

/** Medians of the runs, by scenario and side. */
interface Medians {
  of(side: "java" | "rucola", scenario: string, pick: Pick): number;
}

const throughput: Pick = (run) => run.messagesPerSecond;

function ratio(scenario: string, pick: Pick): Target["figure"] {
  return (runs) => runs.of("rucola", scenario, pick) / runs.of("java", scenario, pick);
}

function ours(scenario: string, pick: Pick): Target["figure"] {
  return (runs) => runs.of("rucola", scenario, pick);
}

/** Throughput at least `bound` times Java's. */
function faster(scenario: string, bound: number, aim?: number): Target {
  const common = { scenario, what: "throughput, to Java", unit: "ratio", bound } as const;
  return { ...common, figure: ratio(scenario, throughput), ...(aim === undefined ? {} : { aim }) };
}

/** A figure at most `bound` times Java's. */
function less(scenario: string, what: string, demand: { pick: Pick; bound: number; aim?: number }): Target {
  const { pick, ...bounds } = demand;
  return { scenario, what: `${what}, to Java`, unit: "ratio", figure: ratio(scenario, pick), lower: true, ...bounds };
}

/** CPU time of a message at the end of a curve, to that at its beginning. */
function flat(end: string, beginning: string): Target {
  const cpu: Pick = (run) => run.cpuUsPerMessage;
  return {
    scenario: end,
    what: `CPU a message, to ${beginning}`,
    unit: "ratio",
    figure: (runs) => runs.of("rucola", end, cpu) / runs.of("rucola", beginning, cpu),
    bound: FLAT_SHARE,
    lower: true,
  };
}

/** What a curve may rise by from its beginning to its end. */
const FLAT_SHARE = 1.25;

const TARGETS: readonly Target[] = [
  faster("java-producer-64", 1.6),
  less("java-producer-64", "CPU a message", { pick: (run) => run.cpuUsPerMessage, bound: 0.35, aim: 0.25 }),
  faster("send-1x64", 2, 3),
  faster("send-8x32", 2.3),
  {
    scenario: "send-8x32",
    what: "throughput",
    unit: "msg/s",
    figure: ours("send-8x32", throughput),
    bound: 0,
    aim: 200_000,
  },
  faster("send-256x1", 1.4, 2),
  less("send-256x1", "p99", { pick: (run) => run.p99Us, bound: 1, aim: 0.5 }),
  {
    scenario: "three-brokers",
    what: "throughput",
    unit: "msg/s",
    figure: ours("three-brokers", throughput),
    bound: 150_000,
  },
  faster("batch-32", 1.5, 2.5),
  faster("pull-tail", 1.5, 3),
  {
    scenario: "pull-cold",
    what: "bytes read, to what the disk gives",
    unit: "ratio",
    figure: ours(
      "pull-cold",
      (run) => (run.more["receivedMiBPerSecond"] ?? NaN) / (run.more["diskMiBPerSecond"] ?? NaN),
    ),
    bound: 0.6,
  },
  faster("mixed-1k", 1.5, 2),
  faster("sync-flush-64", 1.2),
  {
    scenario: "pair-sync",
    what: "throughput, to the same pair with ASYNC_MASTER",
    unit: "ratio",
    figure: (runs) => runs.of("rucola", "pair-sync", throughput) / runs.of("rucola", "pair-async", throughput),
    bound: 0.9,
  },
  less("latency-10k", "p99", { pick: (run) => run.p99Us, bound: 0.5 }),
  less("latency-10k", "max", { pick: (run) => run.maxUs, bound: 0.25 }),
  less("send-8x32", "resident memory", { pick: (run) => run.rssMiB, bound: 0.05 }),
  less("idle-100", "CPU time", { pick: (run) => run.more["cpuPercent"], bound: 0.1 }),
  less("start-empty", "time to the first accepted send", { pick: (run) => run.more["startMs"], bound: 0.1 }),
  {
    scenario: "start-empty",
    what: "time to the first accepted send",
    unit: "ms",
    figure: ours("start-empty", (run) => run.more["startMs"]),
    bound: 300,
    aim: 150,
    lower: true,
  },
  flat("scale-queues-50000", "scale-queues-8"),
  flat("scale-groups-1000", "scale-groups-1"),
  flat("scale-connections-5000", "scale-connections-0"),
  flat("scale-backlog-16000000", "scale-backlog-0"),
  {
    scenario: "memory-bound",
    what: "most resident memory, to the stated bound",
    unit: "ratio",
    figure: ours("memory-bound", (run) => (run.more["peakRssMiB"] ?? NaN) / (run.more["boundMiB"] ?? NaN)),
    bound: 1,
    lower: true,
  },
  less("start-killed", "time to the first accepted send", { pick: (run) => run.more["startMs"], bound: 0.5 }),
];

/** What came of all targets whose scenarios ran on the platforms that they need. */
export function outcomes(series: readonly Series[]): Outcome[] {
  const runs: Medians = {
    of: (side, scenario, pick) => {
      const own = series.find((entry) => entry.scenario === scenario && entry.platform.startsWith(side));
      return median((own?.runs ?? []).map((run) => pick(run) ?? NaN));
    },
  };
  return TARGETS.flatMap((target) => {
    const value = target.figure(runs);
    if (!Number.isFinite(value)) return [];
    const { scenario, what, unit, bound, aim = null, lower = false } = target;
    const reaches = (wanted: number) => lower ? value <= wanted : value >= wanted;
    const result = !reaches(bound) ? "missed" : aim !== null && reaches(aim) ? "aim reached" : "reached";
    return [{ scenario, what, unit, value, bound, aim, lower, result }];
  });
}
