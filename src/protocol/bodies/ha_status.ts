/**
 * How replication stands: the answer to GET_BROKER_HA_STATUS (907). A master tells of its slaves, a slave of its master.
 * Source: RocketMQ `HARuntimeInfo`.
 *
 * @module
 */
import { utf8 } from "../../common/bytes.ts";
import { type JsonObject, stringifyJson } from "../json.ts";
import {
  boolMember,
  intMember,
  isObject,
  listMember,
  objectMember,
  optionalTextMember,
  readBody,
  textMember,
} from "../json_members.ts";

/** What a slave knows; times in milliseconds since the epoch, offsets in bytes. */
export interface HaClientStatus {
  /** `host:port` that it follows; absent when it follows nobody. */
  readonly masterAddr?: string | null;
  readonly lastReadTimestamp: number;
  readonly lastWriteTimestamp: number;
  readonly masterFlushOffset: number;
  readonly maxOffset: number;
  readonly transferredByteInSecond: number;
}

/** What a master knows of a slave. */
export interface HaConnectionStatus {
  /** `host:port` of the slave's end. */
  readonly addr: string;
  /** Bytes that the slave is behind. */
  readonly diff: number;
  readonly inSync: boolean;
  readonly slaveAckOffset: number;
  /** Where the next bytes to be sent begin. */
  readonly transferFromWhere: number;
  readonly transferredByteInSecond: number;
}

/** The whole answer. */
export interface HaStatus {
  readonly haClientRuntimeInfo: HaClientStatus;
  readonly haConnectionInfo: readonly HaConnectionStatus[];
  readonly inSyncSlaveNums: number;
  readonly master: boolean;
  readonly masterCommitLogMaxOffset: number;
}

/** What a broker says that follows nobody. */
export const NO_HA_CLIENT: HaClientStatus = Object.freeze({
  lastReadTimestamp: 0,
  lastWriteTimestamp: 0,
  masterFlushOffset: 0,
  maxOffset: 0,
  transferredByteInSecond: 0,
});

/** Writes the answer. */
export function encodeHaStatus(status: HaStatus): Uint8Array {
  return utf8(stringifyJson(status));
}

/** Reads the answer. @throws {JsonError} */
export function decodeHaStatus(body: Uint8Array): HaStatus {
  const object = readBody(body);
  return {
    haClientRuntimeInfo: readClient(objectMember(object, "haClientRuntimeInfo")),
    haConnectionInfo: listMember(object, "haConnectionInfo").filter(isObject).map(readConnection),
    inSyncSlaveNums: intMember(object, "inSyncSlaveNums"),
    master: boolMember(object, "master"),
    masterCommitLogMaxOffset: intMember(object, "masterCommitLogMaxOffset"),
  };
}

function readClient(object: JsonObject): HaClientStatus {
  return {
    masterAddr: optionalTextMember(object, "masterAddr"),
    lastReadTimestamp: intMember(object, "lastReadTimestamp"),
    lastWriteTimestamp: intMember(object, "lastWriteTimestamp"),
    masterFlushOffset: intMember(object, "masterFlushOffset"),
    maxOffset: intMember(object, "maxOffset"),
    transferredByteInSecond: intMember(object, "transferredByteInSecond"),
  };
}

function readConnection(object: JsonObject): HaConnectionStatus {
  return {
    addr: textMember(object, "addr"),
    diff: intMember(object, "diff"),
    inSync: boolMember(object, "inSync"),
    slaveAckOffset: intMember(object, "slaveAckOffset"),
    transferFromWhere: intMember(object, "transferFromWhere"),
    transferredByteInSecond: intMember(object, "transferredByteInSecond"),
  };
}
