/**
 * Commands of RocketMQ that do not exist here, with the reason: most belong to parts that Rucola does without.
 *
 * @module
 */

/** A command that says why it does not exist. */
export interface AbsentCommand {
  /** RocketMQ's name. */
  readonly name: string;
  /** RocketMQ's description. */
  readonly summary: string;
  readonly reason: string;
}

const ACCESS = "not available in this version of Rucola, whose broker has no users and access rules yet";
const CONTROLLER = "does not apply: Rucola has no controller";
const ROCKSDB = "does not apply: Rucola keeps nothing in RocksDB";
const STATIC = "does not apply: Rucola has no static topics";
const CONTAINER = "does not apply: Rucola has no broker container; one process runs several brokers with -c repeated";
const COLD = "does not apply: Rucola maps no files into memory, so that old reads cannot push new data out of it";
const TIMER = "does not apply: Rucola has one timer engine";
const COMPACTION = "does not apply: Rucola has no compaction topics";
const LITE = "does not apply: Rucola has no lite topics";

/** All of them. */
export const ABSENT_COMMANDS: readonly AbsentCommand[] = [
  { name: "addBroker", summary: "Add a broker to specified container.", reason: CONTAINER },
  { name: "removeBroker", summary: "Remove a broker from specified container.", reason: CONTAINER },
  {
    name: "updateStaticTopic",
    summary: "Update or create static topic, which has fixed number of queues.",
    reason: STATIC,
  },
  { name: "remappingStaticTopic", summary: "Remapping static topic.", reason: STATIC },
  {
    name: "exportMetadataInRocksDB",
    summary: "export RocksDB kv config (topics/subscriptionGroups). Recommend to use [mqadmin rocksDBConfigToJson]",
    reason: ROCKSDB,
  },
  {
    name: "getBrokerEpoch",
    summary: "Fetch broker epoch entries.",
    reason: `${CONTROLLER}; failoverHistory lists the terms of elected leaders`,
  },
  { name: "getControllerMetaData", summary: "Get controller cluster's metadata.", reason: CONTROLLER },
  { name: "getControllerConfig", summary: "Get controller config.", reason: CONTROLLER },
  { name: "updateControllerConfig", summary: "Update controller config.", reason: CONTROLLER },
  { name: "dumpCompactionLog", summary: "Parse compaction log to message.", reason: COMPACTION },
  { name: "getColdDataFlowCtrInfo", summary: "Get cold data flow ctr info.", reason: COLD },
  { name: "updateColdDataFlowCtrGroupConfig", summary: "Add or update cold data flow ctr group config.", reason: COLD },
  { name: "removeColdDataFlowCtrGroupConfig", summary: "Remove consumer from cold ctr config.", reason: COLD },
  { name: "setCommitLogReadAheadMode", summary: "Set read ahead mode for all commitlog files.", reason: COLD },
  { name: "createUser", summary: "Create user to cluster.", reason: ACCESS },
  { name: "updateUser", summary: "Update user to cluster.", reason: ACCESS },
  { name: "deleteUser", summary: "Delete user from cluster.", reason: ACCESS },
  { name: "getUser", summary: "Get user from cluster.", reason: ACCESS },
  { name: "listUser", summary: "List user from cluster.", reason: ACCESS },
  { name: "copyUser", summary: "Copy user to cluster.", reason: ACCESS },
  { name: "createAcl", summary: "Create acl to cluster.", reason: ACCESS },
  { name: "updateAcl", summary: "Update acl to cluster.", reason: ACCESS },
  { name: "deleteAcl", summary: "Delete acl from cluster.", reason: ACCESS },
  { name: "getAcl", summary: "Get acl from cluster.", reason: ACCESS },
  { name: "listAcl", summary: "List acl from cluster.", reason: ACCESS },
  { name: "copyAcl", summary: "Copy acl to cluster.", reason: ACCESS },
  {
    name: "rocksDBConfigToJson",
    summary:
      "Convert RocksDB kv config (topics/subscriptionGroups/consumerOffsets) to json. [rpc mode] Use [-n, -c, -b, -t] to send Request to broker ( version >= 5.3.2 ) or [local mode] use [-p, -t, -j, -e] to load RocksDB. If -e is provided, tools will export json file instead of std print",
    reason: ROCKSDB,
  },
  { name: "checkRocksdbCqWriteProgress", summary: "check if rocksdb cq is same as file cq", reason: ROCKSDB },
  { name: "switchTimerEngine", summary: "switch the engine of timer message in broker", reason: TIMER },
  { name: "getBrokerLiteInfo", summary: "Get broker lite info.", reason: LITE },
  { name: "getParentTopicInfo", summary: "Get parent topic info.", reason: LITE },
  { name: "getLiteTopicInfo", summary: "Get lite topic info.", reason: LITE },
  { name: "getLiteClientInfo", summary: "Get lite client info.", reason: LITE },
  { name: "getLiteGroupInfo", summary: "Get lite group info.", reason: LITE },
  { name: "triggerLiteDispatch", summary: "Trigger Lite Dispatch.", reason: LITE },
];

/** Commands that 4.9 had and 5.x does not list any more. */
export const ABSENT_OLD_COMMANDS: readonly AbsentCommand[] = [
  { name: "updateAclConfig", summary: "Update acl config yaml file in broker.", reason: ACCESS },
  { name: "deleteAclConfig", summary: "Delete Acl Config Account in broker.", reason: ACCESS },
  {
    name: "clusterAclConfigVersion",
    summary: "List all of acl config version information in cluster.",
    reason: ACCESS,
  },
  { name: "getAclConfig", summary: "List all of acl config information in cluster.", reason: ACCESS },
  {
    name: "updateGlobalWhiteAddr",
    summary: "Update global white address for acl Config File in broker.",
    reason: ACCESS,
  },
];
