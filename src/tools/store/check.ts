/**
 * `rucola store check`: prints what an audit found.
 *
 * @module
 */
import type { CommandLine } from "../../common/command_line.ts";
import { inspectStore } from "../../store/inspect.ts";
import { type Finding, INVARIANTS, type StoreReport } from "../../store/inspect_findings.ts";
import {
  EXIT_DERIVED,
  EXIT_LOST,
  EXIT_OK,
  lockAgainstBrokers,
  progressPrinter,
  storeOptions,
  type StoreWorld,
} from "./store_world.ts";

/** Options of the command. */
export const CHECK_OPTIONS = {
  json: { names: ["--json"], hasValue: false },
  commitlog: { names: ["--commitlog"], hasValue: true },
} as const;

/** Runs the command; resolves to the exit code. @throws {DiskError} when there is no store, or a broker has it. */
export async function checkStore(
  directory: string,
  line: CommandLine<keyof typeof CHECK_OPTIONS>,
  world: StoreWorld,
): Promise<number> {
  const { disk, clock } = world;
  const options = storeOptions(disk, directory, line.commitlog?.at(-1));
  const lock = lockAgainstBrokers(disk, directory);
  try {
    const onProgress = progressPrinter(clock, world.writeError);
    const report = await inspectStore({ disk, clock, options, holdsTables: true, onProgress });
    world.write(line.json === undefined ? textOf(report) : `${JSON.stringify(report)}\n`);
    if (report.counts.lost > 0) return EXIT_LOST;
    return report.counts.derived > 0 ? EXIT_DERIVED : EXIT_OK;
  } finally {
    lock?.release();
  }
}

function textOf(report: StoreReport): string {
  const lines = report.findings.map(lineOf);
  const { lost, derived, note } = report.counts;
  const hidden = lost + derived + note - report.findings.length;
  if (hidden > 0) lines.push(`… and ${hidden} more of the same kinds`);
  lines.push(
    `${report.records} records from ${report.minOffset} to ${report.endOffset}, ${report.units} units in ` +
      `${report.queues} queues, ${report.indexEntries} entries in ${report.indexFiles} index files`,
    lost + derived === 0
      ? `in order${note > 0 ? `, ${note} notes` : ""}`
      : `${lost} findings in what cannot be made again, ${derived} in what \`rucola store repair\` makes again, ${note} notes`,
  );
  return `${lines.join("\n")}\n`;
}

function lineOf({ severity, invariant, path, position, detail }: Finding): string {
  return `${severity.toUpperCase()} ${invariant} ${path} at ${position}: ${detail} [${INVARIANTS[invariant]}]`;
}
