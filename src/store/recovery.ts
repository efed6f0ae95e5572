/**
 * What opening a store does before anything is served, as numbered passes:
 *
 * 1. find the commitlog's files, and from the checkpoint where to start looking;
 * 2. walk from there to the last good record. A place that is no record is the end, unless good records follow: then it is
 *    damage, which is reported and jumped over;
 * 3. cut what lies behind the end, so that it reads as zero, and sync what is kept: it may be served from now on;
 * 4. make the consumequeue units of the records that were walked over again, each queue from its first such record on.
 *
 * Where to start: our own checkpoint names the byte up to which everything derived is on the device. Where Java wrote last,
 * its checkpoint's times choose a file after a crash, and after a clean stop the last file with data does. When queues are
 * missing, everything is made again from the log's beginning.
 *
 * The index is not waited for; it catches up afterwards.
 *
 * RocketMQ counterpart: `CommitLog#recoverNormally`, `#recoverAbnormally`, `DefaultMessageStore#recover`.
 *
 * @module
 */
import type { Clock } from "../common/clock.ts";
import { CorruptError } from "../common/errors.ts";
import { RecordKind, RecordView } from "../protocol/record.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { Commitlog } from "./commitlog.ts";
import { BLANK_UNIT_SIZE, type Consumequeue } from "./consumequeue.ts";
import { isQueued, PropertyPlaces, type TagsCodes } from "./dispatch.ts";
import { LogScanner, ScanStep } from "./log_scanner.ts";
import type { QueueTable } from "./queue_table.ts";

/** Zero bytes behind the presumed end that are looked through for records after a crash. */
const ZEROS_SEARCHED = 64 * 1024 * 1024;
/** Units that recovery makes before it writes them: 20 bytes each. */
const UNITS_HELD = 1_000_000;
/** Time for which recovery works before it lets others have the event loop. */
const SLICE_MS = 20;

/** A stretch of the log that holds no records though records follow it. */
export interface Damage {
  readonly path: string;
  readonly startOffset: number;
  readonly endOffset: number;
  readonly reason: string;
}

/** What recovery found. */
export interface Recovered {
  /** Where the log ends. */
  readonly endOffset: number;
  /** The last record, −1 when nothing says. */
  readonly lastRecordOffset: number;
  readonly lastStoreTimestamp: number;
  readonly damages: readonly Damage[];
  /** Records walked over. */
  readonly records: number;
}

/** What recovery works on. */
export interface RecoveryParts {
  readonly log: Commitlog;
  readonly queues: QueueTable;
  readonly checkpoint: Checkpoint;
  readonly tagsCodes: TagsCodes;
  readonly clock: Clock;
  /** The last run did not end cleanly. */
  readonly crashed: boolean;
  readonly checkCrc: boolean;
  /** Whether the CRC over a whole record counts, where there is one. */
  readonly checkRecordCrc: boolean;
  /** The log ends with its last record, wherever it was known to end. */
  readonly acceptsLoss: boolean;
  /** What an operator can do where that is not accepted. */
  readonly wayOn: string;
  readonly info: (text: string) => void;
  readonly warn: (text: string) => void;
  readonly onProgress: (pass: string, doneBytes: number, totalBytes: number) => void;
}

/** Runs all passes. @throws {DiskError} @throws {CorruptError} */
export async function recover(parts: RecoveryParts): Promise<Recovered> {
  const start = findStart(parts);
  const walked = await findLogEnd(parts, start);
  parts.log.damages = walked.damages;
  cutTail(parts, start, walked);
  if (start < walked.endOffset) await makeQueueUnits(parts, start, walked);
  return walked;
}

/** Pass 1: where to start looking. */
function findStart(parts: RecoveryParts): number {
  const { log, checkpoint, crashed, info } = parts;
  const { segments } = log.segments;
  if (segments.length === 0) return 0;
  const { dispatch } = checkpoint;
  if (queuesAreMissing(parts)) {
    parts.warn(`consumequeues are missing: making all of them again from ${log.minOffset} on`);
    return log.minOffset;
  }
  if (dispatch !== null && endsAt(log, dispatch.lastRecordOffset, dispatch.dispatchedOffset)) {
    info(
      `recovery starts at the checkpoint ${dispatch.dispatchedOffset}${crashed ? ", the last stop was not clean" : ""}`,
    );
    return Math.max(dispatch.dispatchedOffset, log.minOffset);
  }
  const trusted = crashed ? checkpoint.minTimestamp() : Infinity;
  const isTrusted = (time: number) => time < Infinity && time <= trusted;
  const segment = segments.findLast((each) => isTrusted(firstTimestamp(log, each.startOffset))) ?? segments[0]!;
  info(`recovery starts at file ${segment.path}, the last stop was ${crashed ? "not " : ""}clean`);
  return segment.startOffset;
}

/** Whether the log has records and the queues that should be there are not. */
function queuesAreMissing({ log, queues, checkpoint }: RecoveryParts): boolean {
  const expected = checkpoint.dispatch?.queueCount ?? (firstTimestamp(log, log.minOffset) < Infinity ? 1 : 0);
  return queues.count < expected;
}

/** Whether a good record at `recordOffset` ends at `endOffset`: nobody has changed the log below it since. */
function endsAt(log: Commitlog, recordOffset: number, endOffset: number): boolean {
  if (recordOffset < 0) return endOffset === log.minOffset;
  const size = endOffset - recordOffset;
  // The record expired, and what comes behind it with it or not.
  if (recordOffset < log.minOffset) return endOffset <= log.minOffset;
  if (size <= 0) return false;
  const bytes = new Uint8Array(size);
  if (log.readNow(bytes, recordOffset) < size) return false;
  return new RecordView().read(bytes, 0, size, recordOffset) === RecordKind.RECORD;
}

/** Store time of the record at the beginning of a file; Infinity when there is none. */
function firstTimestamp(log: Commitlog, startOffset: number): number {
  const head = new Uint8Array(8);
  log.readNow(head, startOffset);
  const view = new RecordView();
  view.read(head, 0, head.length);
  if (view.size < 8 || view.size > log.recordSizeMax) return Infinity;
  const bytes = new Uint8Array(view.size);
  log.readNow(bytes, startOffset);
  const isRecord = view.read(bytes, 0, bytes.length, startOffset) === RecordKind.RECORD;
  return isRecord && view.storeTimestamp > 0 ? view.storeTimestamp : Infinity;
}

/**
 * Pass 2: walks to the last good record before `limit`.
 * @throws {DiskError} @throws {CorruptError} when the log ends where no crash can have left its end.
 */
export async function findLogEnd(parts: RecoveryParts, start: number, limit = Infinity): Promise<Recovered> {
  const { log, checkpoint } = parts;
  const damages: Damage[] = [];
  const scanner = new LogScanner(log.segments, start, () => limit, parts.checkCrc);
  scanner.checksRecordCrc = parts.checkRecordCrc;
  const pause = pauser(parts, "read", start);
  let endOffset = start;
  let lastRecordOffset = checkpoint.dispatch?.dispatchedOffset === start ? checkpoint.dispatch.lastRecordOffset : -1;
  let lastStoreTimestamp = checkpoint.logicsMsgTimestamp;
  const known = Math.min(knownEnd(parts), limit);
  let records = 0;
  let reason = "the files end";
  for (;;) {
    const step = scanner.step();
    if (step === ScanStep.RECORD) {
      lastRecordOffset = scanner.position;
      lastStoreTimestamp = scanner.view.storeTimestamp;
      scanner.advance();
      endOffset = scanner.position;
      records++;
    } else if (step === ScanStep.FILL) {
      await scanner.fill();
      await pause(scanner.position);
    } else if (step === ScanStep.END) {
      break;
    } else {
      const from = scanner.position;
      reason = step === ScanStep.BLANK ? "zeros" : scanner.problem;
      const path = scanner.path;
      // Zeros are the end, unless a crash may have left them or records are known to follow.
      const isKnown = from < known;
      const isEnd = step === ScanStep.BLANK && !parts.crashed && !isKnown;
      const searched = isKnown ? Infinity : ZEROS_SEARCHED;
      if ((isEnd || !(await scanner.skipToRecord(searched))) && !skipToFile(log, scanner, limit)) {
        if (step === ScanStep.BAD && from >= known) {
          parts.warn(`commitlog ends at ${from} (${path}): ${reason}; what follows is cut`);
        }
        break;
      }
      const damage = { path, startOffset: from, endOffset: scanner.position, reason };
      damages.push(damage);
      warnOfDamage(parts, damage);
    }
  }
  if (records === 0 && endOffset === log.minOffset) refuseStrangeLog(parts, reason);
  if (endOffset < known) {
    // These records were on the device: no crash took them. Their place stays theirs, and the log goes on behind it.
    const damage = { path: scanner.path, startOffset: endOffset, endOffset: known, reason };
    damages.push(damage);
    warnOfDamage(parts, damage);
    endOffset = known;
    lastRecordOffset = -1;
  }
  const last = log.segments.find(endOffset) ?? log.segments.last;
  if (last !== undefined) parts.info(`recover physics file end, ${last.path} pos=${endOffset - last.startOffset}`);
  parts.info(`commitlog ends at ${endOffset}; walked over ${records} records from ${start} on`);
  return { endOffset, lastRecordOffset, lastStoreTimestamp, damages, records };
}

function warnOfDamage({ log, warn }: RecoveryParts, { path, startOffset, endOffset, reason }: Damage): void {
  const position = startOffset - (log.segments.find(startOffset)?.startOffset ?? 0);
  const size = endOffset - startOffset;
  warn(
    `commitlog is damaged in ${path} at ${position} (offset ${startOffset}): ${reason}; ` +
      `${size} bytes up to ${endOffset} hold no message, what is behind them is kept`,
  );
}

/** Goes to the next file that begins with a good record; false when there is none before `limit`. */
function skipToFile(log: Commitlog, scanner: LogScanner, limit: number): boolean {
  const next = log.segments.segments.find(({ startOffset }) =>
    startOffset > scanner.position && startOffset < limit && firstTimestamp(log, startOffset) < Infinity
  );
  if (next !== undefined) scanner.position = next.startOffset;
  return next !== undefined;
}

/**
 * A log that had records and in which none can be found is not cut to nothing: perhaps these are not its files.
 * @throws {CorruptError}
 */
function refuseStrangeLog({ log, checkpoint, acceptsLoss, wayOn }: RecoveryParts, reason: string): void {
  const { first } = log.segments;
  const { dispatch, physicMsgTimestamp } = checkpoint;
  const hadRecords = dispatch === null ? physicMsgTimestamp > 0 : dispatch.dispatchedOffset > log.minOffset;
  if (first === undefined || !hadRecords || acceptsLoss) return;
  throw new CorruptError(first.path, 0, `${reason}; the log had messages and has none that can be found. ${wayOn}`);
}

/** Where the log was on the device up to, if its files reach that far; else 0. */
function knownEnd({ log, checkpoint, acceptsLoss }: RecoveryParts): number {
  const known = checkpoint.dispatch?.dispatchedOffset ?? 0;
  return acceptsLoss || known > (log.segments.last?.endOffset ?? 0) ? 0 : known;
}

/** Pass 3: nothing behind the end stays, everything before it is on the device. */
function cutTail({ log, crashed, checkpoint }: RecoveryParts, start: number, { endOffset, records }: Recovered): void {
  const isAsWeLeftIt = !crashed && records === 0 && checkpoint.dispatch?.dispatchedOffset === start;
  if (!isAsWeLeftIt) {
    log.segments.cutLogAt(endOffset);
    for (const segment of log.segments.segments) if (segment.endOffset > start) segment.syncNow();
  }
  log.openAt(endOffset);
}

/**
 * Pass 4: units of all records in `[start, end)`, again from the log's beginning if earlier ones turn out to lack.
 * @throws {DiskError} @throws {CorruptError}
 */
export async function makeQueueUnits(parts: RecoveryParts, start: number, walked: Recovered): Promise<void> {
  const lacking = await dispatchFrom(parts, start, walked);
  if (lacking === null) return;
  parts.warn(
    `consumequeue ${lacking.topic}-${lacking.queueId} lacks units: making all queues again from ${parts.log.minOffset}`,
  );
  await dispatchFrom(parts, parts.log.minOffset, walked);
}

/** Makes units; returns the queue that lacks earlier ones, unless that is as it must be. */
async function dispatchFrom(parts: RecoveryParts, start: number, walked: Recovered): Promise<Consumequeue | null> {
  const { log, queues, tagsCodes } = parts;
  const scanner = new LogScanner(log.segments, start, () => walked.endOffset);
  const pause = pauser(parts, "dispatch", start, walked.endOffset);
  const places = new PropertyPlaces();
  const touched = new Set<Consumequeue>();
  const mayLack = start === log.minOffset || walked.damages.length > 0;
  // The walk that found them looked closer than this one: a torn body does not show in the record's sizes.
  const damaged = new Map(walked.damages.map((each) => [each.startOffset, each.endOffset]));
  let held = 0;
  for (;;) {
    scanner.position = damaged.get(scanner.position) ?? scanner.position;
    const step = scanner.step();
    if (step === ScanStep.END) break;
    if (step === ScanStep.FILL) {
      await scanner.fill();
      await pause(scanner.position);
      continue;
    }
    if (step !== ScanStep.RECORD) {
      if (!(await scanner.skipToRecord(Infinity))) break;
      continue;
    }
    const { view } = scanner;
    if (isQueued(view.sysFlag)) {
      const entry = queues.entryOf(view);
      const queue = queues.make(entry, view.queueId);
      if (!touched.has(queue)) {
        touched.add(queue);
        // Units of damaged records must not stay: they lead to nothing.
        if (walked.damages.length > 0) queue.cutBefore(start);
        if (!startQueue(queue, view.queueOffset, mayLack)) return queue;
      }
      places.scan(view.bytes, view.propertiesStart, view.propertiesEnd);
      placeUnit(queue, view, tagsCodes.of(view, entry, places));
      queues.markDirty(queue);
      if (++held >= UNITS_HELD) held = writeUnits(queues);
    }
    scanner.advance();
  }
  return null;
}

/** Writes the units that were made, so that memory does not grow with the log. The next checkpoint syncs them. */
function writeUnits(queues: QueueTable): number {
  for (const queue of queues.takeDirty()) {
    queue.writeDirty();
    queues.markDirty(queue);
  }
  return 0;
}

/** The queue's units from the first walked record on are made again; false when earlier ones are missing. */
function startQueue(queue: Consumequeue, firstOffset: number, mayLack: boolean): boolean {
  if (firstOffset <= queue.nextOffset) {
    if (firstOffset < queue.nextOffset) queue.cutAt(firstOffset);
    return true;
  }
  if (!mayLack) return false;
  if (queue.segments.first === undefined) queue.openAt(firstOffset);
  return true;
}

function placeUnit(queue: Consumequeue, view: RecordView, tagsCode: number): void {
  // The topic was deleted and made again: its queue began anew.
  if (view.queueOffset < queue.nextOffset) queue.cutAt(view.queueOffset);
  // Records in between were lost: nothing may move to their place.
  while (queue.nextOffset < view.queueOffset) queue.push(view.physicalOffset, BLANK_UNIT_SIZE, 0);
  queue.push(view.physicalOffset, view.size, tagsCode);
  queue.committed = queue.nextOffset;
  queue.visibleMax = queue.nextOffset;
}

/** Lets others have the event loop now and then, and tells how far a pass is. */
function pauser(parts: RecoveryParts, pass: string, start: number, end?: number): (position: number) => Promise<void> {
  const { clock, log, onProgress } = parts;
  const total = (end ?? log.segments.last?.endOffset ?? start) - start;
  let since = clock.monotonicMs();
  return async (position) => {
    if (clock.monotonicMs() - since < SLICE_MS) return;
    onProgress(pass, position - start, total);
    await clock.sleep(0);
    since = clock.monotonicMs();
  };
}
