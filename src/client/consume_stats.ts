/**
 * How fast a consumer pulls and consumes, by topic, for GET_CONSUMER_RUNNING_INFO.
 * Source: RocketMQ `ConsumerStatsManager`.
 *
 * @module
 */
import type { ConsumeStatus } from "../protocol/bodies/running_info.ts";

/** Sums over the recent past, in buckets. */
class RecentSum {
  readonly #bucketMs: number;
  readonly #sums: Float64Array;
  readonly #counts: Float64Array;
  #newest = 0;

  constructor(bucketMs: number, buckets: number) {
    this.#bucketMs = bucketMs;
    this.#sums = new Float64Array(buckets);
    this.#counts = new Float64Array(buckets);
  }

  add(value: number, nowMs: number): void {
    const at = this.#moveTo(nowMs);
    this.#sums[at]! += value;
    this.#counts[at]! += 1;
  }

  total(nowMs: number): { sum: number; count: number } {
    this.#moveTo(nowMs);
    return { sum: this.#sums.reduce((a, b) => a + b, 0), count: this.#counts.reduce((a, b) => a + b, 0) };
  }

  #moveTo(nowMs: number): number {
    const size = this.#sums.length;
    const bucket = Math.floor(nowMs / this.#bucketMs);
    if (bucket > this.#newest) {
      for (let i = Math.max(this.#newest + 1, bucket - size + 1); i <= bucket; i++) {
        this.#sums[i % size] = 0;
        this.#counts[i % size] = 0;
      }
      this.#newest = bucket;
    }
    return this.#newest % size;
  }
}

class TopicStats {
  readonly pulled = new RecentSum(10_000, 6);
  readonly pullMs = new RecentSum(10_000, 6);
  readonly consumed = new RecentSum(10_000, 6);
  readonly consumeMs = new RecentSum(10_000, 6);
  readonly failed = new RecentSum(10_000, 6);
  readonly failedInHour = new RecentSum(60_000, 60);
}

/** Counts; times are milliseconds, now in milliseconds since the epoch. */
export class ConsumeStats {
  readonly #topics = new Map<string, TopicStats>();

  /** A pull took `ms` and brought `count` messages. */
  pulled(topic: string, count: number, ms: number, nowMs: number): void {
    const stats = this.#of(topic);
    stats.pulled.add(count, nowMs);
    stats.pullMs.add(ms, nowMs);
  }

  /** A listener took `ms` for `count` messages, of which `failed` failed. */
  consumed(topic: string, count: number, failed: number, ms: number, nowMs: number): void {
    const stats = this.#of(topic);
    stats.consumeMs.add(ms, nowMs);
    if (count > failed) stats.consumed.add(count - failed, nowMs);
    if (failed === 0) return;
    stats.failed.add(failed, nowMs);
    stats.failedInHour.add(failed, nowMs);
  }

  /** What is known of a topic. */
  status(topic: string, nowMs: number): ConsumeStatus {
    const stats = this.#of(topic);
    const mean = ({ sum, count }: { sum: number; count: number }) => count === 0 ? 0 : sum / count;
    return {
      consumeFailedMsgs: stats.failedInHour.total(nowMs).sum,
      consumeFailedTPS: stats.failed.total(nowMs).sum / 60,
      consumeOKTPS: stats.consumed.total(nowMs).sum / 60,
      consumeRT: mean(stats.consumeMs.total(nowMs)),
      pullRT: mean(stats.pullMs.total(nowMs)),
      pullTPS: stats.pulled.total(nowMs).sum / 60,
    };
  }

  #of(topic: string): TopicStats {
    let stats = this.#topics.get(topic);
    if (stats === undefined) this.#topics.set(topic, stats = new TopicStats());
    return stats;
  }
}
