/**
 * The second half of a repair: everything that it changes in a store, as a plan that is written down before the first step
 * and can be carried out again from any place at which it was stopped. So a store is either as it was or repaired; in
 * between no broker of ours opens it.
 *
 * ```
 * DIR/repair.work/new/     consumequeue, index, checkpoint as they will be
 * DIR/repair.work/old/     what they replace, and commitlog/: what is cut off the log or overwritten in it
 * DIR/repair.work/plan     exists from the moment on from which the repair is carried out
 * DIR/repair-<time>/       `old`, in the end
 * ```
 *
 * Ours.
 *
 * @module
 */
import { putI32, utf8, utf8Text } from "../common/bytes.ts";
import { type Disk, parentOf, readWhole, removeTree } from "../common/disk.ts";
import { CorruptError } from "../common/errors.ts";
import { FILLER_MAGIC, FILLER_SIZE } from "../protocol/record.ts";
import { OpenFiles } from "./open_files.ts";
import { SegmentQueue } from "./segment_queue.ts";
import type { StorePaths } from "./store_files.ts";

/** A stretch at the end of a commitlog file that is to hold a filler: the file lacks, or is too short. */
export interface Fill {
  readonly path: string;
  /** Byte of the file at which the filler begins; null when it has one and lacks but the zeros behind it. */
  readonly position: number | null;
}

/** What is to be done once everything is made. */
export interface RepairPlan {
  /** Name of the directory that keeps what is replaced. */
  readonly copy: string;
  readonly commitlogFileSize: number;
  readonly fills: readonly Fill[];
  /** Physical offset at which the log is to end; null leaves its end alone. */
  readonly truncateAt: number | null;
}

/** What is made anew, in the order in which it is put in place. */
const PARTS = ["consumequeue", "index", "checkpoint"] as const;

/** Directory in which a repair works. */
export function repairWork(paths: StorePaths): string {
  return `${paths.root}/repair.work`;
}

/** Whether a repair has begun to change the store, and must be finished. */
export function isPlanned(disk: Disk, paths: StorePaths): boolean {
  return disk.stat(planPath(paths)) !== null;
}

/** Refuses a store in the middle of a repair. @throws {CorruptError} */
export function refuseHalfRepaired(disk: Disk, paths: StorePaths): void {
  if (!isPlanned(disk, paths)) return;
  throw new CorruptError(
    planPath(paths),
    0,
    `a repair was interrupted; finish it with: rucola store repair ${paths.root}`,
  );
}

/** Puts what lies in `new` in the place of the old, as planned. @throws {DiskError} nothing is changed when the first step fails. */
export function carryOut(disk: Disk, paths: StorePaths, plan: RepairPlan): void {
  writePlan(disk, paths, plan);
  try {
    putInPlace(disk, paths, PARTS[0]);
  } catch (error) {
    if (disk.stat(`${repairWork(paths)}/old/${PARTS[0]}`) === null) disk.remove(planPath(paths));
    throw error;
  }
  goOn(disk, paths, plan);
}

/** Carries out what a stopped repair had planned; returns where it keeps what it replaced, null when there is no such plan. @throws {DiskError} */
export function finishRepair(disk: Disk, paths: StorePaths): string | null {
  const bytes = readWhole(disk, planPath(paths));
  if (bytes === null) return null;
  const plan: RepairPlan = JSON.parse(utf8Text(bytes));
  goOn(disk, paths, plan);
  return `${paths.root}/${plan.copy}`;
}

function goOn(disk: Disk, paths: StorePaths, plan: RepairPlan): void {
  const work = repairWork(paths);
  for (const part of PARTS) putInPlace(disk, paths, part);
  for (const fill of plan.fills) fillUp(disk, fill, plan.commitlogFileSize);
  if (plan.truncateAt !== null) cutLog(disk, paths, plan.commitlogFileSize, plan.truncateAt);
  if (disk.stat(`${work}/old`) !== null) disk.rename(`${work}/old`, `${paths.root}/${plan.copy}`);
  disk.syncDirectory(paths.root);
  disk.remove(planPath(paths));
  disk.syncDirectory(work);
  removeTree(disk, work);
}

/** Moves a part to `old`, and the new one to its place. */
function putInPlace(disk: Disk, { root }: StorePaths, part: string): void {
  const work = `${root}/repair.work`;
  const [made, kept, place] = [`${work}/new/${part}`, `${work}/old/${part}`, `${root}/${part}`];
  if (disk.stat(made) === null) return;
  if (disk.stat(place) !== null) {
    // Somebody else made this one after the old one was moved away: nothing says that it fits to the log.
    if (disk.stat(kept) !== null) removeTree(disk, place);
    else disk.rename(place, kept);
  }
  disk.rename(made, place);
  for (const directory of [root, `${work}/new`, `${work}/old`]) disk.syncDirectory(directory);
}

/** Has a file of the log end with a filler, which readers pass, at its full size. */
function fillUp(disk: Disk, { path, position }: Fill, size: number): void {
  const file = disk.open(path, { create: true });
  try {
    if (position !== null) file.truncate(position);
    file.truncate(size);
    const filler = new Uint8Array(FILLER_SIZE);
    putI32(filler, 0, size - (position ?? 0));
    putI32(filler, 4, FILLER_MAGIC);
    if (position !== null) file.write(filler, position);
    file.syncNow();
  } finally {
    file.close();
  }
  disk.syncDirectory(parentOf(path));
}

function cutLog(disk: Disk, paths: StorePaths, sizeBytes: number, truncateAt: number): void {
  const segments = new SegmentQueue({
    disk,
    files: new OpenFiles(disk, 16),
    directories: paths.commitlogs,
    readOnlyDirectories: paths.readOnlyCommitlogs,
    sizeBytes,
    sizeIsCertain: true,
    warn: () => {},
  });
  segments.load();
  segments.cutLogAt(truncateAt);
  segments.syncNow();
  segments.close();
  for (const directory of paths.commitlogs) disk.syncDirectory(directory);
}

function planPath(paths: StorePaths): string {
  return `${repairWork(paths)}/plan`;
}

/** Writes the plan so that it exists whole or not at all. */
function writePlan(disk: Disk, paths: StorePaths, plan: RepairPlan): void {
  const path = planPath(paths);
  const file = disk.open(`${path}.tmp`, { create: true });
  try {
    file.write(utf8(JSON.stringify(plan)), 0);
    file.syncNow();
  } finally {
    file.close();
  }
  disk.rename(`${path}.tmp`, path);
  disk.syncDirectory(repairWork(paths));
}
