/**
 * Brings messages again whose time in flight is over: stores each in the retry topic of its group and topic, with one more in
 * `reconsumeTimes`, or, when that was often enough, in the group's dead-letter topic. Retry and end of the checkpoint are
 * written in one turn, the retry first: a crash can bring a message twice, never lose one. When the store takes the turn back,
 * the message is in flight and due as before, and comes after a pause.
 *
 * A retry topic has one queue. A message from a retry topic goes back to the same one, whatever its form.
 *
 * RocketMQ counterpart: `PopReviveService#reviveRetry`, which is tens of seconds late.
 *
 * @module
 */
import type { Clock, Timer } from "../../common/clock.ts";
import { messageOf } from "../../common/errors.ts";
import type { Log } from "../../common/log.ts";
import type { OffsetMessageIds } from "../../protocol/ids.ts";
import { Property } from "../../protocol/message.ts";
import { type MessageStore, PullResult, PullStatus, PutStatus } from "../../store/store.ts";
import type { GroupTable } from "../groups.ts";
import type { MessagePut } from "../message_put.ts";
import type { ConsumerOffsets } from "../offsets.ts";
import { readStoredMessages, storedAgain, type StoredMessage } from "../stored_message.ts";
import { deadLetterTopicOf, popRetryTopicsOf, RETRY_PREFIX } from "../system_topics.ts";
import { topicConfig, type TopicTable } from "../topics.ts";
import type { Checkpoint, InFlightTable } from "./in_flight.ts";
import type { Handover } from "./handover.ts";
import type { PopProgress } from "./progress.ts";
import type { ReviveLog } from "./revive_log.ts";

/** After a failure, the next attempt comes this much later. */
const FAILURE_PAUSE_MS = 1000;
/** How long a message that is not readable yet is waited for. */
const UNREADABLE_PATIENCE_MS = 5000;
/** Longest time a timer is set for: the wall clock may be set meanwhile. */
const TIMER_MAX_MS = 60_000;
/** Checkpoints that are brought again before others have their turn. */
const ROUND_MAX = 64;
const READ_MAX = 64;
const READ_BYTES_MAX = 1048576;
/** In whose name offsets move, for the log. */
const WHO = "pop revival";

/** What revival is made of. */
export interface RevivalParts {
  readonly store: MessageStore;
  readonly put: MessagePut;
  readonly table: InFlightTable;
  readonly reviveLog: ReviveLog;
  readonly progress: PopProgress;
  readonly topics: TopicTable;
  readonly groups: GroupTable;
  readonly offsets: ConsumerOffsets;
  readonly handover: Handover;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: RevivalSettings;
}

/** What revival must know of the configuration. */
export interface RevivalSettings {
  readonly ids: OffsetMessageIds;
  /** Whether retry topics have the form `%RETRY%group+topic` (`enableRetryTopicV2`). */
  usesNewRetryTopics(): boolean;
  /** Whether an administrator has set the group to pull the topic. */
  isPulled(group: string, topic: string): boolean;
  /** Whether messages of a group that was deleted are dropped (`popReviveSkipIfGroupAbsent`). */
  dropsWithoutGroup(): boolean;
}

/** The service; see the module's text. */
export class Revival {
  readonly #parts: RevivalParts;
  #timer: Timer | null = null;
  #timerDueMs = Infinity;
  /** After a failure, nothing is brought while it runs. */
  #pause: Timer | null = null;
  #running: Promise<void> | null = null;
  #started = false;

  constructor(parts: RevivalParts) {
    this.#parts = parts;
  }

  /** Begins to look at what is due. */
  start(): void {
    this.#started = true;
    this.changed();
  }

  /** Stops; resolves when what has begun is done. */
  async stop(): Promise<void> {
    this.#started = false;
    this.#timer?.cancel();
    this.#timer = null;
    await this.#running;
    this.#pause?.cancel();
    this.#pause = null;
  }

  /** To be called when something new is in flight: it may be due first. */
  changed(): void {
    if (!this.#started || this.#running !== null || this.#pause !== null) return;
    const dueMs = this.#parts.table.earliest()?.dueMs ?? Infinity;
    if (this.#timer !== null && this.#timerDueMs <= dueMs) return;
    if (dueMs < Infinity) this.#wakeAt(dueMs);
  }

  /** To be called when a turn was taken back: what it brought is in flight again, and is tried again after a pause. */
  takenBack(): void {
    if (!this.#started) return;
    this.#pause ??= this.#parts.clock.after(FAILURE_PAUSE_MS, () => {
      this.#pause = null;
      this.changed();
    });
  }

  #wakeAt(dueMs: number): void {
    const { clock } = this.#parts;
    this.#timer?.cancel();
    this.#timerDueMs = dueMs;
    const waitMs = Math.min(Math.max(0, dueMs - clock.now()), TIMER_MAX_MS);
    this.#timer = clock.after(waitMs, () => {
      this.#timer = null;
      this.#running = this.#run();
    });
  }

  async #run(): Promise<void> {
    let failed = false;
    try {
      failed = !await this.#bringDue();
    } catch (error) {
      this.#parts.log.error(`Cannot bring popped messages again: ${messageOf(error)}`);
      failed = true;
    }
    this.#running = null;
    if (failed) this.takenBack();
    this.changed();
  }

  /** Brings what is due, some of it; false when the store takes nothing. */
  async #bringDue(): Promise<boolean> {
    const { table, clock, progress } = this.#parts;
    for (let count = 0; count < ROUND_MAX && this.#started && this.#pause === null; count++) {
      const checkpoint = table.earliest();
      if (checkpoint === undefined || checkpoint.dueMs > clock.now()) break;
      if (!await this.#bring(checkpoint)) return false;
    }
    progress.touch();
    return true;
  }

  async #bring(checkpoint: Checkpoint): Promise<boolean> {
    const { groups, settings, log } = this.#parts;
    const { queue, offsets } = checkpoint;
    if (settings.dropsWithoutGroup() && !groups.has(queue.group)) {
      log.info(`${offsets.length} popped messages of ${queue.topic}-${queue.queueId} dropped: no group ${queue.group}`);
      return this.#end(checkpoint, [...offsets]);
    }
    const messages = await this.#read(checkpoint);
    // Read from disk or not: what was acknowledged meanwhile is not in the checkpoint any more.
    const wanted = messages.filter(({ queueOffset }) => offsets.includes(queueOffset));
    for (const message of wanted) {
      if (!this.#store(checkpoint, message)) return false;
      if (!this.#end(checkpoint, [message.queueOffset])) return false;
    }
    if (offsets.length === 0) return true;
    if (this.#mayComeYet(checkpoint)) return false;
    log.warn(
      `popped messages ${offsets.join(",")} of ${queue.topic}-${queue.queueId} cannot come again for group ` +
        `${queue.group}: they are not in the store any more`,
    );
    return this.#end(checkpoint, [...offsets]);
  }

  /** After a start, readers may see the end of the log a little later than it was written. */
  #mayComeYet({ queue: { topic, queueId }, offsets, dueMs }: Checkpoint): boolean {
    const { store, clock } = this.#parts;
    const queue = store.queue(topic, queueId);
    return queue !== null && offsets.at(-1)! >= queue.maxOffset && clock.now() - dueMs < UNREADABLE_PATIENCE_MS;
  }

  #end(checkpoint: Checkpoint, offsets: readonly number[]): boolean {
    return this.#parts.reviveLog.done(checkpoint, offsets) !== null;
  }

  /** The messages that are left of a checkpoint and still in the store. */
  async #read({ queue, offsets }: Checkpoint): Promise<StoredMessage[]> {
    const { store } = this.#parts;
    const result = new PullResult();
    const messages: StoredMessage[] = [];
    const wanted = [...offsets];
    for (let i = 0; i < wanted.length;) {
      const from = wanted[i]!;
      const count = Math.min(wanted.at(-1)! - from + 1, READ_MAX);
      const stored = store.queue(queue.topic, queue.queueId);
      const status = store.pull(stored, from, count, READ_BYTES_MAX, null, result);
      if (status === PullStatus.PENDING) {
        await store.load([...result.missing]);
        continue;
      }
      const found = status === PullStatus.FOUND ? readStoredMessages(result.parts) : [];
      messages.push(...found);
      const next = status === PullStatus.FOUND || status === PullStatus.MESSAGE_WAS_REMOVING
        ? Math.max(result.nextBeginOffset, from + 1)
        : from + 1;
      while (i < wanted.length && wanted[i]! < next) i++;
    }
    return messages;
  }

  #store(checkpoint: Checkpoint, message: StoredMessage): boolean {
    const { put, log } = this.#parts;
    const limit = this.#parts.groups.get(checkpoint.queue.group)?.retryMaxTimes ?? -1;
    const isDead = limit >= 0 && message.reconsumeTimes >= limit;
    const topic = isDead ? this.#deadLetterTopic(checkpoint, message) : this.#retryTopic(checkpoint, message);
    const again = storedAgain(message, topic, 0);
    again.reconsumeTimes = message.reconsumeTimes + 1;
    const { status } = put.putAsIs(again);
    if (status === PutStatus.PUT_OK) return true;
    if (status === PutStatus.MESSAGE_ILLEGAL || status === PutStatus.PROPERTIES_SIZE_EXCEEDED) {
      log.error(`a popped message of ${message.topic} cannot be stored in ${topic}: dropped, put status ${status}`);
      return true;
    }
    return false;
  }

  #retryTopic({ queue: { topic, group }, popTimeMs }: Checkpoint, message: StoredMessage): string {
    const { settings, topics, offsets, handover } = this.#parts;
    const { properties } = message;
    const origin = originalTopic(topic, group);
    if (settings.isPulled(group, origin)) return handover.pulledRetryTopic(group, origin, message);
    if (!properties.has(Property.FIRST_POP_TIME)) properties.set(Property.FIRST_POP_TIME, String(popTimeMs));
    if (topic.startsWith(RETRY_PREFIX)) return topic;
    const [newer, older] = popRetryTopicsOf(topic, group);
    const retryTopic = settings.usesNewRetryTopics() ? newer : older;
    if (topics.has(retryTopic)) return retryTopic;
    topics.createIfAbsent(topicConfig(retryTopic, { readQueueNums: 1, writeQueueNums: 1 }));
    if (offsets.query(group, retryTopic, 0) < 0) offsets.commit(group, retryTopic, 0, 0, WHO);
    return retryTopic;
  }

  /** Source: as with messages sent back, `AbstractSendMessageProcessor#consumerSendMsgBack`. */
  #deadLetterTopic({ queue: { topic, group } }: Checkpoint, { properties, physicalOffset }: StoredMessage): string {
    const origin = properties.get(Property.RETRY_TOPIC) ?? originalTopic(topic, group);
    const id = properties.get(Property.ORIGIN_MESSAGE_ID) || this.#parts.settings.ids.of(physicalOffset);
    properties.set(Property.RETRY_TOPIC, origin);
    properties.set(Property.ORIGIN_MESSAGE_ID, id);
    properties.set(Property.DLQ_ORIGIN_TOPIC, origin);
    properties.set(Property.DLQ_ORIGIN_MESSAGE_ID, id);
    return this.#parts.topics.createForGroup(deadLetterTopicOf(group), 1).topicName;
  }
}

/** The topic to which a group's retry topic belongs; others are their own. */
function originalTopic(topic: string, group: string): string {
  const prefix = RETRY_PREFIX + group;
  const isRetry = topic.startsWith(`${prefix}_`) || topic.startsWith(`${prefix}+`);
  return isRetry ? topic.slice(prefix.length + 1) : topic;
}
