/**
 * Commands that make many topics or groups at once, from a JSON file with a list of their configurations. Source: RocketMQ
 * `UpdateTopicListSubCommand`, `UpdateSubGroupListSubCommand`.
 *
 * @module
 */
import { readGroupConfig } from "../../protocol/bodies/group.ts";
import { readTopicConfig } from "../../protocol/bodies/register.ts";
import { type JsonValue, parseJson } from "../../protocol/json.ts";
import { asObject } from "../../protocol/json_members.ts";
import { oneOf, option, required } from "../arguments.ts";
import type { CommandContext, ToolCommand } from "../command.ts";
import { readText } from "../files.ts";
import { targetAddresses } from "../targets.ts";

const updateTopicList: ToolCommand = {
  name: "updateTopicList",
  summary: "create or update topic in batch",
  options: [
    ...oneOf(
      option("b", "brokerAddr", "create topic to which broker"),
      option("c", "clusterName", "create topic to which cluster"),
    ),
    required("f", "filename", "Path to a file with list of org.apache.rocketmq.common.TopicConfig in json format"),
  ],
  example: "-n 127.0.0.1:9876 -c DefaultCluster -f topics.json",
  async run(context) {
    const topics = readList(context)?.map((each) => readTopicConfig(asObject(each)));
    if (topics === undefined || topics.length === 0) return;
    for (const address of await targetAddresses(context)) {
      await context.admin.broker(address).createTopics(topics);
      context.out.line(`submit batch of topic config to ${address} success, please check the result later.`);
    }
  },
};

const updateSubGroupList: ToolCommand = {
  name: "updateSubGroupList",
  summary: "Update or create subscription group in batch",
  options: [
    ...oneOf(
      option("b", "brokerAddr", "create groups to which broker"),
      option("c", "clusterName", "create groups to which cluster"),
    ),
    required(
      "f",
      "filename",
      "Path to a file with a list of org.apache.rocketmq.remoting.protocol.subscription.SubscriptionGroupConfig in " +
        "json format",
    ),
  ],
  example: "-n 127.0.0.1:9876 -c DefaultCluster -f groups.json",
  async run(context) {
    const groups = readList(context)?.map(readGroupConfig);
    if (groups === undefined || groups.length === 0) return;
    const what = context.options.has("b") ? "group" : "subscription group";
    for (const address of await targetAddresses(context)) {
      await context.admin.broker(address).createGroups(groups);
      context.out.line(`submit batch of ${what} config to ${address} success, please check the result later.`);
    }
  },
};

/** The list of the file `-f`; undefined when there is no such file, which is said then. */
function readList({ disk, options, out }: CommandContext): readonly JsonValue[] | undefined {
  const path = options.text("f");
  const text = readText(disk, path);
  if (text === null) {
    out.line(`the file path ${path} does not exists`);
    return undefined;
  }
  const list = parseJson(text);
  if (!Array.isArray(list)) throw new TypeError(`${path} is no JSON list`);
  return list;
}

/** The commands of this file. */
export const BATCH_COMMANDS: readonly ToolCommand[] = [updateTopicList, updateSubGroupList];
