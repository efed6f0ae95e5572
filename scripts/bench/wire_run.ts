/**
 * Counts and times of a generator's whole run, shared by its connections. Latencies go into buckets and not into a list: a
 * list that grows would pause the generator, and the pause would be taken for the broker's.
 *
 * @module
 */

/** What a run comes to: the line that the generator prints, as JSON. Rates are per second of the measured time. */
export interface WireResult {
  readonly requestsPerSecond: number;
  /** Messages that were acknowledged. */
  readonly sentPerSecond: number;
  /** Messages that were received. */
  readonly receivedPerSecond: number;
  /** Bytes of the answers that brought them. */
  readonly receivedBytesPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly maxUs: number;
  readonly failed: number;
  /** The first refusal, for messages; empty when there was none. */
  readonly failure: string;
  /** Longest time between two turns of a paced generator, which is its own doing or the machine's. */
  readonly stallMs: number;
  readonly elapsedMs: number;
}

/** Buckets of a power of two: each is within 1/64 of what it holds. */
const SUB_BUCKETS = 64;
const POWERS = 36;

/** Latencies in microseconds, each kept to 1.6 %. */
export class Latencies {
  readonly #counts = new Float64Array(POWERS * SUB_BUCKETS);
  #count = 0;
  #max = 0;

  /** Takes one in. Below a microsecond counts as 0. */
  add(us: number): void {
    this.#count++;
    if (us > this.#max) this.#max = us;
    this.#counts[bucketOf(us)]!++;
  }

  /** The latency that the given share stays within; 0 of none. */
  within(share: number): number {
    let left = Math.ceil(share * this.#count);
    if (left === 0) return 0;
    for (let bucket = 0; bucket < this.#counts.length; bucket++) {
      left -= this.#counts[bucket]!;
      if (left <= 0) return Math.min(this.#max, bucketEnd(bucket));
    }
    return this.#max;
  }

  /** The greatest of all, exactly. */
  get max(): number {
    return this.#max;
  }
}

function bucketOf(us: number): number {
  if (us < SUB_BUCKETS) return us < 0 ? 0 : Math.floor(us);
  const power = 31 - Math.clz32(us); // Below 2^31 µs: 35 minutes.
  return (power - 5) * SUB_BUCKETS + Math.floor(us / 2 ** (power - 6)) - SUB_BUCKETS;
}

function bucketEnd(bucket: number): number {
  const row = Math.floor(bucket / SUB_BUCKETS);
  return row === 0 ? bucket + 1 : (bucket % SUB_BUCKETS + SUB_BUCKETS + 1) * 2 ** (row - 1);
}

/** The run. */
export class Run {
  readonly #messagesMax: number;
  readonly #seconds: number;
  #deadlineMs = Infinity;
  #startMs = performance.now();
  readonly latencies = new Latencies();
  sent = 0;
  received = 0;
  receivedBytes = 0;
  requests = 0;
  failed = 0;
  failure = "";
  stallMs = 0;
  /** When the last message came that counts. */
  #lastMs = this.#startMs;
  #numbers = 0;

  /** Ends after so many messages or seconds, whichever comes first. */
  constructor(limits: { readonly messages: number; readonly seconds: number }) {
    this.#messagesMax = limits.messages;
    this.#seconds = limits.seconds;
  }

  /** The time begins: everybody is connected. */
  begin(): void {
    this.#startMs = performance.now();
    this.#deadlineMs = this.#startMs + this.#seconds * 1000;
  }

  /** Whether nothing is to be asked any more. */
  isOver(nowMs: number): boolean {
    return nowMs > this.#deadlineMs || Math.max(this.sent, this.received) >= this.#messagesMax;
  }

  /** Numbers `count` messages, from 1: the first one's number. */
  takeNumbers(count: number): number {
    const first = this.#numbers + 1;
    this.#numbers += count;
    return first;
  }

  /** A request was answered. */
  answered(nowMs: number): void {
    this.requests++;
    this.#lastMs = nowMs;
  }

  /** A request was refused, or never answered. */
  fail(what: string, count = 1): void {
    this.failed += count;
    if (this.failure === "") this.failure = what;
  }

  /** What it came to. */
  result(): WireResult {
    const elapsedMs = Math.max(1, this.#lastMs - this.#startMs);
    const perSecond = (count: number) => Math.round(count * 1000 / elapsedMs);
    const at = (share: number) => Math.round(this.latencies.within(share));
    return {
      requestsPerSecond: perSecond(this.requests),
      sentPerSecond: perSecond(this.sent),
      receivedPerSecond: perSecond(this.received),
      receivedBytesPerSecond: perSecond(this.receivedBytes),
      p50Us: at(0.5),
      p99Us: at(0.99),
      p999Us: at(0.999),
      maxUs: Math.round(this.latencies.max),
      failed: this.failed,
      failure: this.failure,
      stallMs: Math.round(this.stallMs),
      elapsedMs: Math.round(elapsedMs),
    };
  }
}
