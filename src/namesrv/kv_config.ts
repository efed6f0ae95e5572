/**
 * Key-value tables that tools put into a name server, by namespace, kept in one JSON document
 * (`{"configTable":{namespace:{key:value}}}`, `kvConfigPath`). RocketMQ uses one namespace: the queues of ordered topics.
 *
 * A change is answered when it is on the device. A save that fails is an error to who asked; what they asked for holds in
 * memory and is saved with the next change.
 *
 * RocketMQ counterpart: `KVConfigManager`.
 *
 * @module
 */
import type { Disk } from "../common/disk.ts";
import { JsonFile } from "../common/json_file.ts";
import type { Log } from "../common/log.ts";
import { parseJsonObject, stringifyJson } from "../protocol/json.ts";
import { objectMember, textTableMember } from "../protocol/json_members.ts";

/** Namespace of ordered topics: topic to `broker:queues;broker2:queues`. */
export const ORDER_TOPIC_NAMESPACE = "ORDER_TOPIC_CONFIG";

/** What the tables are made of. */
export interface KvConfigParts {
  readonly disk: Disk;
  readonly log: Log;
  /** Where the document is. */
  readonly path: string;
  /** Called after a value has changed. */
  readonly onChange?: (namespace: string, key: string) => void;
}

/** The tables. */
export class KvConfig {
  readonly #parts: KvConfigParts;
  readonly #file: JsonFile;
  readonly #tables = new Map<string, Map<string, string>>();

  constructor(parts: KvConfigParts) {
    this.#parts = parts;
    this.#file = new JsonFile(parts.disk, parts.path);
  }

  /**
   * Reads the document; nothing happens when there is none.
   *
   * @throws {CorruptError} when neither it nor its backup can be read.
   */
  load(): void {
    const loaded = this.#file.load((text) => objectMember(parseJsonObject(text), "configTable"));
    if (loaded === null) return;
    const { log, path } = this.#parts;
    for (const namespace of Object.keys(loaded.value)) {
      this.#tables.set(namespace, new Map(Object.entries(textTableMember(loaded.value, namespace))));
    }
    if (loaded.backupReason !== null) log.warn(`${path}: took the backup of KV config: ${loaded.backupReason}`);
    log.info("load KV config table OK");
  }

  /** A value; undefined when there is none. */
  get(namespace: string, key: string): string | undefined {
    return this.#tables.get(namespace)?.get(key);
  }

  /** A whole namespace, empty when its last key was deleted; undefined when it never had one. */
  list(namespace: string): ReadonlyMap<string, string> | undefined {
    return this.#tables.get(namespace);
  }

  /** Sets a value. @throws {DiskError} when it cannot be saved. */
  put(namespace: string, key: string, value: string): Promise<void> {
    const { log, onChange } = this.#parts;
    let table = this.#tables.get(namespace);
    if (table === undefined) {
      this.#tables.set(namespace, table = new Map());
      log.info(`putKVConfig create new Namespace ${namespace}`);
    }
    const how = table.has(key) ? "update" : "create new";
    log.info(`putKVConfig ${how} config item, Namespace: ${namespace} Key: ${key} Value: ${value}`);
    table.set(key, value);
    onChange?.(namespace, key);
    return this.#save();
  }

  /** Removes a value, which need not exist. @throws {DiskError} when the change cannot be saved. */
  delete(namespace: string, key: string): Promise<void> {
    const { log, onChange } = this.#parts;
    const value = this.get(namespace, key);
    if (value === undefined) return Promise.resolve();
    log.info(`deleteKVConfig delete a config item, Namespace: ${namespace} Key: ${key} Value: ${value}`);
    this.#tables.get(namespace)!.delete(key);
    onChange?.(namespace, key);
    return this.#save();
  }

  #save(): Promise<void> {
    return this.#file.save(stringifyJson({ configTable: this.#tables }));
  }
}
