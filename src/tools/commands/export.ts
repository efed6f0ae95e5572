/**
 * Commands that write what a cluster consists of into JSON files: topics and groups, configuration, figures. Members are in
 * alphabetical order (RocketMQ's have none). Source: RocketMQ, package `org.apache.rocketmq.tools.command.export`.
 *
 * @module
 */
import { utf8 } from "../../common/bytes.ts";
import type { BrokerAdmin } from "../../client/admin_broker.ts";
import { MASTER_ID } from "../../protocol/bodies/route.ts";
import { type GroupConfigTable, groupTableJson, type SubscriptionGroupConfig } from "../../protocol/bodies/group.ts";
import { type TopicConfig, topicConfigJson } from "../../protocol/bodies/register.ts";
import { type TopicConfigTable, topicTableJson } from "../../protocol/bodies/topic.ts";
import { BUILT_IN_GROUPS, DLQ_PREFIX, isSystemGroup, isSystemTopic, RETRY_PREFIX } from "../../protocol/names.ts";
import { flag, option, required, UsageError } from "../arguments.ts";
import type { CommandContext, GivenOptions, ToolCommand } from "../command.ts";
import { writeFile } from "../files.ts";
import { prettyJson, type PrettyValue } from "../pretty_json.ts";

/** Where the files go unless `-f` says otherwise, as in RocketMQ. */
const DIRECTORY_DEFAULT = "/tmp/rocketmq/export";
/** Permissions above these bits belong to no topic of a user. */
const PERM_MAX = 7;
/** Groups of RocketMQ's own programs that no broker makes by itself. */
const PROGRAM_GROUPS: ReadonlySet<string> = new Set([
  ...BUILT_IN_GROUPS,
  "DEFAULT_CONSUMER",
  "DEFAULT_PRODUCER",
  "SCHEDULE_CONSUMER",
  "__MONITOR_CONSUMER",
  "CLIENT_INNER_PRODUCER",
  "SELF_TEST_P_GROUP",
]);

const exportMetadata: ToolCommand = {
  name: "exportMetadata",
  summary: "Export metadata.",
  options: [
    option("c", "clusterName", "choose a cluster to export"),
    option("b", "brokerAddr", "choose a broker to export"),
    option("f", "filePath", `export metadata.json path | default ${DIRECTORY_DEFAULT}`),
    flag("t", "topic", "only export topic metadata"),
    flag("g", "subscriptionGroup", "only export subscriptionGroup metadata"),
    flag("s", "specialTopic", "need retryTopic and dlqTopic"),
  ],
  example: "-n 127.0.0.1:9876 -c DefaultCluster -f /tmp/export",
  async run(context) {
    const { admin, options } = context;
    const address = options.optional("b");
    if (address !== undefined) return await exportBroker(context, admin.broker(address));
    if (!options.has("c")) throw new TypeError("one of the options -b and -c is needed");
    await exportCluster(context);
  },
};

/** One broker's tables as it has them. */
async function exportBroker(context: CommandContext, broker: BrokerAdmin): Promise<void> {
  const wants = wantsOf(context);
  const topics = wants.topics ? topicTableJson(await userTopics(broker, context.options.has("s"))) : {};
  const groups = wants.groups ? groupTableJson(await userGroups(broker)) : {};
  write(context, wants.file, { ...groups, ...topics });
}

/** The tables of all masters in one: queues of the same topic, and retry queues of the same group, are added up. */
async function exportCluster(context: CommandContext): Promise<void> {
  const { admin, options, clock } = context;
  const wants = wantsOf(context);
  const topics = new Map<string, TopicConfig>();
  const groups = new Map<string, SubscriptionGroupConfig>();
  for (const { address } of await admin.masters(options.text("c"))) {
    const broker = admin.broker(address);
    for (const [name, topic] of (await userTopics(broker, options.has("s"))).topics) {
      const { readQueueNums = 0, writeQueueNums = 0 } = topics.get(name) ?? {};
      topics.set(name, {
        ...topic,
        readQueueNums: readQueueNums + topic.readQueueNums,
        writeQueueNums: writeQueueNums + topic.writeQueueNums,
      });
    }
    for (const [name, group] of (await userGroups(broker)).groups) {
      groups.set(name, { ...group, retryQueueNums: (groups.get(name)?.retryQueueNums ?? 0) + group.retryQueueNums });
    }
  }
  write(context, wants.file, {
    exportTime: clock.now(),
    ...(wants.groups && { subscriptionGroupTable: Object.fromEntries(groups) }),
    ...(wants.topics && {
      topicConfigTable: Object.fromEntries(Array.from(topics, ([name, topic]) => [name, topicConfigJson(topic)])),
    }),
  });
}

function wantsOf({ options }: CommandContext) {
  if (options.has("t")) return { file: "topic.json", topics: true, groups: false };
  if (options.has("g")) return { file: "subscriptionGroup.json", topics: false, groups: true };
  return { file: "metadata.json", topics: true, groups: true };
}

/** A broker's topics without its own. @param withSpecial also retry and dead-letter topics. */
async function userTopics(broker: BrokerAdmin, withSpecial: boolean): Promise<TopicConfigTable> {
  const [table, own] = await Promise.all([broker.topicConfigs(), broker.systemTopics()]);
  const system = new Set(own);
  const isWanted = ({ topicName, perm }: TopicConfig) =>
    !system.has(topicName) && !isSystemTopic(topicName) && perm <= PERM_MAX &&
    (withSpecial || !topicName.startsWith(RETRY_PREFIX) && !topicName.startsWith(DLQ_PREFIX));
  return { ...table, topics: new Map([...table.topics].filter(([, topic]) => isWanted(topic))) };
}

/** A broker's groups without those of the system and of RocketMQ's own programs. */
async function userGroups(broker: BrokerAdmin): Promise<GroupConfigTable> {
  const table = await broker.groupTable();
  const isWanted = (name: string) => !isSystemGroup(name) && !PROGRAM_GROUPS.has(name);
  return { ...table, groups: new Map([...table.groups].filter(([name]) => isWanted(name))) };
}

/** Writes one of the files and says so. */
function write({ disk, options, out }: CommandContext, file: string, value: object): void {
  const path = `${options.optional("f") ?? DIRECTORY_DEFAULT}/${file}`;
  writeFile(disk, path, utf8(prettyJson(sorted(value as PrettyValue))));
  out.line(`export ${path} success`);
}

/** The same value with the members of objects in alphabetical order, those without a value left out. */
function sorted(value: PrettyValue): PrettyValue {
  if (value === null || typeof value !== "object" || value instanceof Map) return value;
  if (Array.isArray(value)) return value.map(sorted);
  const isThere = (entry: [string, unknown]): entry is [string, PrettyValue] =>
    entry[1] !== undefined && entry[1] !== null;
  const members = Object.entries(value).filter(isThere);
  return Object.fromEntries(members.sort(([a], [b]) => a < b ? -1 : 1).map(([name, each]) => [name, sorted(each)]));
}

const EXPORTED_OPTIONS: readonly string[] = [
  "brokerClusterName",
  "brokerId",
  "brokerName",
  "brokerRole",
  "fileReservedTime",
  "filterServerNums",
  "flushDiskType",
  "maxMessageSize",
  "messageDelayLevel",
  "msgTraceTopicName",
  "slaveReadEnable",
  "traceOn",
  "traceTopicEnable",
  "useTLS",
  "autoCreateTopicEnable",
  "autoCreateSubscriptionGroup",
];

const exportConfigs: ToolCommand = {
  name: "exportConfigs",
  summary: "Export configs.",
  options: [
    required("c", "clusterName", "choose a cluster to export"),
    option("f", "filePath", `export configs.json path | default ${DIRECTORY_DEFAULT}`),
  ],
  example: "-n 127.0.0.1:9876 -c DefaultCluster -f /tmp/export",
  async run(context) {
    const { admin, options } = context;
    const members = await admin.members(options.text("c"));
    const masters = members.filter(({ brokerId }) => brokerId === MASTER_ID);
    const brokerConfigs: Record<string, Record<string, string>> = {};
    for (const { address, brokerName } of masters) {
      const config = await admin.broker(address).config();
      const chosen = EXPORTED_OPTIONS.flatMap((key) => config.has(key) ? [[key, config.get(key)!]] : []);
      brokerConfigs[config.get("brokerName") ?? brokerName] = Object.fromEntries(chosen);
    }
    write(context, "configs.json", {
      brokerConfigs,
      clusterScale: {
        namesrvSize: admin.namesrv.addresses.length,
        masterBrokerSize: masters.length,
        slaveBrokerSize: members.length - masters.length,
      },
    });
  },
};

const exportPopRecord: ToolCommand = {
  name: "exportPopRecord",
  summary: "Export pop consumer record",
  options: [
    option("c", "clusterName", "choose one cluster to export"),
    option("b", "brokerAddr", "choose one broker to export"),
    option("d", "dryRun", "no actual changes will be made"),
  ],
  example: "-n 127.0.0.1:9876 -c DefaultCluster",
  async run({ admin, options, out }) {
    const isDry = options.bool("d", false);
    const address = options.optional("b");
    const brokers = address === undefined
      ? await admin.members(clusterOf(options))
      : [{ address, brokerName: (await admin.broker(address).config()).get("brokerName") ?? "" }];
    for (const { address, brokerName } of brokers) {
      if (!isDry) await admin.broker(address).exportPopRecords();
      out.line(`Export broker records, brokerName=${brokerName}, brokerAddr=${address}, dryRun=${isDry}`);
    }
  },
};

function clusterOf(options: GivenOptions): string {
  const cluster = options.optional("c");
  if (cluster === undefined) throw new UsageError("one of the options -b and -c is needed");
  return cluster;
}

/** The commands of this file. */
export const EXPORT_COMMANDS: readonly ToolCommand[] = [exportMetadata, exportConfigs, exportPopRecord];

/** For the export that has a file of its own. */
export { DIRECTORY_DEFAULT, userGroups, userTopics, write as writeExport };
