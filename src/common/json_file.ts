/**
 * One JSON document on disk that is replaced as a whole, and survives a crash at any moment.
 *
 * Saving writes `NAME.tmp`, brings it to the device, keeps the old document as `NAME.bak` and renames. So at any time either
 * `NAME` or `NAME.bak` is a whole document. Loading takes `NAME`, and `NAME.bak` where that is missing, empty or unreadable.
 * What the text means is left to the caller.
 *
 * RocketMQ counterpart: `ConfigManager`, `MixAll.string2File`, `MixAll.file2String`.
 *
 * @module
 */
import { utf8, utf8Text } from "./bytes.ts";
import { type Disk, type DiskFile, makeDurableDirectory, parentOf, readWhole } from "./disk.ts";
import { CorruptError, messageOf } from "./errors.ts";

/** A document that was loaded. */
export interface LoadedDocument<T> {
  readonly value: T;
  /** Why the backup was taken instead of the document itself, or null. */
  readonly backupReason: string | null;
}

/** A document at one path. Only one object may save to a path. */
export class JsonFile {
  readonly #disk: Disk;
  readonly #directory: string;
  /** Counts calls of save and saveNow; what is older than the document in place is never put over it. */
  #lastCall = 0;
  #published = 0;
  #queue: Promise<void> = Promise.resolve();
  /** Text that waits for its turn; a newer one takes its place. */
  #next: { text: string; call: number } | null = null;
  /** The text of the document, when it is on the device with its name; null when that is not known. */
  #savedText: string | null = null;

  /**
   * @param path of the document; its directory is made when it is saved.
   * @param encode makes bytes of a text; by default UTF-8.
   */
  constructor(disk: Disk, readonly path: string, readonly encode: (text: string) => Uint8Array = utf8) {
    this.#disk = disk;
    this.#directory = parentOf(path);
  }

  /**
   * Loads and parses the document.
   *
   * @param parse turns the text into a value; throws where it cannot.
   * @returns null when there is neither document nor backup, or both are empty.
   * @throws {CorruptError} when there is something but nothing can be parsed.
   */
  load<T>(parse: (text: string) => T): LoadedDocument<T> | null {
    const main = this.#read(this.path, parse);
    if ("value" in main) return { value: main.value, backupReason: null };
    const backup = this.#read(`${this.path}.bak`, parse);
    if ("value" in backup) return { value: backup.value, backupReason: main.reason };
    if (!main.isDamaged && !backup.isDamaged) return null;
    throw new CorruptError(this.path, 0, `${main.reason}; its backup: ${backup.reason}`);
  }

  /**
   * Saves the document, waiting for the device off the event loop. Of several calls that wait at a time only the last one's
   * text is written, and all of them resolve with it. Nothing is written when the text is the one saved last.
   *
   * @throws {DiskError} when it cannot be written; the old document is still there.
   */
  save(text: string): Promise<void> {
    const isWaiting = this.#next !== null;
    this.#next = { text, call: ++this.#lastCall };
    if (!isWaiting) this.#queue = this.#queue.catch(() => {}).then(() => this.#saveNext());
    return this.#queue;
  }

  /** Saves the document before it returns, blocking: for stop. It wins over saves that are under way. */
  saveNow(text: string): void {
    const call = ++this.#lastCall;
    this.#next = null;
    if (text === this.#savedText) {
      this.#published = call;
      return;
    }
    const temporary = `${this.path}.now.tmp`;
    const file = this.#write(temporary, text);
    try {
      file.syncNow();
    } finally {
      file.close();
    }
    this.#publish(temporary, call);
    this.#disk.syncDirectory(this.#directory);
    this.#savedText = text;
  }

  async #saveNext(): Promise<void> {
    const next = this.#next;
    this.#next = null;
    if (next === null) return;
    if (next.text === this.#savedText) {
      this.#published = next.call;
      return;
    }
    const temporary = `${this.path}.tmp`;
    const file = this.#write(temporary, next.text);
    try {
      await file.sync();
    } finally {
      file.close();
    }
    if (next.call < this.#published) {
      this.#disk.remove(temporary);
      return;
    }
    this.#publish(temporary, next.call);
    await this.#disk.syncDirectoryAsync(this.#directory);
    if (next.call === this.#published) this.#savedText = next.text;
  }

  #write(path: string, text: string): DiskFile {
    makeDurableDirectory(this.#disk, this.#directory);
    const file = this.#disk.open(path, { create: true });
    try {
      file.truncate(0);
      file.write(this.encode(text), 0);
      return file;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** Puts a synced file in the place of the document, which becomes the backup; the directory is still to be synced. */
  #publish(temporary: string, call: number): void {
    // An empty document is worth nothing as a backup; it must not replace one that is.
    if ((this.#disk.stat(this.path)?.sizeBytes ?? 0) > 0) this.#disk.rename(this.path, `${this.path}.bak`);
    this.#disk.rename(temporary, this.path);
    this.#savedText = null;
    this.#published = call;
  }

  #read<T>(path: string, parse: (text: string) => T): { value: T } | { reason: string; isDamaged: boolean } {
    const bytes = readWhole(this.#disk, path);
    if (bytes === null) return { reason: "it does not exist", isDamaged: false };
    if (bytes.length === 0) return { reason: "it is empty", isDamaged: false };
    try {
      return { value: parse(utf8Text(bytes)) };
    } catch (error) {
      return { reason: `it cannot be parsed: ${messageOf(error)}`, isDamaged: true };
    }
  }
}
