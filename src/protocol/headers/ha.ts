/**
 * Headers of what masters and slaves say to each other over the remoting port.
 *
 * Ours extends EXCHANGE_BROKER_HA_INFO by fields that RocketMQ ignores: a slave says who it is and which HA connection is
 * its own, and asks for checksums of stretches of the master's log; an answer without `replica` comes from RocketMQ. Replicas of
 * an elected leader add their number and epochs. Fields may be added: whoever does not know them goes on without.
 *
 * Source: RocketMQ `ExchangeHAInfoRequestHeader`, `ExchangeHAInfoResponseHeader`, `ResetMasterFlushOffsetHeader`.
 *
 * @module
 */
import { header, type HeaderOf } from "../header.ts";

/** EXCHANGE_BROKER_HA_INFO (906); without fields it only asks. */
export const EXCHANGE_HA_INFO_REQUEST = header({
  /** A master tells a slave its addresses. */
  masterHaAddress: "string",
  masterFlushOffset: "long",
  masterAddress: "string",
  /** Ours: version of what follows, 1. */
  replica: "int",
  clusterName: "string",
  brokerName: "string",
  brokerId: "long",
  /** `host:port` of the slave's end of its HA connection. */
  haClientAddress: "string",
  /** Stretches, `offset:size` separated by `,`. */
  stretches: "string",
  /** Of a replica that follows an elected leader: its number, the newest epoch that it has seen, where it is reached. */
  replicaId: "int",
  epoch: "long",
  replicaAddress: "string",
  /** Of a replica: what the authority says that only this one knows. */
  replicaKey: "string",
  /** The leader of this epoch, `replicaId`, asks a follower not to stand for election for a while. */
  grantEpoch: "long",
  /** The leader of this epoch, `replicaId`, has a follower copy its tables now: it is about to hand over. */
  copyEpoch: "long",
  /** With `grantEpoch`: for how many milliseconds. */
  grantMs: "long",
});

/** The answer; RocketMQ's fields first. */
export const EXCHANGE_HA_INFO_RESPONSE = header({
  masterHaAddress: "string",
  masterFlushOffset: "long",
  masterAddress: "string",
  /** Ours: version of what follows, 1. */
  replica: "int",
  minOffset: "long",
  maxOffset: "long",
  fileSize: "long",
  /** The epoch that an elected leader leads. */
  epoch: "long",
  /** Whether a follower grants its leader time. */
  granted: "boolean",
  /** For each stretch its CRC-32 without sign, `-` for one that the log does not have. */
  checksums: "string",
});

/** The decoded answer. */
export type ExchangeHaInfoResponse = HeaderOf<typeof EXCHANGE_HA_INFO_RESPONSE>;

/** RESET_MASTER_FLUSH_OFFSET (908). */
export const RESET_MASTER_FLUSH_OFFSET_REQUEST = header({ masterFlushOffset: "long" });
