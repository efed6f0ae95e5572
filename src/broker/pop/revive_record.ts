/**
 * Records of the revive log, in the form in which RocketMQ's brokers write them: a checkpoint (tag `ck`), an acknowledgement
 * (`ack`), several of one checkpoint (`bAck`). A broker that replaces another one can go on from its log in either direction.
 *
 * ```text
 * ck    {"bm":0,"bn":broker,"c":group,"d":[offset − so,…],"it":invisibleMs,"n":count,"pt":popTimeMs,"q":queueId,"ro":0,"so":start,"t":topic}
 * ack   {"ao":offset,"bn":broker,"c":group,"pt":popTimeMs,"q":queueId,"so":start,"t":topic}
 * bAck  {"ao":-1,"aol":[offset,…], … as ack}
 * ```
 *
 * In `bm` a broker may have marked bits of what was acknowledged already; `d` is missing in old records, which then mean
 * `n` offsets in a row.
 *
 * Source: RocketMQ `PopCheckPoint`, `AckMsg`, `BatchAckMsg`, `PopAckConstants`.
 *
 * @module
 */
import { utf8, utf8Text } from "../../common/bytes.ts";
import { JsonError, parseJsonObject, stringifyJson } from "../../protocol/json.ts";
import { intMember, intOf, listMember, textMember } from "../../protocol/json_members.ts";
import { Property } from "../../protocol/message.ts";
import type { StoredMessage } from "../stored_message.ts";
import type { CheckpointFields, PopQueueKey } from "./in_flight.ts";

const CHECKPOINT_TAG = "ck";
const ACK_TAG = "ack";
const BATCH_ACK_TAG = "bAck";
/** Between the parts of a record's unique key. */
const SPLIT = "@";

/** Acknowledges messages of one checkpoint. */
export interface ReviveAck {
  readonly queue: PopQueueKey;
  readonly startOffset: number;
  readonly popTimeMs: number;
  readonly offsets: readonly number[];
}

/** What a record says. */
export type ReviveRecord =
  | { readonly kind: "checkpoint"; readonly checkpoint: CheckpointFields }
  | { readonly kind: "ack"; readonly ack: ReviveAck };

/** Body and properties of a record. */
export interface ReviveMessage {
  readonly body: Uint8Array;
  readonly properties: Map<string, string>;
}

/** The record of a checkpoint: of what is left of it. */
export function checkpointMessage(checkpoint: CheckpointFields, brokerName: string): ReviveMessage {
  const { queue: { group, topic, queueId }, startOffset, popTimeMs, invisibleTimeMs, offsets } = checkpoint;
  const body = {
    bm: 0,
    bn: brokerName,
    c: group,
    d: offsets.map((offset) => offset - startOffset),
    it: invisibleTimeMs,
    n: offsets.length,
    pt: popTimeMs,
    q: queueId,
    ro: 0,
    so: startOffset,
    t: topic,
  };
  return message(body, CHECKPOINT_TAG, [topic, queueId, startOffset, group, popTimeMs, brokerName, CHECKPOINT_TAG]);
}

/** The record of acknowledgements. */
export function ackMessage(ack: ReviveAck, brokerName: string): ReviveMessage {
  const { queue: { group, topic, queueId }, startOffset, popTimeMs, offsets } = ack;
  const common = { bn: brokerName, c: group, pt: popTimeMs, q: queueId, so: startOffset, t: topic };
  if (offsets.length === 1) {
    const [offset] = offsets;
    const key = [topic, queueId, offset!, group, popTimeMs, brokerName, ACK_TAG];
    return message({ ao: offset, ...common }, ACK_TAG, key);
  }
  const key = [topic, queueId, `[${offsets.join(", ")}]`, group, popTimeMs, BATCH_ACK_TAG];
  return message({ ao: -1, aol: offsets, ...common }, BATCH_ACK_TAG, key);
}

function message(body: Record<string, unknown>, tag: string, key: readonly (string | number)[]): ReviveMessage {
  return {
    body: utf8(stringifyJson(body)),
    properties: new Map([[Property.TAGS, tag], [Property.UNIQ_KEY, key.join(SPLIT)]]),
  };
}

/** Reads a record; null when it is none. */
export function readReviveRecord(stored: Pick<StoredMessage, "body" | "properties">): ReviveRecord | null {
  try {
    const tag = stored.properties.get(Property.TAGS);
    if (tag === CHECKPOINT_TAG) return { kind: "checkpoint", checkpoint: readCheckpoint(stored.body) };
    if (tag === ACK_TAG || tag === BATCH_ACK_TAG) return { kind: "ack", ack: readAck(stored.body) };
    return null;
  } catch (error) {
    if (error instanceof JsonError) return null;
    throw error;
  }
}

function readCheckpoint(body: Uint8Array): CheckpointFields {
  const json = parseJsonObject(utf8Text(body));
  const startOffset = intMember(json, "so");
  const acked = intMember(json, "bm");
  const differences = listMember(json, "d").map((value) => intOf(value));
  const count = intMember(json, "n");
  const all = differences.length > 0 ? differences : Array.from({ length: count }, (_, i) => i);
  return {
    queue: { group: textMember(json, "c"), topic: textMember(json, "t"), queueId: intMember(json, "q") },
    startOffset,
    popTimeMs: intMember(json, "pt"),
    invisibleTimeMs: intMember(json, "it"),
    offsets: all.filter((_, i) => (acked & (1 << i)) === 0).map((difference) => startOffset + difference),
  };
}

function readAck(body: Uint8Array): ReviveAck {
  const json = parseJsonObject(utf8Text(body));
  const list = listMember(json, "aol").map((value) => intOf(value));
  return {
    queue: { group: textMember(json, "c"), topic: textMember(json, "t"), queueId: intMember(json, "q") },
    startOffset: intMember(json, "so"),
    popTimeMs: intMember(json, "pt"),
    offsets: list.length > 0 ? list : [intMember(json, "ao")],
  };
}
