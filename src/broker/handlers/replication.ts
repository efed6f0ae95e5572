/**
 * What masters and slaves say to each other over the remoting port: EXCHANGE_BROKER_HA_INFO (906), with which a slave of ours
 * also says who it is and compares logs, and RESET_MASTER_FLUSH_OFFSET (908).
 * Source: RocketMQ `AdminBrokerProcessor#exchangeBrokerHaInfo`, `#resetMasterFlushOffset`.
 *
 * @module
 */
import { parseAddress } from "../../common/net.ts";
import { RequestCode } from "../../protocol/codes.ts";
import { type HeaderOf, readHeader, writeHeader } from "../../protocol/header.ts";
import { EXCHANGE_HA_INFO_REQUEST, RESET_MASTER_FLUSH_OFFSET_REQUEST } from "../../protocol/headers/ha.ts";
import { systemError } from "../../protocol/response_error.ts";
import type { GrantRequest } from "../../election/election.ts";
import { OK, type Reply } from "../../remoting/command.ts";
import type { Handler, HandlerTable, Request } from "../../remoting/handler.ts";
import { type Stretch, STRETCHES_MAX } from "../../store/ha_history.ts";
import type { MessageStore } from "../../store/store.ts";
import type { Replication } from "../replication.ts";

/** Version of our fields. */
const REPLICA_VERSION = 1;

/** What these handlers use. */
export interface ReplicationHandlerParts {
  readonly replication: Replication;
  readonly store: MessageStore;
  readonly clusterName: string;
  readonly brokerName: string;
  readonly brokerAddr: string;
}

/** Handlers of 906 and 908. */
export function replicationHandlers(parts: ReplicationHandlerParts): HandlerTable {
  return new Map<number, Handler>([
    [RequestCode.EXCHANGE_BROKER_HA_INFO, (request) => exchange(parts, request)],
    [RequestCode.RESET_MASTER_FLUSH_OFFSET, (request) => resetMasterFlushOffset(parts, request)],
  ]);
}

async function exchange(parts: ReplicationHandlerParts, { command }: Request): Promise<Reply> {
  const header = readHeader(EXCHANGE_HA_INFO_REQUEST, command.ext);
  const { replication, brokerAddr } = parts;
  const { master, slave, startOffset, haServerAddr, election } = replication;
  if (header.grantEpoch !== undefined) {
    return { ext: writeHeader({ granted: election?.grant(grantRequest(header, header.grantEpoch)) ?? false }) };
  }
  if (header.copyEpoch !== undefined) {
    const { replicaId: leader = 0, replicaKey: key } = header;
    if (!election?.isLeader({ epoch: header.copyEpoch, leader, key })) throw systemError("who asks is not our leader");
    if (!await replication.copyNow()) throw systemError("the consumer offsets cannot be copied, our log says why");
    return OK;
  }
  if (header.masterHaAddress !== undefined) {
    // Who leads is not for a peer to say where it is elected.
    if (slave !== null && election === null) {
      replication.setMaster(header.masterAddress || null, header.masterHaAddress || null);
      if (header.masterFlushOffset !== undefined) parts.store.masterFlushedOffset = header.masterFlushOffset;
    }
    return OK;
  }
  const isAsked = header.replica !== undefined;
  if (master === null) {
    if (isAsked) throw systemError("this broker is a slave, too");
    return OK;
  }
  const facts = { masterHaAddress: haServerAddr, masterFlushOffset: startOffset, masterAddress: brokerAddr };
  return { ext: writeHeader({ ...facts, ...(isAsked ? await introduce(parts, header) : {}) }) };
}

function grantRequest(header: HeaderOf<typeof EXCHANGE_HA_INFO_REQUEST>, epoch: number): GrantRequest {
  return { epoch, forMs: header.grantMs ?? Infinity, leader: header.replicaId ?? 0, key: header.replicaKey };
}

/** A slave of ours introduces itself. */
async function introduce(parts: ReplicationHandlerParts, header: HeaderOf<typeof EXCHANGE_HA_INFO_REQUEST>) {
  const { clusterName, brokerName, store, replication } = parts;
  if (header.clusterName !== clusterName || header.brokerName !== brokerName || !((header.brokerId ?? 0) > 0)) {
    throw systemError(
      `broker ${header.brokerName}-${header.brokerId} of cluster ${header.clusterName} is no slave of ${brokerName} of ` +
        `cluster ${clusterName}`,
    );
  }
  const { replicaLog } = store;
  const { election } = replication;
  const replicaId = header.replicaId ?? null;
  if (replicaId !== null) checkReplica(replication, replicaId, header);
  const stretches = readStretches(header.stretches ?? "");
  if (stretches.length === 0) {
    const end = parseAddress(header.haClientAddress ?? "");
    replication.introduced({ end, replicaId }, header.replicaAddress ?? "");
  }
  const checksums: (number | null)[] = [];
  for (const { offset, size } of stretches) checksums.push(await replicaLog.checksum(offset, size));
  return {
    replica: REPLICA_VERSION,
    minOffset: replicaLog.minOffset,
    maxOffset: replicaLog.endOffset,
    fileSize: replicaLog.fileSize,
    epoch: election?.epoch() ?? null,
    checksums: checksums.map((each) => each ?? "-").join(","),
  };
}

/**
 * A replica of a group follows the elected leader of the epoch that it knows, and nobody else. And nobody else may speak for it:
 * what is acknowledged in its name counts.
 */
function checkReplica(
  { election }: Replication,
  replicaId: number,
  header: HeaderOf<typeof EXCHANGE_HA_INFO_REQUEST>,
): void {
  if (election === null) throw systemError("this master was not elected: set haElection here as well, or nowhere");
  if (header.epoch !== election.epoch()) {
    throw systemError(`this replica leads epoch ${election.epoch()}, and epoch ${header.epoch} is looked for`);
  }
  if (replicaId === election.replicaId) {
    throw systemError(`haReplicaId=${replicaId} is this replica's own: give each replica a number of its own`);
  }
  if (!election.isReplica(replicaId, header.replicaKey)) {
    throw systemError(
      `who asks is not the replica ${replicaId} that the authority tells of, or we have not heard of it yet`,
    );
  }
}

function readStretches(text: string): Stretch[] {
  const stretches = text.split(",").filter((item) => item !== "").map((item) => {
    const [offset, size] = item.split(":").map(Number);
    return { offset: offset ?? NaN, size: size ?? NaN };
  });
  const isWrong = ({ offset, size }: Stretch) => !Number.isSafeInteger(offset) || !Number.isSafeInteger(size);
  if (stretches.length > STRETCHES_MAX || stretches.some(isWrong)) throw systemError(`cannot read stretches "${text}"`);
  return stretches;
}

function resetMasterFlushOffset({ replication, store }: ReplicationHandlerParts, { command }: Request): Reply {
  const { masterFlushOffset } = readHeader(RESET_MASTER_FLUSH_OFFSET_REQUEST, command.ext);
  if (replication.slave !== null && masterFlushOffset !== undefined) store.masterFlushedOffset = masterFlushOffset;
  return OK;
}
