/**
 * What the failover check knows at the end: acknowledgements with their times and the broker that stored each message, and
 * the epochs with the offsets at which they began.
 *
 * @module
 */
import type { MessagePlace } from "./accounting.ts";

/** An acknowledged message. Times are milliseconds of the producer's clock. */
export interface Acknowledged extends MessagePlace {
  readonly sentMs: number;
  readonly ackedMs: number;
  /** `host:port` of the broker that stored it. */
  readonly storedBy: string;
  /** Where it lies in the log of all replicas. */
  readonly physicalOffset: number;
}

/** A leader's term. */
export interface Term {
  readonly epoch: number;
  /** `host:port` of the leader. */
  readonly leader: string;
  readonly startOffset: number;
}

/** Reads lines `msgId queueId queueOffset sentMs ackedMs offsetMsgId`; one without its end is left out. */
export function parseAcknowledged(text: string): Acknowledged[] {
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  return whole.split("\n").filter((line) => line !== "").map((line) => {
    const [msgId = "", queueId, queueOffset, sentMs, ackedMs, place = ""] = line.split(" ");
    if (!/^[0-9A-F]{32}$/.test(place)) throw new Error(`Not an acknowledgement: ${line}`);
    const bytes = [0, 2, 4, 6].map((at) => parseInt(place.slice(at, at + 2), 16));
    return {
      msgId,
      queueId: Number(queueId),
      queueOffset: Number(queueOffset),
      sentMs: Number(sentMs),
      ackedMs: Number(ackedMs),
      storedBy: `${bytes.join(".")}:${parseInt(place.slice(8, 16), 16)}`,
      physicalOffset: parseInt(place.slice(16), 16),
    };
  });
}

/** Messages that a broker acknowledged at offsets of another one's term: two led at once. */
export function outsideTheirTerm(acknowledged: readonly Acknowledged[], terms: readonly Term[]): Acknowledged[] {
  const sorted = [...terms].sort((a, b) => a.epoch - b.epoch);
  return acknowledged.filter(({ physicalOffset, storedBy }) =>
    sorted.findLast(({ startOffset }) => startOffset <= physicalOffset)?.leader !== storedBy
  );
}

/**
 * Pairs of acknowledgements that contradict one log: the later message was sent after the earlier one was acknowledged, and
 * lies before it.
 */
export function outOfOrder(acknowledged: readonly Acknowledged[]): [earlier: Acknowledged, later: Acknowledged][] {
  const byAck = [...acknowledged].sort((a, b) => a.ackedMs - b.ackedMs);
  const bySent = [...acknowledged].sort((a, b) => a.sentMs - b.sentMs);
  const found: [Acknowledged, Acknowledged][] = [];
  let furthest: Acknowledged | null = null;
  let at = 0;
  for (const later of bySent) {
    for (; at < byAck.length && byAck[at]!.ackedMs < later.sentMs; at++) {
      if (furthest === null || byAck[at]!.physicalOffset > furthest.physicalOffset) furthest = byAck[at]!;
    }
    if (furthest !== null && furthest.physicalOffset > later.physicalOffset) found.push([furthest, later]);
  }
  return found;
}

/** The longest time without an acknowledgement in a window, in milliseconds. */
export function longestGapMs(acknowledged: readonly Acknowledged[], fromMs: number, toMs: number): number {
  const times = acknowledged.map(({ ackedMs }) => ackedMs).filter((each) => each >= fromMs && each <= toMs);
  const all = [fromMs, ...times.sort((a, b) => a - b), toMs];
  return Math.max(...all.slice(1).map((each, i) => each - all[i]!));
}
