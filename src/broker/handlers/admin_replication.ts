/**
 * What slaves and operators ask about replication: progress of the delay levels (45), how replication stands (907).
 * RocketMQ counterpart: `AdminBrokerProcessor`.
 *
 * @module
 */
import { utf8 } from "../../common/bytes.ts";
import { encodeHaStatus, type HaStatus } from "../../protocol/bodies/ha_status.ts";
import { RequestCode } from "../../protocol/codes.ts";
import type { Handler, HandlerTable } from "../../remoting/handler.ts";

/** What these handlers use. */
export interface AdminReplicationParts {
  /** `text()`: progress of the delay levels as JSON. */
  readonly delayOffsets: { text(): string };
  /** How replication stands now. */
  readonly haStatus: () => HaStatus;
}

/** Handlers of 45 and 907. */
export function adminReplicationHandlers({ delayOffsets, haStatus }: AdminReplicationParts): HandlerTable {
  return new Map<number, Handler>([
    [RequestCode.GET_ALL_DELAY_OFFSET, () => ({ body: utf8(delayOffsets.text()) })],
    [RequestCode.GET_BROKER_HA_STATUS, () => ({ body: encodeHaStatus(haStatus()) })],
  ]);
}
