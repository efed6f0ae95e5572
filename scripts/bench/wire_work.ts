/**
 * What the raw-frame generator's connections do: send, send batches, end transactions, pull.
 *
 * @module
 */
import type { Next, Outgoing, Work } from "./wire_connection.ts";
import {
  countRecords,
  encodeRequest,
  END_TRANSACTION,
  FIRST_OPAQUE,
  type HeaderEncoding,
  PULL_MESSAGE,
  PULL_NOT_FOUND,
  PULL_OFFSET_MOVED,
  PULL_RETRY_IMMEDIATELY,
  pullFields,
  type Reply,
  replyFields,
  SendTemplate,
} from "./wire_frames.ts";
import type { Run } from "./wire_run.ts";

/** Sends messages, one or a batch with each request. */
export class SendWork implements Work {
  readonly isTimed = true;
  readonly #run: Run;
  readonly #template: SendTemplate;

  /** Several connections may share `template`. */
  constructor(run: Run, template: SendTemplate) {
    this.#run = run;
    this.#template = template;
  }

  /** @inheritdoc */
  ask(slot: number, out: Outgoing): void {
    const template = this.#template;
    out.reserve(template.size);
    template.write(out, FIRST_OPAQUE + slot, this.#run.takeNumbers(template.messages));
  }

  /** @inheritdoc */
  take(_slot: number, reply: Reply): Next {
    if (reply.code === 0) this.#run.sent += this.#template.messages;
    else this.#run.fail(`a send was refused: ${refusalText(reply)}`);
    return "ask";
  }
}

/** Sends half messages and commits each: a message counts when its commit is acknowledged. */
export class TransactionWork implements Work {
  readonly isTimed = true;
  readonly #run: Run;
  readonly #template: SendTemplate;
  readonly #encoding: HeaderEncoding;
  /** The commit that each slot sends next, or null when the half message is next. */
  readonly #commits: ((readonly (readonly [string, string])[]) | null)[];

  /** @param window slots of the connection. */
  constructor(run: Run, template: SendTemplate, window: number) {
    this.#run = run;
    this.#template = template;
    this.#encoding = template.encoding;
    this.#commits = new Array(window).fill(null);
  }

  /** @inheritdoc */
  ask(slot: number, out: Outgoing): void {
    const fields = this.#commits[slot] ?? null;
    const opaque = FIRST_OPAQUE + slot;
    if (fields !== null) return out.append(encodeRequest(this.#encoding, { code: END_TRANSACTION, opaque, fields }));
    out.reserve(this.#template.size);
    this.#template.write(out, opaque, this.#run.takeNumbers(1));
  }

  /** @inheritdoc */
  take(slot: number, reply: Reply): Next {
    const wasCommit = (this.#commits[slot] ?? null) !== null;
    this.#commits[slot] = null;
    if (reply.code !== 0) this.#run.fail(`a ${wasCommit ? "commit" : "half"} was refused: ${refusalText(reply)}`);
    else if (wasCommit) this.#run.sent++;
    else this.#commits[slot] = commitFields(replyFields(reply));
    return "ask";
  }
}

const COMMIT_TYPE = 8;

function commitFields(half: ReadonlyMap<string, string>): readonly (readonly [string, string])[] {
  const msgId = half.get("msgId") ?? "";
  return [
    ["producerGroup", "wireload"],
    ["tranStateTableOffset", half.get("queueOffset") ?? ""],
    ["commitLogOffset", String(Number(`0x${msgId.slice(-16)}`))],
    ["commitOrRollback", String(COMMIT_TYPE)],
    ["fromTransactionCheck", "false"],
    ["msgId", half.get("transactionId") ?? msgId],
    ["transactionId", half.get("transactionId") ?? msgId],
  ];
}

/** What a stream of pulls has in common. */
export interface PullShape {
  readonly encoding: HeaderEncoding;
  readonly topic: string;
  readonly queues: number;
  /** Messages at most in an answer. */
  readonly batch: number;
  /** Groups that ask in turn; `wireload` when there is one. */
  readonly groups: number;
  /** Begins with what comes next, and waits for it at the broker; else from offset 0. */
  readonly follow: boolean;
  /** Begins again where the queue ends. */
  readonly loop: boolean;
}

/** Beyond every queue's end: the answer tells where that is. */
const BEYOND = 2 ** 40;
const HOLD_MS = 1000;

/** Pulls queue by queue; the slots of all connections share the queues between them. */
export class PullWork implements Work {
  readonly isTimed: boolean;
  readonly #run: Run;
  readonly #shape: PullShape;
  readonly #firstQueue: number;
  readonly #offsets: number[];
  #asked = 0;

  /** @param firstQueue queue of slot 0; the next slots have those that follow. */
  constructor(run: Run, shape: PullShape, firstQueue: number) {
    this.isTimed = !shape.follow;
    this.#run = run;
    this.#shape = shape;
    this.#firstQueue = firstQueue;
    this.#offsets = new Array<number>(shape.queues).fill(shape.follow ? BEYOND : 0);
  }

  /** @inheritdoc */
  ask(slot: number, out: Outgoing): void {
    const { encoding, topic, batch, groups, follow } = this.#shape;
    const queueId = this.#queueOf(slot);
    const fields = pullFields({
      group: groups === 1 ? "wireload" : `wireload-${this.#asked++ % groups}`,
      topic,
      queueId,
      queueOffset: this.#offsets[queueId]!,
      maxMessages: batch,
      holdMs: follow ? HOLD_MS : 0,
      commits: groups > 1,
    });
    out.append(encodeRequest(encoding, { code: PULL_MESSAGE, opaque: FIRST_OPAQUE + slot, fields }));
  }

  /** @inheritdoc */
  take(slot: number, reply: Reply): Next {
    const queueId = this.#queueOf(slot);
    if (reply.code === 0) {
      this.#offsets[queueId] = Number(replyFields(reply).get("nextBeginOffset"));
      this.#run.received += countRecords(reply);
      this.#run.receivedBytes += reply.end - reply.bodyAt;
      return "ask";
    }
    if (reply.code === PULL_RETRY_IMMEDIATELY) return "ask";
    if (reply.code === PULL_OFFSET_MOVED || reply.code === PULL_NOT_FOUND) return this.#atEnd(queueId, reply);
    this.#run.fail(`a pull was refused: ${refusalText(reply)}`);
    return "rest";
  }

  #atEnd(queueId: number, reply: Reply): Next {
    const { follow, loop } = this.#shape;
    if (!follow && !loop) return "rest";
    if (follow) this.#offsets[queueId] = Number(replyFields(reply).get("nextBeginOffset"));
    else this.#offsets[queueId] = 0;
    return "ask";
  }

  #queueOf(slot: number): number {
    return (this.#firstQueue + slot) % this.#shape.queues;
  }
}

function refusalText(reply: Reply): string {
  return `code ${reply.code} ${new TextDecoder().decode(reply.bytes.subarray(reply.at + 8, reply.bodyAt))}`;
}
