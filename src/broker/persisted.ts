/**
 * Keeps a table's JSON document up to date on disk: any number of changes while a save is under way become the next save, so
 * a table that changes often is encoded at most once for each sync of the device. What was changed is saved until it is; a
 * failed save is told and tried again.
 *
 * RocketMQ counterpart: `ConfigManager#persist`, which writes the whole document in the thread of each request.
 *
 * @module
 */
import type { Clock, Timer } from "../common/clock.ts";
import { messageOf } from "../common/errors.ts";
import type { Log } from "../common/log.ts";
import { joinInSlices } from "../common/text_slices.ts";

/** Where documents go; `JsonFile` is one. */
export interface DocumentFile {
  readonly path: string;
  /** Loads through `parse`; null when there is none. @throws {CorruptError} */
  load<T>(parse: (text: string) => T): { readonly value: T; readonly backupReason: string | null } | null;
  /** Saves, resolves when it is on the device. */
  save(text: string): Promise<void>;
  /** Saves, blocking. */
  saveNow(text: string): void;
}

/** What a persisted table is made of. */
export interface PersistedParts {
  readonly file: DocumentFile;
  readonly clock: Clock;
  readonly log: Log;
}

/** After a save failed, the next attempt comes this much later unless there is a change before. */
const RETRY_MS = 5000;

/** The document of one table. */
export class Persisted {
  readonly #parts: PersistedParts;
  readonly #encode: () => string | Iterable<string>;
  #dirty = false;
  #saving: Promise<void> | null = null;
  #retry: Timer | null = null;
  #closed = false;

  /** @param encode gives the table's present text; in pieces, when it is long: then others work between them. */
  constructor(parts: PersistedParts, encode: () => string | Iterable<string>) {
    this.#parts = parts;
    this.#encode = encode;
  }

  /**
   * Loads the document through `parse` and tells when the backup had to be taken. Null when there is none; one is made then, so
   * that later it can be missed.
   */
  load<T>(parse: (text: string) => T): T | null {
    const { file, log } = this.#parts;
    const loaded = file.load(parse);
    if (loaded === null) {
      this.changed();
      return null;
    }
    if (loaded.backupReason !== null) log.warn(`${file.path}: the backup was loaded, ${loaded.backupReason}`);
    return loaded.value;
  }

  /** Says that the table has changed and is to be saved. */
  changed(): void {
    this.#dirty = true;
    this.#saving ??= this.#saveAll();
  }

  /** Says that the table has changed, and leaves the time of the save to {@linkcode flush}. */
  mark(): void {
    this.#dirty = true;
  }

  /** Saves when there was a change. */
  flush(): void {
    if (this.#dirty) this.#saving ??= this.#saveAll();
  }

  /** Resolves when everything changed so far is saved, or has failed to be; never rejects. */
  async saved(): Promise<void> {
    this.flush();
    await this.#saving;
  }

  /** Saves what has changed, blocking, and nothing more after that: for stop. @throws {DiskError} */
  close(): void {
    this.#closed = true;
    this.#retry?.cancel();
    if (this.#dirty || this.#saving !== null) this.#parts.file.saveNow(this.#textNow());
    this.#dirty = false;
  }

  async #saveAll(): Promise<void> {
    this.#retry?.cancel();
    this.#retry = null;
    // Changes of the same turn go into one document.
    await Promise.resolve();
    while (this.#dirty && !this.#closed) {
      this.#dirty = false;
      try {
        const text = await this.#text();
        if (this.#closed) break; // Saved meanwhile, as it was then.
        await this.#parts.file.save(text);
      } catch (error) {
        this.#fail(error);
        break;
      }
    }
    this.#saving = null;
  }

  #textNow(): string {
    const text = this.#encode();
    return typeof text === "string" ? text : [...text].join("");
  }

  async #text(): Promise<string> {
    const text = this.#encode();
    return typeof text === "string" ? text : await joinInSlices(text, this.#parts.clock, () => this.#closed);
  }

  #fail(error: unknown): void {
    const { file, clock, log } = this.#parts;
    log.error(`Cannot save ${file.path}, trying again in ${RETRY_MS / 1000} s: ${messageOf(error)}`);
    this.#dirty = true;
    if (!this.#closed) this.#retry = clock.after(RETRY_MS, () => this.flush());
  }
}
