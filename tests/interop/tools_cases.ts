/**
 * The commands that `tools_compare.ts` gives to RocketMQ's mqadmin and to ours, with what is known to differ and why.
 *
 * @module
 */
import { BROKER_NAME, CLUSTER_NAME } from "../../scripts/interop/server.ts";

/** What the commands are about. The first topic is only read, so that both tools see the same. */
export const FACTS = {
  topic: "CompareTopic",
  other: "CompareOther",
  producerGroup: "CompareProducers",
  group: "CompareGroup",
  offlineGroup: "CompareOffline",
  key: "compare-key",
} as const;

/** One command. */
export interface ToolCase {
  readonly args: readonly string[];
  /** Why the outputs may differ; without a reason they must not. */
  readonly differs?: string;
  /** Not a command of 4.9.7. */
  readonly since5?: true;
}

/** What is only known when the cluster runs. */
export interface CaseFacts {
  readonly address: string;
  readonly msgId: string;
  readonly offsetMsgId: string;
  readonly clientId: string;
  /** An existing folder. */
  readonly dir: string;
}

const { topic, other, producerGroup, group, offlineGroup, key } = FACTS;

/** All commands, in the order in which they run. */
export function toolCases({ address, msgId, offsetMsgId, clientId, dir }: CaseFacts): ToolCase[] {
  const c = ["-c", CLUSTER_NAME];
  const b = ["-b", address];
  return [
    { args: ["updateTopic", ...c, "-t", other, "-r", "3", "-w", "3"] },
    { args: ["updateTopic", ...b, "-t", other, "-r", "3", "-w", "3", "-p", "6"] },
    { args: ["updateTopic", ...c, "-t", `${other}Ordered`, "-r", "2", "-w", "2", "-o", "true"] },
    {
      args: ["updateTopicList", ...c, "-f", `${dir}/topics.json`],
      since5: true,
      differs: "Java prints its usage behind the success, as if the options had been wrong",
    },
    { args: ["updateTopicList", ...b, "-f", `${dir}/topics.json`], since5: true },
    { args: ["updateTopicList", ...b, "-f", `${dir}/none.json`], since5: true },
    { args: ["updateTopicPerm", ...c, "-t", other, "-p", "4"] },
    { args: ["updateTopicPerm", ...b, "-t", other, "-p", "4"] },
    { args: ["topicList"] },
    { args: ["topicList", "-c"] },
    { args: ["topicRoute", "-t", topic] },
    { args: ["topicRoute", "-t", topic, "-l"] },
    { args: ["topicRoute", "-t", "NoSuchTopic"] },
    { args: ["topicStatus", "-t", topic] },
    { args: ["topicClusterList", "-t", topic] },
    { args: ["updateOrderConf", "-t", other, "-m", "put", "-v", `${BROKER_NAME}:3`] },
    { args: ["updateOrderConf", "-t", other, "-m", "get"] },
    { args: ["updateOrderConf", "-t", other, "-m", "delete"] },
    { args: ["allocateMQ", "-t", topic, "-i", "10.0.0.1,10.0.0.2"] },
    { args: ["updateKvConfig", "-s", "ns", "-k", "k", "-v", "v"] },
    { args: ["deleteKvConfig", "-s", "ns", "-k", "k"] },
    { args: ["wipeWritePerm", "-b", BROKER_NAME] },
    { args: ["addWritePerm", "-b", BROKER_NAME] },
    { args: ["getNamesrvConfig"] },
    { args: ["updateNamesrvConfig", "-k", "orderMessageEnable", "-v", "false"] },
    { args: ["clusterList"] },
    { args: ["clusterList", "-m"] },
    { args: ["clusterRT", "-a", "3", "-i", "3600"] },
    { args: ["brokerStatus", ...b] },
    { args: ["brokerStatus", ...c] },
    { args: ["brokerConsumeStats", ...b, "-t", "5000"] },
    { args: ["getBrokerConfig", ...b] },
    { args: ["getBrokerConfig", ...c] },
    { args: ["updateBrokerConfig", ...b, "-k", "traceOn", "-v", "true"] },
    { args: ["cleanExpiredCQ", ...b] },
    { args: ["cleanUnusedTopic", ...b] },
    { args: ["deleteExpiredCommitLog", ...b] },
    { args: ["updateSubGroup", ...c, "-g", offlineGroup, "-r", "5"] },
    { args: ["updateSubGroupList", ...b, "-f", `${dir}/groups.json`], since5: true },
    { args: ["getConsumerConfig", "-g", offlineGroup] },
    { args: ["setConsumeMode", ...c, "-t", topic, "-g", offlineGroup, "-m", "PULL"], since5: true },
    { args: ["consumerProgress", "-g", group] },
    { args: ["consumerProgress", "-g", group, "-s", "true"] },
    { args: ["consumerProgress"] },
    { args: ["consumerConnection", "-g", group] },
    { args: ["consumerConnection", "-g", offlineGroup] },
    { args: ["consumerStatus", "-g", group, "-i", clientId] },
    { args: ["producerConnection", "-g", producerGroup, "-t", topic] },
    { args: ["producer", ...b], differs: "Java's tool lists the producers of its own that ours does not have" },
    { args: ["resetOffsetByTime", "-g", offlineGroup, "-t", topic, "-s", "now"] },
    { args: ["resetOffsetByTime", "-g", offlineGroup, "-t", topic, "-s", "0"] },
    { args: ["skipAccumulatedMessage", "-g", offlineGroup, "-t", topic] },
    { args: ["cloneGroupOffset", "-s", group, "-d", offlineGroup, "-t", topic] },
    { args: ["queryMsgById", "-t", topic, "-i", offsetMsgId], since5: true },
    { args: ["queryMsgById", "-t", topic, "-i", offsetMsgId, "-f", "utf-8"], since5: true },
    { args: ["queryMsgById", "-t", topic, "-i", offsetMsgId, "-g", group, "-d", clientId], since5: true },
    { args: ["queryMsgByKey", "-t", topic, "-k", key] },
    { args: ["queryMsgByKey", "-t", topic, "-k", "no-such-key"] },
    { args: ["queryMsgByUniqueKey", "-t", topic, "-i", msgId] },
    {
      args: ["queryMsgByOffset", "-t", topic, "-b", BROKER_NAME, "-i", "0", "-o", "0"],
      differs:
        "Java's tool counts itself as a member of TOOLS_CONSUMER that is online; ours has told no broker of itself",
    },
    { args: ["queryMsgTraceById", "-i", msgId] },
    { args: ["queryCq", "-t", topic, "-q", "0", "-i", "0", "-c", "2"] },
    { args: ["queryCq", "-t", topic, "-q", "0", "-i", "0", "-c", "2", "-g", group] },
    { args: ["printMsg", "-t", topic] },
    { args: ["printMsg", "-t", topic, "-d", "false", "-s", "TagB"] },
    { args: ["printMsgByQueue", "-t", topic, "-a", BROKER_NAME, "-i", "0", "-p", "true", "-d", "true", "-f", "true"] },
    { args: ["consumeMessage", "-t", topic] },
    { args: ["consumeMessage", "-t", topic, "-b", BROKER_NAME, "-i", "0", "-o", "1", "-c", "2"] },
    { args: ["consumeMessage", "-t", topic, "-b", BROKER_NAME, "-i", "0", "-o", "1000"] },
    { args: ["consumeMessage", "-t", topic, "-o", "1"] },
    { args: ["sendMessage", "-t", `${other}Send`, "-p", "hello", "-k", "k", "-c", "TagA"] },
    { args: ["sendMsgStatus", "-b", BROKER_NAME, "-c", "3"] },
    { args: ["checkMsgSendRT", "-t", `${other}Send`, "-a", "4"] },
    { args: ["statsAll", "-t", topic] },
    { args: ["haStatus", ...b], since5: true },
    { args: ["haStatus", ...c], since5: true },
    { args: ["haStatus"], since5: true },
    { args: ["resetMasterFlushOffset", ...b, "-o", "0"], since5: true },
    { args: ["exportMetadata", ...c, "-f", `${dir}/export`] },
    { args: ["exportMetadata", ...b, "-t", "-f", `${dir}/export`] },
    { args: ["exportMetadata", ...b, "-g", "-f", `${dir}/export`] },
    { args: ["exportConfigs", ...c, "-f", `${dir}/export`] },
    { args: ["exportMetrics", ...c, "-f", `${dir}/export`] },
    { args: ["exportPopRecord", ...c], since5: true },
    { args: ["deleteSubGroup", ...b, "-g", `${offlineGroup}2`] },
    { args: ["deleteSubGroup", ...c, "-g", `${offlineGroup}2`] },
    { args: ["deleteTopic", ...c, "-t", `${other}Ordered`] },
  ];
}
