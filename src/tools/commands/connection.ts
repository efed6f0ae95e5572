/**
 * Commands about the clients that are connected. Source: RocketMQ, packages `org.apache.rocketmq.tools.command.connection`
 * and `.consumer`.
 *
 * @module
 */
import { retryTopicOf } from "../../client/names.ts";
import type { ClientConnection, ConsumerConnection, Divergence } from "../../protocol/bodies/connection.ts";
import type { ConsumerRunningInfo } from "../../protocol/bodies/running_info.ts";
import { versionName } from "../../protocol/codes.ts";
import { utf8 } from "../../common/bytes.ts";
import { flag, option, required } from "../arguments.ts";
import type { CommandContext, ToolCommand } from "../command.ts";
import { writeFile } from "../files.ts";
import type { TableSpec } from "../output.ts";
import { printf } from "../printf.ts";
import { runningInfoText } from "../running_info_text.ts";
import { targetsOrAll } from "../targets.ts";

const CONNECTIONS: TableSpec<"clientId" | "clientAddr" | "language" | "version"> = {
  columns: { clientId: "#ClientId", clientAddr: "#ClientAddr", language: "#Language", version: "#Version" },
  head: "%-36s %-22s %-10s %s",
};

const SUBSCRIPTIONS: TableSpec<"topic" | "subExpression"> = {
  columns: { topic: "#Topic", subExpression: "#SubExpression" },
  head: "%-20s %s",
};

function connectionRow({ clientId, clientAddr, language, version }: ClientConnection) {
  return { clientId, clientAddr, language, version: versionName(version) };
}

const consumerConnection: ToolCommand = {
  name: "consumerConnection",
  summary: "Query consumer's socket connection, client version and subscription.",
  options: [required("g", "consumerGroup", "consumer group name"), option("b", "brokerAddr", "broker address")],
  example: "-n 127.0.0.1:9876 -g MyGroup",
  async run({ admin, options, out }) {
    const group = await connectionOf({ admin, options });
    out.table(CONNECTIONS, group.connections.map(connectionRow));
    out.print("%nBelow is subscription:%n");
    const subscriptions = [...group.subscriptions.values()];
    out.table(SUBSCRIPTIONS, subscriptions.map(({ topic, subString }) => ({ topic, subExpression: subString })));
    out.print("%n");
    out.line(`ConsumeType: ${group.consumeType}`);
    out.line(`MessageModel: ${group.messageModel}`);
    out.line(`ConsumeFromWhere: ${group.consumeFromWhere}`);
  },
};

function connectionOf({ admin, options }: Pick<CommandContext, "admin" | "options">): Promise<ConsumerConnection> {
  const [group, address] = [options.text("g"), options.optional("b")];
  return address === undefined ? admin.consumerConnection(group) : admin.broker(address).consumerConnection(group);
}

const producerConnection: ToolCommand = {
  name: "producerConnection",
  summary: "Query producer's socket connection and client version.",
  options: [required("g", "producerGroup", "producer group name"), required("t", "topic", "topic name")],
  example: "-n 127.0.0.1:9876 -g MyProducers -t TopicTest",
  async run({ admin, options, out }) {
    const broker = await admin.anyBrokerOf(options.text("t"));
    const rows = (await broker.producerConnection(options.text("g"))).map(connectionRow);
    const lines = rows.map(({ clientId, clientAddr, language, version }, index) =>
      printf("%04d  %-32s %-22s %-8s %s", index + 1, clientId, clientAddr, language, version)
    );
    out.value(rows, lines.join("\n"));
  },
};

const MEMBERS: TableSpec<"index" | "clientId" | "version" | "file"> = {
  columns: { index: "#Index", clientId: "#ClientId", version: "#Version", file: "#ConsumerRunningInfoFile" },
  head: "%-10s %-40s %-20s %s",
};

const consumerStatus: ToolCommand = {
  name: "consumerStatus",
  summary: "Query consumer's internal data structure.",
  options: [
    required("g", "consumerGroup", "consumer group name"),
    option("i", "clientId", "The consumer's client id"),
    option("b", "brokerAddr", "broker address"),
    flag("s", "jstack", "Run jstack command in the consumer progress"),
  ],
  example: "-n 127.0.0.1:9876 -g MyGroup",
  async run(context) {
    const { admin, options, out, clock, problem } = context;
    const group = options.text("g");
    const clientId = options.optional("i");
    const address = options.optional("b");
    const broker = address === undefined ? await admin.anyBrokerOf(retryTopicOf(group)) : admin.broker(address);
    if (clientId !== undefined) {
      const info = await broker.consumerRunningInfo(group, clientId, options.has("s"));
      return out.value(infoValue(info), runningInfoText(info));
    }
    const { connections } = await connectionOf(context);
    const startMs = clock.now();
    const infos = new Map<string, ConsumerRunningInfo>();
    const rows = [];
    for (const [index, { clientId, version }] of connections.entries()) {
      try {
        const info = await broker.consumerRunningInfo(group, clientId, options.has("s"));
        infos.set(clientId, info);
        const file = `${startMs}/${clientId}`;
        writeFile(context.disk, file, utf8(runningInfoText(info)));
        rows.push({ index: index + 1, clientId, version: versionName(version), file });
      } catch (error) {
        problem(error);
      }
    }
    out.table(MEMBERS, rows);
    out.print(verdict(infos));
  },
};

/** Whether members want the same, and whether each queue has one of them. */
function verdict(infos: ReadonlyMap<string, ConsumerRunningInfo>): string {
  if (infos.size === 0) return "";
  const wants = Array.from(
    infos.values(),
    (info) => info.subscriptions.map(({ topic, subString }) => `${topic}=${subString}`).sort().join("\n"),
  );
  const isSame = wants.every((each) => each === wants[0]);
  const first = isSame
    ? "Same subscription in the same group of consumer"
    : "WARN: Different subscription in the same group!!!";
  const owners = new Map<string, number>();
  for (const { queues } of infos.values()) {
    for (const { topic, brokerName, queueId } of queues.keys()) {
      const key = `${topic}@${brokerName}@${queueId}`;
      owners.set(key, (owners.get(key) ?? 0) + 1);
    }
  }
  const isOnce = [...owners.values()].every((count) => count === 1);
  const second = isOnce
    ? "Rebalance OK"
    : "WARN: queues with more than one consumer, rebalance is under way or disagrees";
  return `%n%n${first}%n%n${second}%n`;
}

function infoValue(info: ConsumerRunningInfo) {
  return {
    properties: info.properties,
    subscriptions: info.subscriptions,
    queues: Array.from(info.queues, ([queue, state]) => ({ ...queue, ...state })),
    status: info.status,
  };
}

const DIVERGENCES: TableSpec<
  "group" | "topic" | "clientId" | "expression" | "otherClientId" | "otherExpression"
> = {
  columns: {
    group: "#Group",
    topic: "#Topic",
    clientId: "#ClientId",
    expression: "#SubExpression",
    otherClientId: "#Other ClientId",
    otherExpression: "#Other SubExpression",
  },
  head: "%-32s  %-32s  %-40s  %-24s  %-40s  %-24s",
};

const divergentSubscriptions: ToolCommand = {
  name: "divergentSubscriptions",
  summary: "List groups whose members want different things of a topic, which loses messages.",
  options: [
    option("b", "brokerAddr", "which broker | default all masters"),
    option("c", "clusterName", "which cluster | default all clusters"),
    option("g", "consumerGroup", "only this consumer group"),
  ],
  example: "-n 127.0.0.1:9876",
  async run(context) {
    const { admin, options, out } = context;
    const only = options.optional("g");
    const seen = new Map<string, Divergence>();
    for (const address of await targetsOrAll(context)) {
      for (const divergence of await admin.broker(address).divergentSubscriptions()) {
        if (only === undefined || divergence.group === only) seen.set(JSON.stringify(divergence), divergence);
      }
    }
    const rows = Array.from(seen.values(), (each) => ({
      ...each,
      expression: each.expression ?? "(not subscribed)",
      otherExpression: each.otherExpression ?? "(not subscribed)",
    }));
    out.table(DIVERGENCES, rows);
    out.print("%nGroups: %d%n", new Set(rows.map(({ group }) => group)).size);
  },
};

/** The commands of this file. */
export const CONNECTION_COMMANDS: readonly ToolCommand[] = [
  consumerConnection,
  producerConnection,
  consumerStatus,
  divergentSubscriptions,
];
