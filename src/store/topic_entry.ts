/**
 * What the store remembers of a topic: its name in the forms that the append path needs, and its queues.
 *
 * @module
 */
import { javaHash, utf8 } from "../common/bytes.ts";
import type { Consumequeue } from "./consumequeue.ts";

/** Longest topic, in bytes. Source: RocketMQ 5.x, where topics of retry groups may be longer than others. */
const TOPIC_SIZE_MAX = 127;
const RETRY_TOPIC_SIZE_MAX = 255;
const RETRY_PREFIX = "%RETRY%";

/** A topic. */
export class TopicEntry {
  readonly name: string;
  /** The name in UTF-8. */
  readonly bytes: Uint8Array;
  /** Java hash of `topic#`, which all index keys of the topic begin with. */
  readonly keyHash: number;
  /** Java hash of `topic#T#`, which the index keys for tags begin with. */
  readonly tagKeyHash: number;
  /** Whether the name is short enough to be stored. */
  readonly isLegal: boolean;
  /** The queues that exist, by number. */
  readonly queues = new Map<number, Consumequeue>();

  /** @param name any text; whether it may be stored, {@linkcode isLegal} says. */
  constructor(name: string) {
    this.name = name;
    this.bytes = utf8(name);
    this.keyHash = javaHash(`${name}#`);
    this.tagKeyHash = javaHash(`${name}#T#`);
    const sizeMax = name.startsWith(RETRY_PREFIX) ? RETRY_TOPIC_SIZE_MAX : TOPIC_SIZE_MAX;
    this.isLegal = this.bytes.length > 0 && this.bytes.length <= sizeMax;
  }
}
