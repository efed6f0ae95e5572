/**
 * A consumer without messages: a heartbeat when it begins, and pulls that the broker holds for a quarter of a minute each, as Java's do.
 *
 * @module
 */
import type { Next, Outgoing, Work } from "./wire_connection.ts";
import {
  encodeRequest,
  FIRST_OPAQUE,
  type HeaderEncoding,
  HEART_BEAT,
  heartbeatBody,
  PULL_MESSAGE,
  PULL_NOT_FOUND,
  PULL_OFFSET_MOVED,
  pullFields,
  type Reply,
  replyFields,
} from "./wire_frames.ts";
import type { Run } from "./wire_run.ts";

/** Java's consumers ask to be held for so long. */
const HOLD_MS = 15_000;
/** A pull beyond the end is told where the end is. */
const BEYOND = 2 ** 40;

/** What a waiting consumer is. */
export interface HoldShape {
  readonly encoding: HeaderEncoding;
  readonly topic: string;
  readonly queues: number;
  readonly clientId: string;
}

/** The first slot sends a heartbeat, then each slot pulls a queue. */
export class HoldWork implements Work {
  readonly isTimed = false;
  readonly #run: Run;
  readonly #shape: HoldShape;
  readonly #offsets: number[];
  #beats = 0;

  /** Slot n pulls queue n; those of more than there are queues share them. */
  constructor(run: Run, shape: HoldShape) {
    this.#run = run;
    this.#shape = shape;
    this.#offsets = new Array<number>(shape.queues).fill(BEYOND);
  }

  /** @inheritdoc */
  ask(slot: number, out: Outgoing): void {
    const { encoding, topic, queues, clientId } = this.#shape;
    const opaque = FIRST_OPAQUE + slot;
    const group = "wireload-hold";
    if (slot === 0 && this.#beats++ === 0) {
      const body = heartbeatBody({ clientId, group, topic });
      out.append(encodeRequest(encoding, { code: HEART_BEAT, opaque, fields: [], body }));
      return;
    }
    const queueId = slot % queues;
    const queueOffset = this.#offsets[queueId]!;
    const pull = { group, topic, queueId, queueOffset, maxMessages: 32, holdMs: HOLD_MS, commits: false };
    out.append(encodeRequest(encoding, { code: PULL_MESSAGE, opaque, fields: pullFields(pull) }));
  }

  /** @inheritdoc */
  take(slot: number, reply: Reply): Next {
    const next = replyFields(reply).get("nextBeginOffset");
    if (next !== undefined) this.#offsets[slot % this.#shape.queues] = Number(next);
    if (reply.code !== 0 && reply.code !== PULL_NOT_FOUND && reply.code !== PULL_OFFSET_MOVED) {
      this.#run.fail(`a waiting consumer was refused: code ${reply.code}`);
    }
    return "ask";
  }
}
