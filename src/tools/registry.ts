/**
 * All commands of `rucola tools` by name, in RocketMQ's order: those that exist, and those for parts that Rucola does not
 * have, each with the reason. Programs of tools.sh (examples by class name) are in `programs.ts`.
 *
 * @module
 */
import type { ToolCommand } from "./command.ts";
import { ABSENT_COMMANDS, type AbsentCommand } from "./commands/absent.ts";
import { BROKER_COMMANDS } from "./commands/broker.ts";
import { CLUSTER_COMMANDS } from "./commands/cluster.ts";
import { CONNECTION_COMMANDS } from "./commands/connection.ts";
import { GROUP_COMMANDS } from "./commands/group.ts";
import { MESSAGE_COMMANDS } from "./commands/message.ts";
import { NAMESRV_COMMANDS } from "./commands/namesrv.ts";
import { OFFSET_COMMANDS } from "./commands/offset.ts";
import { SEND_COMMANDS } from "./commands/send.ts";
import { TOPIC_COMMANDS } from "./commands/topic.ts";

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
  ].map((command) => [command.name.toLowerCase(), command]),
);

const ABSENT = new Map<string, AbsentCommand>(
  ABSENT_COMMANDS.map((command) => [command.name.toLowerCase(), command]),
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

/** All commands in RocketMQ's order, also those that only say why they do not exist. */
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
