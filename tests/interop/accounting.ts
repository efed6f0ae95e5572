/**
 * Compares what a producer was promised with what a broker has: the judge of the checks that kill brokers.
 *
 * A list of messages is text with one line `msgId queueId queueOffset` for each, as our Java programs write it.
 *
 * @module
 */

/** One message where a list says it is. */
export interface MessagePlace {
  readonly msgId: string;
  readonly queueId: number;
  readonly queueOffset: number;
}

/** What is wrong, each as a sentence about its first few messages; empty when all is well. */
export type Findings = readonly string[];

const SHOWN = 3;

/**
 * Reads a list of messages. A last line without its end is left out: its writer was still at it.
 *
 * @throws {Error} for a line that is not three words with numbers at the second and third place.
 */
export function parsePlaces(text: string): MessagePlace[] {
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  return whole.split("\n").filter((line) => line !== "").map(parsePlace);
}

/**
 * Checks a broker's promise after its crashes: every acknowledged message is stored at the queue and the offset that
 * the acknowledgement named, once, and no two messages share an offset. Messages that were stored without an
 * acknowledgement are no fault: their producer got an error and knows nothing.
 */
export function auditStored(acknowledged: readonly MessagePlace[], stored: readonly MessagePlace[]): Findings {
  const places = new Map<string, MessagePlace[]>();
  const taken = new Map<string, MessagePlace>();
  const sharedOffsets: string[] = [];
  for (const message of stored) {
    listOf(places, message.msgId).push(message);
    const other = taken.get(placeKey(message));
    if (other !== undefined) sharedOffsets.push(`${placeKey(message)} holds ${other.msgId} and ${message.msgId}`);
    taken.set(placeKey(message), message);
  }
  const doubledAcks = repeated(acknowledged.map(placeKey));
  const missing = acknowledged.filter((message) => !places.has(message.msgId));
  const twice = acknowledged.filter((message) => (places.get(message.msgId)?.length ?? 0) > 1);
  const moved = acknowledged.filter((message) => {
    const found = places.get(message.msgId);
    return found !== undefined && !found.some((place) => placeKey(place) === placeKey(message));
  });
  return [
    ...finding("acknowledged and missing", missing.map(describe)),
    ...finding("stored twice", twice.map(describe)),
    ...finding("stored at another place than acknowledged", moved.map(describe)),
    ...finding("offsets given to two messages", sharedOffsets),
    ...finding("offsets acknowledged to two producers", doubledAcks),
    ...finding("gaps between the offsets of a queue", gaps(stored)),
  ];
}

/** Checks that a consumer was given every acknowledged message. Being given one again after a crash is no fault. */
export function auditConsumed(acknowledged: readonly MessagePlace[], consumed: readonly MessagePlace[]): Findings {
  const seen = new Set(consumed.map((message) => message.msgId));
  return finding("acknowledged and not consumed", acknowledged.filter(({ msgId }) => !seen.has(msgId)).map(describe));
}

/** The items that occur more than once. */
export function repeated(items: readonly string[]): string[] {
  const seen = new Set<string>();
  return items.filter((item) => seen.has(item) || !seen.add(item));
}

function gaps(stored: readonly MessagePlace[]): string[] {
  const offsets = new Map<number, number[]>();
  for (const { queueId, queueOffset } of stored) listOf(offsets, queueId).push(queueOffset);
  const found: string[] = [];
  for (const [queueId, list] of offsets) {
    list.sort((a, b) => a - b);
    list.forEach((offset, index) => {
      const previous = list[index - 1];
      if (previous !== undefined && offset > previous + 1) found.push(`queue ${queueId} from ${previous} to ${offset}`);
    });
  }
  return found;
}

function listOf<K, V>(lists: Map<K, V[]>, key: K): V[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
}

function parsePlace(line: string): MessagePlace {
  const [msgId, queueId, queueOffset] = line.split(" ");
  const place = { msgId: msgId ?? "", queueId: Number(queueId), queueOffset: Number(queueOffset) };
  if (place.msgId === "" || !Number.isInteger(place.queueId) || !Number.isInteger(place.queueOffset)) {
    throw new Error(`Not a line "msgId queueId queueOffset": ${line}`);
  }
  return place;
}

function placeKey(message: MessagePlace): string {
  return `queue ${message.queueId} offset ${message.queueOffset}`;
}

function describe(message: MessagePlace): string {
  return `${message.msgId} (${placeKey(message)})`;
}

function finding(what: string, items: readonly string[]): string[] {
  if (items.length === 0) return [];
  return [`${items.length} ${what}: ${items.slice(0, SHOWN).join(", ")}${items.length > SHOWN ? " …" : ""}`];
}
