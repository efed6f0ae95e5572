/**
 * A small document that is saved often: two files that are written in turns, so that one of them is always whole, and no
 * renaming, for bringing a directory to the device blocks the event loop. Each file holds
 * `<number of the save> <bytes of the text> <CRC-32 of number and text>\n<text>`.
 *
 * @module
 */
import { crc32, utf8, utf8Text } from "../../common/bytes.ts";
import { type Disk, parentOf, readWhole } from "../../common/disk.ts";
import { CorruptError } from "../../common/errors.ts";

/** The document at `path`.0 and `path`.1. One save at a time. */
export class SlotFile {
  readonly #disk: Disk;
  readonly #path: string;
  #number = 0;
  readonly #isNamed = [false, false];

  constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.#path = path;
  }

  /** The text saved last; null when there is none. @throws {CorruptError} when both files are there and damaged. */
  load(): string | null {
    const slots = [0, 1].map((slot) => readWhole(this.#disk, this.#pathOf(slot)));
    let newest: string | null = null;
    for (const bytes of slots) {
      const read = bytes === null ? null : parse(bytes);
      if (read === null || read.number < this.#number) continue;
      this.#number = read.number;
      newest = read.text;
    }
    // One damaged file alone was the first save, which nobody has relied on.
    if (newest === null && slots.every((bytes) => bytes !== null && bytes.length > 0)) {
      throw new CorruptError(this.#pathOf(0), 0, "neither it nor its twin is whole");
    }
    return newest;
  }

  /** Saves a text; resolves when it is on the device. @throws {DiskError} and the text before is still there. */
  async save(text: string): Promise<void> {
    const number = this.#number + 1;
    const slot = number % 2;
    const path = this.#pathOf(slot);
    const bytes = utf8(text);
    const file = this.#disk.open(path, { create: true });
    try {
      file.writeMany([utf8(`${number} ${bytes.length} ${checksum(number, text)}\n`), bytes], 0);
      await file.sync();
    } finally {
      file.close();
    }
    if (!this.#isNamed[slot]) await this.#disk.syncDirectoryAsync(parentOf(path));
    this.#isNamed[slot] = true;
    this.#number = number;
  }

  #pathOf(slot: number): string {
    return `${this.#path}.${slot}`;
  }
}

function checksum(number: number, text: string): number {
  return crc32(utf8(`${number} ${text}`));
}

function parse(bytes: Uint8Array): { number: number; text: string } | null {
  const end = bytes.indexOf(10);
  const head = /^(\d+) (\d+) (\d+)$/.exec(utf8Text(bytes.subarray(0, Math.max(0, end))));
  if (head === null) return null;
  const number = Number(head[1]);
  const text = utf8Text(bytes.subarray(end + 1, end + 1 + Number(head[2])));
  return checksum(number, text) === Number(head[3]) ? { number, text } : null;
}
