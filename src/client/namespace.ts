/**
 * Namespaces: topics and groups of several tenants in one cluster, told apart by what is put before their names,
 * `tenant%Topic`, `%RETRY%tenant%group`. Users of a client see the short names only; on the wire are the long ones. Names
 * that belong to the system are the same for everybody.
 *
 * Source: RocketMQ `NamespaceUtil`, `ClientConfig#withNamespace`.
 *
 * @module
 */
import { BUILT_IN_GROUPS, DLQ_PREFIX, isSystemGroup, isSystemTopic, RETRY_PREFIX } from "../protocol/names.ts";
import type { MessageQueue } from "../protocol/message_queue.ts";

const SEPARATOR = "%";

/** A name without `%RETRY%` or `%DLQ%`, and which of them it had. */
function split(name: string): { prefix: string; rest: string } {
  const prefix = [RETRY_PREFIX, DLQ_PREFIX].find((each) => name.startsWith(each)) ?? "";
  return { prefix, rest: name.slice(prefix.length) };
}

function isSystemName(name: string): boolean {
  return isSystemTopic(name) || isSystemGroup(name) || BUILT_IN_GROUPS.includes(name);
}

/** The name in a namespace; one that is there already, or belongs to the system, as it is. */
export function wrapNamespace(namespace: string, name: string): string {
  if (namespace === "" || name === "" || isSystemName(name)) return name;
  const { prefix, rest } = split(name);
  const begin = namespace + SEPARATOR;
  return rest.startsWith(begin) ? name : prefix + begin + rest;
}

/** The name without its namespace, whichever that is. */
export function withoutNamespace(name: string): string {
  if (isSystemName(name)) return name;
  const { prefix, rest } = split(name);
  const at = rest.indexOf(SEPARATOR);
  return at > 0 ? prefix + rest.slice(at + 1) : name;
}

/** The namespace of a client; with an empty one all names stay as they are. */
export class Namespace {
  /** What is put before names; empty for nothing. */
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  /** The name as the cluster knows it. */
  wrap(name: string): string {
    return this.name === "" ? name : wrapNamespace(this.name, name);
  }

  /** The name as the user knows it; names of other namespaces stay as they are. */
  unwrap(name: string): string {
    if (this.name === "" || !split(name).rest.startsWith(this.name + SEPARATOR)) return name;
    return withoutNamespace(name);
  }

  /** {@linkcode wrap}, of a queue's topic. */
  wrapQueue(queue: MessageQueue): MessageQueue {
    return this.name === "" ? queue : { ...queue, topic: this.wrap(queue.topic) };
  }

  /** {@linkcode unwrap}, of a queue's topic. */
  unwrapQueue(queue: MessageQueue): MessageQueue {
    return this.name === "" ? queue : { ...queue, topic: this.unwrap(queue.topic) };
  }

  /** {@linkcode unwrap}, of many queues. */
  unwrapQueues(queues: readonly MessageQueue[]): readonly MessageQueue[] {
    return this.name === "" ? queues : queues.map((queue) => this.unwrapQueue(queue));
  }
}
