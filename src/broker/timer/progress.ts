/**
 * How far timers are, on disk: `config/timerProgress` (ours) with the list of runs, and RocketMQ's `config/timercheck`
 * and `config/timermetrics` beside it, so that a RocketMQ broker or slave that takes over knows from where.
 *
 * There are two marks: where delivery was when the file was written, and where it was at a time whose messages had been synced
 * to the device by then. After a power loss the log may end before messages whose delivery the newer mark knows of; then the
 * older one counts, and messages are delivered twice rather than never.
 *
 * @module
 */
import { putI64 } from "../../common/bytes.ts";
import { type Disk, makeDurableDirectory } from "../../common/disk.ts";
import { JsonFile } from "../../common/json_file.ts";
import { type JsonObject, type JsonValue, parseJsonObject, stringifyJson } from "../../protocol/json.ts";
import { asObject, intMember, intOf, listMember, objectMember, textMember } from "../../protocol/json_members.ts";
import type { DataVersion } from "../../protocol/bodies/register.ts";
import { endOf, FIRST_KEY, type TimerKey } from "./entry.ts";
import type { RunInfo } from "./run_file.ts";
import { SlotFile } from "./slot_file.ts";

/** Storing messages again before the log forgets them. */
export interface RollPass {
  /** Messages with lower queue offsets are stored again … */
  readonly below: number;
  /** … when they are due behind this place; the others are delivered first. */
  readonly from: TimerKey;
  /** Done up to this place. */
  readonly done: TimerKey;
}

/** Where delivery is. */
export interface Mark {
  /** Everything up to here that was known is delivered. */
  readonly watermark: TimerKey;
  /** Messages of the timer topic from here on were not known: they are not delivered whenever they are due. */
  readonly readOffset: number;
  /** Offsets of messages before that which are not delivered although they are due before the watermark, ascending. */
  readonly late: readonly number[];
  /** Messages below it count no more: they are delivered or stored again. */
  readonly rolledBelow: number;
  readonly roll: RollPass | null;
  /** The log must reach this far for the mark to be true. */
  readonly endOffset: number;
  /** Pending messages by real topic. */
  readonly counts: ReadonlyMap<string, number>;
}

/** The content of the file. */
export interface Progress {
  readonly mark: Mark;
  /** The last mark whose `endOffset` was synced. */
  readonly syncedMark: Mark;
  /** Entries of messages below it are in the runs, as far as they are due behind the watermark. */
  readonly indexedOffset: number;
  /** The log must reach this far for the runs to be true. */
  readonly indexedEnd: number;
  readonly runs: readonly RunInfo[];
}

/** Nothing was ever delivered. */
export const FIRST_MARK: Mark = {
  watermark: FIRST_KEY,
  readOffset: 0,
  late: [],
  rolledBelow: 0,
  roll: null,
  endOffset: 0,
  counts: new Map(),
};

/** The mark of a broker that says it has delivered all slots before `readTimeMs` of messages below `queueOffset`. */
export function markOf(readTimeMs: number, queueOffset: number): Mark {
  return { ...FIRST_MARK, watermark: endOf(readTimeMs), readOffset: queueOffset };
}

/** The file. */
export class ProgressFile {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #file: SlotFile;
  readonly #metrics: JsonFile;

  /** @param directory the store's `config`. */
  constructor(disk: Disk, directory: string) {
    this.#disk = disk;
    this.#directory = directory;
    this.#file = new SlotFile(disk, `${directory}/timerProgress`);
    this.#metrics = new JsonFile(disk, `${directory}/timermetrics`);
  }

  /** Reads it; null when there is none. @throws {CorruptError} */
  load(): Progress | null {
    const text = this.#file.load();
    return text === null ? null : readProgress(parseJsonObject(text));
  }

  /** Writes it; resolves when it is on the device. @throws {DiskError} */
  async save(progress: Progress): Promise<void> {
    makeDurableDirectory(this.#disk, this.#directory);
    await this.#file.save(stringifyJson(progressJson(progress)));
  }

  /** Writes what RocketMQ reads. @throws {DiskError} */
  async saveForJava(metrics: string, check: Uint8Array): Promise<void> {
    await this.#metrics.save(metrics);
    const file = this.#disk.open(`${this.#directory}/timercheck`, { create: true });
    try {
      const page = new Uint8Array(CHECK_FILE_SIZE);
      page.set(check);
      file.write(page, 0);
    } finally {
      file.close();
    }
  }
}

const CHECK_FILE_SIZE = 4096;

/** RocketMQ's timer checkpoint as a slave asks for it: seven 64-bit integers. Source: `TimerCheckpoint#encode`. */
export function encodeTimerCheck(readTimeMs: number, queueOffset: number, version: DataVersion): Uint8Array {
  const bytes = new Uint8Array(56);
  const { stateVersion, timestamp, counter } = version;
  [readTimeMs, 0, queueOffset, queueOffset, stateVersion, timestamp, counter].forEach((v, i) =>
    putI64(bytes, i * 8, v)
  );
  return bytes;
}

function progressJson({ mark, syncedMark, indexedOffset, indexedEnd, runs }: Progress): JsonObject {
  return {
    mark: markJson(mark),
    syncedMark: mark === syncedMark ? null : markJson(syncedMark),
    indexedOffset,
    indexedEnd,
    runs: runs.map((run) => ({ ...run })),
  };
}

function markJson({ watermark, readOffset, late, rolledBelow, roll, endOffset, counts }: Mark): JsonObject {
  return {
    watermark: keyJson(watermark),
    readOffset,
    late: [...late],
    rolledBelow,
    roll: roll && { below: roll.below, from: keyJson(roll.from), done: keyJson(roll.done) },
    endOffset,
    counts: Object.fromEntries(counts),
  };
}

function keyJson({ dueMs, queueOffset }: TimerKey): JsonValue[] {
  return [dueMs, queueOffset];
}

function readProgress(json: JsonObject): Progress {
  const mark = readMark(objectMember(json, "mark"));
  return {
    mark,
    syncedMark: json.syncedMark === null ? mark : readMark(objectMember(json, "syncedMark")),
    indexedOffset: intMember(json, "indexedOffset"),
    indexedEnd: intMember(json, "indexedEnd"),
    runs: listMember(json, "runs").map((each) => {
      const run = asObject(each);
      return {
        name: textMember(run, "name"),
        count: intMember(run, "count"),
        minQueueOffset: intMember(run, "minQueueOffset"),
        minPhysicalOffset: intMember(run, "minPhysicalOffset"),
      };
    }),
  };
}

function readMark(json: JsonObject): Mark {
  const roll = json.roll ? asObject(json.roll) : null;
  return {
    watermark: readKey(json, "watermark"),
    readOffset: intMember(json, "readOffset"),
    late: listMember(json, "late").map((each) => intOf(each)),
    rolledBelow: intMember(json, "rolledBelow"),
    roll: roll && { below: intMember(roll, "below"), from: readKey(roll, "from"), done: readKey(roll, "done") },
    endOffset: intMember(json, "endOffset"),
    counts: new Map(Object.entries(objectMember(json, "counts")).map(([topic, count]) => [topic, intOf(count)])),
  };
}

function readKey(json: JsonObject, name: string): TimerKey {
  const [dueMs, queueOffset] = listMember(json, name);
  return { dueMs: intOf(dueMs), queueOffset: intOf(queueOffset) };
}
