/**
 * Which tables of a broker belong to a store with messages, and what it means when one is not there. The broker keeps and
 * understands them; here they are only missed, by audits and at a start.
 *
 * @module
 */
import type { Disk } from "../common/disk.ts";

/** A table that is not there. */
export interface MissingTable {
  /** Name without `.json`. */
  readonly name: TableName;
  readonly path: string;
  /** What a broker that starts like this does. */
  readonly consequence: string;
}

/** A table, by its file. */
export type TableName = "topics" | "subscriptionGroup" | "consumerOffset" | "delayOffset";

const CONSEQUENCES: Readonly<Record<TableName, string>> = {
  topics: "topics are made again from their queues, readable and writable, with as many queues as have messages: " +
    "permissions, order, attributes and queues without messages are forgotten",
  subscriptionGroup: "groups are made again as their consumers come, with defaults: limits, and groups that must not " +
    "consume, are forgotten",
  consumerOffset:
    "nobody knows any more what was consumed: consumers begin where their consumeFromWhere says, and skip " +
    "messages or get them twice",
  delayOffset: "delayed messages that are still in the log are delivered once more",
};

/** Tables of which neither the file nor its backup is there. @throws {DiskError} */
export function missingTables(disk: Disk, root: string): MissingTable[] {
  const names = Object.keys(CONSEQUENCES) as TableName[];
  const hasDelays = disk.stat(`${root}/consumequeue/SCHEDULE_TOPIC_XXXX`) !== null;
  return names.filter((name) => name !== "delayOffset" || hasDelays)
    .map((name) => ({ name, path: `${root}/config/${name}.json`, consequence: CONSEQUENCES[name] }))
    .filter(({ path }) => disk.stat(path) === null && disk.stat(`${path}.bak`) === null);
}
