/**
 * What a producer and a consumer saw while parts of a cluster were disturbed, from the lines that `PacedProducer.java` and
 * `NumberedConsumer.java` write: one for each send, one for each message that was given to the consumer.
 *
 * A send that returned counts as acknowledged whatever its status: RocketMQ's statuses other than SEND_OK say that the master
 * has the message and something more was not reached in time.
 *
 * @module
 */

/** One send. */
export interface Send {
  readonly number: number;
  readonly startMs: number;
  readonly endMs: number;
  /** A send status, or the name of an exception. */
  readonly outcome: string;
}

/** One delivery of a message. */
export interface Receipt {
  readonly number: number;
  readonly atMs: number;
}

/** Everything that both wrote. */
export interface ClientRecord {
  readonly sends: readonly Send[];
  readonly receipts: readonly Receipt[];
}

/** A stretch of time, in milliseconds since 1970. */
export interface Period {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What clients saw in a period. */
export interface Seen {
  /** Sends that were over in the period. */
  readonly sends: number;
  /** Sends that ended with an exception, by its name. */
  readonly failed: ReadonlyMap<string, number>;
  /** Sends that returned with another status than SEND_OK, by status. */
  readonly warned: ReadonlyMap<string, number>;
  /** Longest time in which no send returned. */
  readonly longestSendPauseMs: number;
  /** Longest single send that returned. */
  readonly slowestSendMs: number;
  /** Longest time in which no message was given to the consumer. */
  readonly longestReceivePauseMs: number;
  /** Deliveries in the period of messages that the consumer had been given before. */
  readonly duplicates: number;
  /** Messages acknowledged in the period that the consumer was never given. */
  readonly missing: number;
}

const STATUSES: ReadonlySet<string> = new Set(["FLUSH_DISK_TIMEOUT", "FLUSH_SLAVE_TIMEOUT", "SLAVE_NOT_AVAILABLE"]);

/** Reads both files' text; a last line without its end is left out. @throws {Error} for a line of another shape. */
export function parseClientRecord(sends: string, receipts: string): ClientRecord {
  return {
    sends: lines(sends, 4).map(([number, startMs, endMs, outcome]) => ({
      number: Number(number),
      startMs: Number(startMs),
      endMs: Number(endMs),
      outcome: outcome!,
    })),
    receipts: lines(receipts, 2).map(([number, atMs]) => ({ number: Number(number), atMs: Number(atMs) })),
  };
}

/** Whether the producer was told that its message is there. */
export function isAcknowledged({ outcome }: Send): boolean {
  return outcome === "SEND_OK" || STATUSES.has(outcome);
}

/** What clients saw in each period. */
export function whatClientsSaw(record: ClientRecord, periods: readonly Period[]): Seen[] {
  const given = new Set<number>();
  const repeats = record.receipts.toSorted((a, b) => a.atMs - b.atMs)
    .filter(({ number }) => given.has(number) || !given.add(number));
  return periods.map((period) => {
    const isIn = (ms: number) => ms >= period.fromMs && ms < period.toMs;
    const sends = record.sends.filter(({ endMs }) => isIn(endMs));
    const acknowledged = sends.filter(isAcknowledged);
    return {
      sends: sends.length,
      failed: countBy(sends.filter((send) => !isAcknowledged(send))),
      warned: countBy(acknowledged.filter(({ outcome }) => outcome !== "SEND_OK")),
      longestSendPauseMs: longestGap(acknowledged.map(({ endMs }) => endMs), period),
      slowestSendMs: acknowledged.reduce((most, { startMs, endMs }) => Math.max(most, endMs - startMs), 0),
      longestReceivePauseMs: longestGap(record.receipts.map(({ atMs }) => atMs).filter(isIn), period),
      duplicates: repeats.filter(({ atMs }) => isIn(atMs)).length,
      missing: acknowledged.filter(({ number }) => !given.has(number)).length,
    };
  });
}

/** How many acknowledged messages the consumer was not given. */
export function missingCount({ sends, receipts }: ClientRecord): number {
  const given = new Set(receipts.map(({ number }) => number));
  return sends.filter((send) => isAcknowledged(send) && !given.has(send.number)).length;
}

function countBy(sends: readonly Send[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { outcome } of sends) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  return counts;
}

/** Longest time between two neighbours, the ends of the period among them. */
function longestGap(timesMs: readonly number[], { fromMs, toMs }: Period): number {
  const sorted = [fromMs, ...timesMs.toSorted((a, b) => a - b), toMs];
  return sorted.reduce((most, atMs, at) => Math.max(most, atMs - (sorted[at - 1] ?? atMs)), 0);
}

function lines(text: string, words: number): string[][] {
  const whole = text.slice(0, text.lastIndexOf("\n") + 1).split("\n").filter((line) => line !== "");
  return whole.map((line) => {
    const parts = line.split(" ");
    if (parts.length !== words) throw new Error(`Not a line of ${words} words: ${line}`);
    return parts;
  });
}
