/**
 * All commands of `rucola tools` by name, in RocketMQ's order: those that exist, and those for parts that Rucola does not
 * have, each with the reason. Programs of tools.sh (examples by class name) are in `programs.ts`.
 *
 * @module
 */
import type { ToolCommand } from "./command.ts";
import { ABSENT_COMMANDS, ABSENT_OLD_COMMANDS, type AbsentCommand } from "./commands/absent.ts";
import { BATCH_COMMANDS } from "./commands/batch.ts";
import { BROKER_COMMANDS } from "./commands/broker.ts";
import { CLUSTER_COMMANDS } from "./commands/cluster.ts";
import { CONNECTION_COMMANDS } from "./commands/connection.ts";
import { CONSUME_COMMANDS } from "./commands/consume.ts";
import { DEAD_LETTER_COMMANDS } from "./commands/dead_letters.ts";
import { ELECTION_COMMANDS } from "./commands/election.ts";
import { EXPORT_COMMANDS } from "./commands/export.ts";
import { EXPORT_METRICS_COMMANDS } from "./commands/export_metrics.ts";
import { GROUP_COMMANDS } from "./commands/group.ts";
import { MESSAGE_COMMANDS } from "./commands/message.ts";
import { MONITOR_COMMANDS } from "./commands/monitor.ts";
import { NAMESRV_COMMANDS } from "./commands/namesrv.ts";
import { OFFSET_COMMANDS } from "./commands/offset.ts";
import { QUEUE_COMMANDS } from "./commands/queue.ts";
import { REPLICATION_COMMANDS } from "./commands/replication.ts";
import { SEND_COMMANDS } from "./commands/send.ts";
import { TIMER_COMMANDS } from "./commands/timer.ts";
import { TOPIC_COMMANDS } from "./commands/topic.ts";
import { TRACE_COMMANDS } from "./commands/trace.ts";

const COMMANDS = new Map<string, ToolCommand>(
  [
    ...TOPIC_COMMANDS,
    ...CLUSTER_COMMANDS,
    ...BROKER_COMMANDS,
    ...NAMESRV_COMMANDS,
    ...GROUP_COMMANDS,
    ...CONNECTION_COMMANDS,
    ...OFFSET_COMMANDS,
    ...MESSAGE_COMMANDS,
    ...SEND_COMMANDS,
    ...BATCH_COMMANDS,
    ...QUEUE_COMMANDS,
    ...CONSUME_COMMANDS,
    ...TRACE_COMMANDS,
    ...REPLICATION_COMMANDS,
    ...ELECTION_COMMANDS,
    ...EXPORT_COMMANDS,
    ...EXPORT_METRICS_COMMANDS,
    ...MONITOR_COMMANDS,
    ...TIMER_COMMANDS,
    ...DEAD_LETTER_COMMANDS,
  ].map((command) => [command.name.toLowerCase(), command]),
);

const ABSENT = new Map<string, AbsentCommand>(
  [...ABSENT_COMMANDS, ...ABSENT_OLD_COMMANDS].map((command) => [command.name.toLowerCase(), command]),
);

/** The order in which RocketMQ 5.5.0 lists commands. */
const ORDER = [
  ..."updateTopic updateTopicList deleteTopic updateSubGroup updateSubGroupList setConsumeMode deleteSubGroup".split(
    " ",
  ),
  ..."updateBrokerConfig updateTopicPerm topicRoute topicStatus topicClusterList addBroker removeBroker".split(" "),
  ..."resetMasterFlushOffset brokerStatus queryMsgById queryMsgByKey queryMsgByUniqueKey queryMsgByOffset".split(" "),
  ..."queryMsgTraceById printMsg printMsgByQueue sendMsgStatus brokerConsumeStats producerConnection".split(" "),
  ..."consumerConnection consumerProgress consumerStatus cloneGroupOffset producer clusterList topicList".split(" "),
  ..."updateKvConfig deleteKvConfig wipeWritePerm addWritePerm resetOffsetByTime skipAccumulatedMessage".split(" "),
  ..."updateOrderConf cleanExpiredCQ deleteExpiredCommitLog cleanUnusedTopic startMonitoring statsAll".split(" "),
  ..."allocateMQ checkMsgSendRT clusterRT getNamesrvConfig updateNamesrvConfig getBrokerConfig".split(" "),
  ..."getConsumerConfig queryCq sendMessage consumeMessage updateStaticTopic remappingStaticTopic".split(" "),
  ..."exportMetadata exportConfigs exportMetrics exportMetadataInRocksDB exportPopRecord haStatus".split(" "),
  ..."getSyncStateSet getBrokerEpoch getControllerMetaData getControllerConfig updateControllerConfig".split(" "),
  ..."electMaster cleanBrokerMetadata dumpCompactionLog getColdDataFlowCtrInfo".split(" "),
  ..."updateColdDataFlowCtrGroupConfig removeColdDataFlowCtrGroupConfig setCommitLogReadAheadMode".split(" "),
  ..."createUser updateUser deleteUser getUser listUser copyUser createAcl updateAcl deleteAcl getAcl".split(" "),
  ..."listAcl copyAcl rocksDBConfigToJson checkRocksdbCqWriteProgress switchTimerEngine".split(" "),
  ..."getBrokerLiteInfo getParentTopicInfo getLiteTopicInfo getLiteClientInfo getLiteGroupInfo".split(" "),
  ..."triggerLiteDispatch".split(" "),
];

/** Commands that RocketMQ does not have. */
const OWN =
  "listTimer cancelTimer updateTimer listDlq replayDlq divergentSubscriptions forceMaster addReplica failoverHistory"
    .split(" ");

/** The commands that RocketMQ does not have. */
export function ownCommandList(): readonly ToolCommand[] {
  return OWN.map((name) => COMMANDS.get(name.toLowerCase())!);
}

/** RocketMQ's commands in its order, also those that only say why they do not exist. */
export function commandList(): readonly { readonly name: string; readonly summary: string }[] {
  return ORDER.map((name) => COMMANDS.get(name.toLowerCase()) ?? ABSENT.get(name.toLowerCase())!);
}

/** The command with a name in any case. */
export function findCommand(name: string): ToolCommand | undefined {
  return COMMANDS.get(name.toLowerCase());
}

/** Why a command of RocketMQ does not exist; undefined for names that are none. */
export function absenceOf(name: string): AbsentCommand | undefined {
  return ABSENT.get(name.toLowerCase());
}

/** Names of all commands that exist, in lower case, with how they are written. */
export function nameSpellings(): ReadonlyMap<string, string> {
  return new Map([...COMMANDS].map(([key, { name }]) => [key, name]));
}
