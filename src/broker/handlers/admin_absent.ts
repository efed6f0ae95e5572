/**
 * Requests about parts of RocketMQ that this broker does not have. Each is refused with the code of a RocketMQ broker that
 * does not have the part either, and with a remark that says what is missing, so that nobody looks for a fault of versions.
 *
 * One is granted: POP_ROLLBACK wants POP's records moved out of RocketMQ's RocksDB, where this broker never had them.
 *
 * RocketMQ counterpart: `AdminBrokerProcessor`, `LiteManagerProcessor`.
 *
 * @module
 */
import { RequestCode, ResponseCode } from "../../protocol/codes.ts";
import { OK } from "../../remoting/command.ts";
import type { Handler, HandlerTable } from "../../remoting/handler.ts";

/** A part, and the requests about it. */
interface AbsentPart {
  readonly codes: readonly number[];
  readonly reason: string;
}

const NOT_SUPPORTED: readonly AbsentPart[] = [
  {
    codes: [
      RequestCode.UPDATE_AND_CREATE_ACL_CONFIG,
      RequestCode.DELETE_ACL_CONFIG,
      RequestCode.GET_BROKER_CLUSTER_ACL_INFO,
      RequestCode.UPDATE_GLOBAL_WHITE_ADDRS_CONFIG,
      RequestCode.GET_BROKER_CLUSTER_ACL_CONFIG,
    ],
    reason: "this broker has no ACL accounts (plain_acl.yml)",
  },
  {
    codes: [RequestCode.CHECK_ROCKSDB_CQ_WRITE_PROGRESS, RequestCode.EXPORT_ROCKSDB_CONFIG_TO_JSON],
    reason: "this broker keeps nothing in RocksDB: consumequeues are files, tables are JSON files in config/",
  },
  { codes: [RequestCode.UPDATE_AND_CREATE_STATIC_TOPIC], reason: "this broker has no static topics" },
  {
    codes: [RequestCode.ADD_BROKER, RequestCode.REMOVE_BROKER],
    reason: "this broker is no container; one process runs several brokers with -c repeated",
  },
  {
    codes: [
      RequestCode.UPDATE_COLD_DATA_FLOW_CTR_CONFIG,
      RequestCode.REMOVE_COLD_DATA_FLOW_CTR_CONFIG,
      RequestCode.GET_COLD_DATA_FLOW_CTR_INFO,
    ],
    reason: "this broker has no flow control for cold data: old reads cannot push new data out of its memory",
  },
  {
    codes: [RequestCode.SET_COMMITLOG_READ_MODE],
    reason: "this broker maps no commitlog files into memory, so that there is no read-ahead mode to set",
  },
  { codes: [RequestCode.SWITCH_TIMER_ENGINE], reason: "this broker has one timer engine" },
  // GET_BROKER_LITE_INFO to TRIGGER_LITE_DISPATCH, 5.5.
  { codes: [200074, 200075, 200076, 200077, 200078, 200079], reason: "this broker has no lite topics" },
];

const AUTHORIZATION: AbsentPart = {
  codes: [
    RequestCode.AUTH_CREATE_USER,
    RequestCode.AUTH_UPDATE_USER,
    RequestCode.AUTH_DELETE_USER,
    RequestCode.AUTH_GET_USER,
    RequestCode.AUTH_LIST_USER,
    RequestCode.AUTH_CREATE_ACL,
    RequestCode.AUTH_UPDATE_ACL,
    RequestCode.AUTH_DELETE_ACL,
    RequestCode.AUTH_GET_ACL,
    RequestCode.AUTH_LIST_ACL,
  ],
  reason: "this broker has no users and access rules",
};

/** Handlers of all of them. */
export function adminAbsentHandlers(): HandlerTable {
  const table = new Map<number, Handler>();
  for (const { codes, reason } of NOT_SUPPORTED) {
    for (const code of codes) {
      const remark = ` request type ${code} not supported: ${reason}`;
      table.set(code, () => ({ code: ResponseCode.REQUEST_CODE_NOT_SUPPORTED, remark }));
    }
  }
  for (const code of AUTHORIZATION.codes) {
    table.set(code, () => ({ code: ResponseCode.SYSTEM_ERROR, remark: AUTHORIZATION.reason }));
  }
  table.set(RequestCode.CONTROLLER_GET_BROKER_EPOCH_CACHE, () => ({
    code: ResponseCode.SYSTEM_ERROR,
    remark: "this request only for controllerMode ",
  }));
  table.set(RequestCode.POP_ROLLBACK, () => OK);
  return table;
}
