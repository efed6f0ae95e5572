/**
 * How far a group has consumed: kept at the broker, or, when each member gets all messages, in a file of the member.
 * Between two stores the offsets are in memory.
 *
 * The file is Java's: `<home>/.rocketmq_offsets/<clientId>/<group>/offsets.json` with
 * `{"offsetTable":{{"brokerName":"b","queueId":0,"topic":"T"}:5}}`; `<clientId>` is `ip@DEFAULT` unless the client was
 * given an instance name, so that it is found again after a restart.
 *
 * Source: RocketMQ `OffsetStore`, `RemoteBrokerOffsetStore`, `LocalFileOffsetStore`.
 *
 * @module
 */
import { utf8, utf8Text } from "../common/bytes.ts";
import { messageOf } from "../common/errors.ts";
import { JsonFile } from "../common/json_file.ts";
import { decodeOffsetTable, encodeOffsetTable } from "../protocol/bodies/offset_table.ts";
import { type MessageQueue, messageQueueKey } from "../protocol/message_queue.ts";
import { ClientError } from "./errors.ts";
import type { ClientInstance } from "./instance.ts";

/** Offsets of a group. */
export interface OffsetStore {
  /** Sets an offset in memory; with `increaseOnly` a smaller one changes nothing. */
  update(queue: MessageQueue, offset: number, increaseOnly: boolean): void;
  /** The offset in memory, −1 when there is none. */
  peek(queue: MessageQueue): number;
  /** The stored offset, −1 when there is none; is in memory then. @throws {BrokerError} @throws {ConnectionError} */
  read(queue: MessageQueue): Promise<number>;
  /** Stores the offsets of `queues`; with `wait` resolves when they are safe. Failures are logged. */
  persist(queues: Iterable<MessageQueue>, wait: boolean): Promise<void>;
  /** Forgets a queue. */
  remove(queue: MessageQueue): void;
}

interface Entry {
  readonly queue: MessageQueue;
  offset: number;
}

class OffsetMemory {
  readonly entries = new Map<string, Entry>();

  update(queue: MessageQueue, offset: number, increaseOnly: boolean): void {
    const key = messageQueueKey(queue);
    const entry = this.entries.get(key);
    if (entry === undefined) this.entries.set(key, { queue, offset });
    else if (!increaseOnly || offset > entry.offset) entry.offset = offset;
  }

  peek(queue: MessageQueue): number {
    return this.entries.get(messageQueueKey(queue))?.offset ?? -1;
  }

  remove(queue: MessageQueue): void {
    this.entries.delete(messageQueueKey(queue));
  }
}

/** Offsets at the broker of each queue. */
export class RemoteOffsetStore implements OffsetStore {
  readonly #instance: ClientInstance;
  readonly #group: string;
  readonly #memory = new OffsetMemory();

  constructor(instance: ClientInstance, group: string) {
    this.#instance = instance;
    this.#group = group;
  }

  /** @inheritdoc */
  update(queue: MessageQueue, offset: number, increaseOnly: boolean): void {
    this.#memory.update(queue, offset, increaseOnly);
  }

  /** @inheritdoc */
  peek(queue: MessageQueue): number {
    return this.#memory.peek(queue);
  }

  /** @inheritdoc */
  async read(queue: MessageQueue): Promise<number> {
    const address = await this.#instance.routes.findReadAddress(queue.topic, queue.brokerName, 0);
    const offset = await this.#instance.calls.consumerOffset(address, this.#group, queue);
    if (offset >= 0) this.#memory.update(queue, offset, false);
    return offset;
  }

  /** @inheritdoc */
  async persist(queues: Iterable<MessageQueue>, wait: boolean): Promise<void> {
    await Promise.all(Array.from(queues, (queue) => this.#persistOne(queue, wait)));
  }

  async #persistOne(queue: MessageQueue, wait: boolean): Promise<void> {
    const offset = this.#memory.peek(queue);
    if (offset < 0) return;
    const { routes, calls, world } = this.#instance;
    try {
      const address = await routes.findReadAddress(queue.topic, queue.brokerName, 0);
      if (wait) await calls.updateConsumerOffset(address, this.#group, queue, offset);
      else await calls.updateConsumerOffsetOneway(address, this.#group, queue, offset);
    } catch (error) {
      world.log.warn(`cannot store offset ${offset} of ${messageQueueKey(queue)}: ${messageOf(error)}`);
    }
  }

  /** @inheritdoc */
  remove(queue: MessageQueue): void {
    this.#memory.remove(queue);
  }
}

/** Offsets in a file. */
export class LocalOffsetStore implements OffsetStore {
  readonly #file: JsonFile;
  readonly #memory = new OffsetMemory();

  /**
   * Reads what the file, or else its backup, says.
   *
   * @throws {ClientError} when there is no disk. @throws {CorruptError} when neither can be read.
   */
  constructor(instance: ClientInstance, group: string) {
    const { disk, log } = instance.world;
    if (disk === undefined) throw new ClientError("a broadcasting consumer keeps its offsets on a disk: give one");
    const { homeDirectory, clientIp, instanceName } = instance.settings;
    const directory = `${homeDirectory}/.rocketmq_offsets/${clientIp}@${instanceName ?? "DEFAULT"}/${group}`;
    this.#file = new JsonFile(disk, `${directory}/offsets.json`);
    const loaded = this.#file.load((text) => decodeOffsetTable(utf8(text)));
    if (loaded === null) return;
    if (loaded.backupReason !== null) log.warn(`${this.#file.path}: took the backup: ${loaded.backupReason}`);
    for (const [queue, offset] of loaded.value) this.#memory.update(queue, offset, false);
  }

  /** @inheritdoc */
  update(queue: MessageQueue, offset: number, increaseOnly: boolean): void {
    this.#memory.update(queue, offset, increaseOnly);
  }

  /** @inheritdoc */
  peek(queue: MessageQueue): number {
    return this.#memory.peek(queue);
  }

  /** @inheritdoc */
  read(queue: MessageQueue): Promise<number> {
    return Promise.resolve(this.#memory.peek(queue));
  }

  /** Writes all offsets: those of queues that are away at the moment count as well. @throws {DiskError} */
  async persist(_queues: Iterable<MessageQueue>, _wait: boolean): Promise<void> {
    const { entries } = this.#memory;
    if (entries.size === 0) return;
    const table = new Map(Array.from(entries.values(), ({ queue, offset }) => [queue, offset]));
    await this.#file.save(utf8Text(encodeOffsetTable(table)));
  }

  /** Nothing is forgotten: the queue will come back. */
  remove(_queue: MessageQueue): void {}
}
