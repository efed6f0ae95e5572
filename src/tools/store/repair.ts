/**
 * `rucola store repair`: has everything derived from the log made again, and says what was done.
 *
 * @module
 */
import type { CommandLine } from "../../common/command_line.ts";
import { repairStore } from "../../store/repair.ts";
import { EXIT_LOST, EXIT_OK, offsetOf, progressPrinter, storeOptions, type StoreWorld } from "./store_world.ts";

/** Options of the command. */
export const REPAIR_OPTIONS = {
  truncateAt: { names: ["--truncate-at"], hasValue: true },
  acceptLoss: { names: ["--accept-loss"], hasValue: false },
  commitlog: { names: ["--commitlog"], hasValue: true },
} as const;

/** Runs the command; resolves to the exit code: {@linkcode EXIT_LOST} when stretches of the log stay damaged or were given up. */
export async function runRepair(
  directory: string,
  line: CommandLine<keyof typeof REPAIR_OPTIONS>,
  world: StoreWorld,
): Promise<number> {
  const { disk, clock, write, writeError } = world;
  const options = storeOptions(disk, directory, line.commitlog?.at(-1));
  const truncateAt = offsetOf(line.truncateAt?.at(-1), "--truncate-at") ?? null;
  const report = (text: string) => write(`${text}\n`);
  const onProgress = progressPrinter(clock, writeError);
  const request = { truncateAt, acceptsLoss: line.acceptLoss !== undefined };
  const repaired = await repairStore({ disk, clock, options, report, onProgress }, request);
  const { records, queues, endOffset, damages, copy, missing } = repaired;
  report(`${records} records up to ${endOffset}, ${queues} queues; what was replaced is in ${copy}`);
  for (const { path, reason } of missing) report(`given up: ${path} ${reason}`);
  for (const { path, startOffset, endOffset: end, reason } of damages) {
    report(`damaged, and not to be mended: ${path}, offsets ${startOffset} to ${end}: ${reason}`);
  }
  return damages.length + missing.length > 0 ? EXIT_LOST : EXIT_OK;
}
