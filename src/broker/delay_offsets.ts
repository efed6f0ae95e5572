/**
 * How far each delay level is delivered: `config/delayOffset.json`, `{"offsetTable":{level:queueOffset},"dataVersion":…}`.
 * RocketMQ counterpart: `DelayOffsetSerializeWrapper`.
 *
 * @module
 */
import { type JsonObject, parseJsonObject, stringifyJson } from "../protocol/json.ts";
import { intOf, objectMember } from "../protocol/json_members.ts";
import { type DataVersion, dataVersionJson, readDataVersion } from "../protocol/bodies/register.ts";
import { firstVersion, nextVersion } from "./data_version.ts";
import { Persisted, type PersistedParts } from "./persisted.ts";

/** Offsets by level. */
export class DelayOffsets {
  readonly #parts: PersistedParts;
  readonly #persisted: Persisted;
  readonly #offsets = new Map<number, number>();
  #version: DataVersion;

  constructor(parts: PersistedParts) {
    this.#parts = parts;
    this.#version = firstVersion(parts.clock.now());
    this.#persisted = new Persisted(parts, () => this.text());
  }

  /** Reads the file. @throws {CorruptError} when it cannot be read. */
  load(): void {
    const read = this.#persisted.load(parseJsonObject);
    if (read !== null) this.replaceAll(read);
  }

  /** Next queue offset of a level to be delivered. */
  get(level: number): number {
    return this.#offsets.get(level) ?? 0;
  }

  /** Moves a level; the file follows at the next {@linkcode flush}. */
  set(level: number, offset: number): void {
    this.#offsets.set(level, offset);
    this.#persisted.mark();
  }

  /** Levels with their offsets. */
  entries(): ReadonlyMap<number, number> {
    return this.#offsets;
  }

  /** The table as JSON, as it is kept on disk and given to slaves. */
  text(): string {
    return stringifyJson({ dataVersion: dataVersionJson(this.#version), offsetTable: this.#offsets });
  }

  /** Takes the place of the present table (on a slave: the master's). */
  replaceAll(json: JsonObject): void {
    const table = objectMember(json, "offsetTable");
    this.#offsets.clear();
    for (const level in table) this.#offsets.set(Number(level), intOf(table[level]));
    if (json.dataVersion !== undefined) this.#version = readDataVersion(objectMember(json, "dataVersion"));
    this.#persisted.mark();
  }

  /** Saves when there was a change. */
  flush(): void {
    this.#version = nextVersion(this.#version, this.#parts.clock.now());
    this.#persisted.flush();
  }

  /** Saves for the last time. @throws {DiskError} */
  close(): void {
    this.#persisted.close();
  }
}
