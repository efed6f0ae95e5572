/**
 * What a RocketMQ 5.x broker left behind about its timers: which messages of the timer topic it had still to deliver.
 *
 * - `config/timercheck`: i64 lastReadTimeMs (slots before it are delivered) · i64 · i64 lastTimerQueueOffset (the timer topic
 *   below it is in the timer log).
 * - `timerlog/<offset>`: 52-byte units i32 size · i64 previous · i32 magic · i64 writeTime · i32 delay · i64 physicalOffset ·
 *   i32 size · i32 hash · i64 0; a file ends with i32, i64, i32 blank magic.
 *
 * A message of which a unit lies in a slot that is not delivered is pending. A message beyond the wheel's span has been stored
 * again, perhaps several times; only the last copy has such a unit. The wheel (`timerwheel`) says nothing that these do not.
 * Once read, `timerlog` and `timerwheel` are renamed, for they are not kept up to date here.
 *
 * @module
 */
import { getI32, getI64 } from "../../common/bytes.ts";
import { type Disk, readWhole } from "../../common/disk.ts";

const UNIT_SIZE = 52;
const BLANK_MAGIC = 0xcbd43194 | 0;
const MAGIC_BITS = 0xf;

/** Pending messages of a RocketMQ broker. */
export interface JavaTimers {
  readonly readTimeMs: number;
  /** The timer topic from here on is not in the timer log. */
  readonly queueOffset: number;
  /** Whether the message at a physical offset is pending; for queue offsets below `queueOffset`. */
  isPending(physicalOffset: number): boolean;
}

/** Reads the files of the store in `root`; null when there are none. */
export function readJavaTimers(disk: Disk, root: string): JavaTimers | null {
  const check = readWhole(disk, `${root}/config/timercheck`);
  const files = disk.list(`${root}/timerlog`).filter(({ name }) => /^\d{20}$/.test(name));
  if (check === null || check.length < 32 || files.length === 0) return null;
  const readTimeMs = getI64(check, 0);
  const offsets: number[] = [];
  for (const { name } of files) collect(readWhole(disk, `${root}/timerlog/${name}`)!, readTimeMs, offsets);
  const pending = Float64Array.from(offsets).sort();
  return { readTimeMs, queueOffset: getI64(check, 16), isPending: (offset) => contains(pending, offset) };
}

/** Puts RocketMQ's timer files aside. @throws {DiskError} */
export function retireJavaTimers(disk: Disk, root: string): void {
  for (const name of ["timerlog", "timerwheel"]) {
    if (disk.stat(`${root}/${name}`) !== null) disk.rename(`${root}/${name}`, `${root}/${name}.imported`);
  }
}

function collect(bytes: Uint8Array, readTimeMs: number, offsets: number[]): void {
  for (let at = 0; at + UNIT_SIZE <= bytes.length; at += UNIT_SIZE) {
    const magic = getI32(bytes, at + 12);
    if (magic === BLANK_MAGIC || getI32(bytes, at) !== UNIT_SIZE || (magic & ~MAGIC_BITS) !== 0) return;
    const slotMs = getI64(bytes, at + 16) + getI32(bytes, at + 24);
    if (slotMs >= readTimeMs) offsets.push(getI64(bytes, at + 28));
  }
}

function contains(sorted: Float64Array, value: number): boolean {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return sorted[low] === value;
}
