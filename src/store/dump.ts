/**
 * Shows what lies in a store's files as plain values, one for each record, unit or entry: for people and scripts that look
 * for a message or for what happened to one. Nothing is changed, and nothing is trusted: what is no record is shown too.
 *
 * @module
 */
import { getBigI64, getI32, getI64, utf8Text } from "../common/bytes.ts";
import type { Disk } from "../common/disk.ts";
import { ReadOnlyDisk } from "../common/disk_read_only.ts";
import { decodeProperties, SysFlag } from "../protocol/message.ts";
import { bodyCrc, type RecordView } from "../protocol/record.ts";
import { hasRecordCrc, isRecordCrcGood } from "../protocol/record_crc.ts";
import { INDEX_HEADER_SIZE } from "./checkpoint.ts";
import { BLANK_UNIT_SIZE, UNIT_SIZE } from "./consumequeue.ts";
import { INDEX_ENTRY_SIZE } from "./index_file.ts";
import { findIndexLayout } from "./index_layout.ts";
import { LogScanner, ScanStep } from "./log_scanner.ts";
import { openLogToRead } from "./read_only_log.ts";
import type { SegmentQueue } from "./segment_queue.ts";
import { storePaths } from "./store_files.ts";
import type { StoreOptions } from "./store_options_type.ts";

/** A line of a dump: plain values only. */
export type DumpLine = Readonly<Record<string, unknown>>;

/** What a dump reads. */
export interface DumpParts {
  readonly disk: Disk;
  readonly options: StoreOptions;
}

/** A stretch of the log. */
export interface DumpRange {
  /** Physical offset: of a record, or anywhere in or before one. */
  readonly from: number;
  /** Records that begin before it. */
  readonly to: number;
  /** Whether bodies are shown. */
  readonly withBody: boolean;
}

const UNITS_READ = 10_000;

/** The records of a range in order, and the stretches in between that are none. @throws {DiskError} @throws {CorruptError} */
export async function* dumpLog(parts: DumpParts, range: DumpRange): AsyncGenerator<DumpLine> {
  const { disk, options } = parts;
  const segments = openLogToRead(disk, { paths: storePaths(options), options }, () => {});
  const scanner = await startAt(segments, range.from);
  while (scanner.position < range.to) {
    const step = scanner.step();
    if (step === ScanStep.FILL) await scanner.fill();
    else if (step === ScanStep.RECORD) {
      yield recordLine(scanner.view, scanner.position, range.withBody);
      scanner.advance();
    } else if (step === ScanStep.END) return;
    else {
      const { position, path } = scanner;
      const reason = step === ScanStep.BLANK ? "zeros" : scanner.problem;
      const goesOn = await scanner.skipToRecord(Infinity);
      yield { kind: goesOn ? "gap" : "end", physicalOffset: position, path, reason };
      if (!goesOn) return;
    }
  }
}

/** A scanner at the first record that ends behind `from`. */
async function startAt(segments: SegmentQueue, from: number): Promise<LogScanner> {
  const start = segments.find(from)?.startOffset ?? segments.first?.startOffset ?? 0;
  const scanner = new LogScanner(segments, start);
  for (;;) {
    const step = scanner.step();
    if (step === ScanStep.FILL) await scanner.fill();
    else if (step !== ScanStep.RECORD || scanner.position + scanner.view.size > from) return scanner;
    else scanner.advance();
  }
}

function recordLine(view: RecordView, physicalOffset: number, withBody: boolean): DumpLine {
  const { bytes: b, at } = view;
  const isBornV6 = (view.sysFlag & SysFlag.BORN_HOST_V6) !== 0;
  const isStoreV6 = (view.sysFlag & SysFlag.STORE_HOST_V6) !== 0;
  const body = b.subarray(view.bodyStart, view.bodyEnd);
  const properties = decodeProperties(b.subarray(view.propertiesStart, view.propertiesEnd));
  return {
    kind: "record",
    physicalOffset,
    size: view.size,
    topic: utf8Text(b.subarray(view.topicStart, view.topicEnd)),
    queueId: view.queueId,
    queueOffset: view.queueOffset,
    flag: getI32(b, at + 16),
    sysFlag: view.sysFlag,
    bornTimestamp: Number(getBigI64(b, at + 40)),
    bornHost: hostText(b, at + 48, isBornV6),
    storeTimestamp: view.storeTimestamp,
    storeHost: hostText(b, view.storeTimestampAt + 8, isStoreV6),
    reconsumeTimes: getI32(b, view.bodyStart - 16),
    preparedTransactionOffset: Number(getBigI64(b, view.bodyStart - 12)),
    bodyCrcGood: bodyCrc(b, view.bodyStart, view.bodyEnd) === getI32(b, at + 8),
    ...(hasRecordCrc(b, at, view.size) && { recordCrcGood: isRecordCrcGood(b, at, view.size) }),
    properties: Object.fromEntries(properties),
    bodySize: body.length,
    ...(withBody && bodyFields(body)),
  };
}

/** A body as text where it is UTF-8, else in Base64. */
function bodyFields(body: Uint8Array): DumpLine {
  try {
    return { body: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body) };
  } catch {
    return { bodyBase64: btoa(Array.from(body, (byte) => String.fromCharCode(byte)).join("")) };
  }
}

function hostText(b: Uint8Array, at: number, isV6: boolean): string {
  if (!isV6) return `${b[at]}.${b[at + 1]}.${b[at + 2]}.${b[at + 3]}:${getI32(b, at + 4)}`;
  const groups = Array.from({ length: 8 }, (_, i) => ((b[at + 2 * i]! << 8) | b[at + 2 * i + 1]!).toString(16));
  return `[${groups.join(":")}]:${getI32(b, at + 16)}`;
}

/** The used units of a topic's queues, or of one of them. @throws {DiskError} @throws {CorruptError} */
export function* dumpUnits({ disk, options }: DumpParts, topic: string, queueId: number | null): Generator<DumpLine> {
  const readOnly = new ReadOnlyDisk(disk);
  const directory = `${storePaths(options).consumequeue}/${topic}`;
  const queues = readOnly.list(directory).filter((entry) => entry.isDirectory).map((entry) => Number(entry.name));
  for (const each of queues.sort((a, b) => a - b)) {
    if (queueId !== null && each !== queueId) continue;
    for (const entry of readOnly.list(`${directory}/${each}`)) {
      if (/^\d{20}$/.test(entry.name)) yield* unitsOf(readOnly, `${directory}/${each}/${entry.name}`, topic, each);
    }
  }
}

function* unitsOf(disk: Disk, path: string, topic: string, queueId: number): Generator<DumpLine> {
  const file = disk.open(path, { readOnly: true });
  try {
    const first = Number(path.slice(path.lastIndexOf("/") + 1)) / UNIT_SIZE;
    const size = file.size();
    for (let from = 0; from < size; from += UNITS_READ * UNIT_SIZE) {
      const bytes = new Uint8Array(Math.min(UNITS_READ * UNIT_SIZE, size - from));
      const count = file.read(bytes, from);
      for (let at = 0; at + UNIT_SIZE <= count; at += UNIT_SIZE) {
        const unitSize = getI32(bytes, at + 8);
        if (unitSize === 0) continue;
        yield {
          kind: unitSize === BLANK_UNIT_SIZE ? "blank" : "unit",
          topic,
          queueId,
          queueOffset: first + (from + at) / UNIT_SIZE,
          physicalOffset: Number(getBigI64(bytes, at)),
          size: unitSize,
          tagsCode: Number(getBigI64(bytes, at + 12)),
        };
      }
    }
  } finally {
    file.close();
  }
}

/** Header and entries of every index file. @throws {DiskError} */
export function* dumpIndex({ disk, options }: DumpParts): Generator<DumpLine> {
  const readOnly = new ReadOnlyDisk(disk);
  const directory = storePaths(options).index;
  const configured = { slotCount: options.maxHashSlotNum, entryCountMax: options.maxIndexNum };
  for (const { name } of readOnly.list(directory)) {
    const path = `${directory}/${name}`;
    const layout = /^\d{17}$/.test(name) ? findIndexLayout(readOnly, path, configured) : null;
    if (layout === null) continue;
    const file = readOnly.open(path);
    try {
      const head = new Uint8Array(INDEX_HEADER_SIZE);
      file.read(head, 0);
      const indexCount = Math.min(getI32(head, 36), layout.entryCountMax);
      const [beginTimestamp, endTimestamp, beginPhyOffset, endPhyOffset] = [0, 8, 16, 24].map((at) => getI64(head, at));
      const hashSlotCount = getI32(head, 32);
      yield {
        kind: "index",
        file: name,
        ...layout,
        beginTimestamp,
        endTimestamp,
        beginPhyOffset,
        endPhyOffset,
        hashSlotCount,
        indexCount,
      };
      const base = INDEX_HEADER_SIZE + 4 * layout.slotCount;
      const entry = new Uint8Array(INDEX_ENTRY_SIZE);
      for (let n = 1; n < indexCount; n++) {
        file.read(entry, base + n * INDEX_ENTRY_SIZE);
        const [hash, seconds, previous] = [0, 12, 16].map((at) => getI32(entry, at));
        yield { kind: "entry", n, hash, physicalOffset: Number(getBigI64(entry, 4)), seconds, previous };
      }
    } finally {
      file.close();
    }
  }
}
