/**
 * RocketMQ's mqadmin and our tools get the same commands for the same cluster, and must print the same but for numbers and
 * times. Lines are compared in alphabetical order: RocketMQ's come out of hash tables. The mqadmin of 4.9.7 prints other
 * columns; of it no command may fail that does not fail with ours.
 *
 * @module
 */
import type { Check, CheckContext, Cluster } from "../../scripts/interop/check.ts";
import { runJava } from "../../scripts/interop/java_process.ts";
import type { RocketmqVersion } from "../../scripts/interop/maven.ts";
import { BROKER_NAME } from "../../scripts/interop/server.ts";
import type { Client } from "../../src/client/client.ts";
import { runTools } from "../../src/tools/mqadmin.ts";
import { connect, systemWorld, type ToolWorld } from "../../src/tools/world.ts";
import { type CaseFacts, FACTS, type ToolCase, toolCases } from "./tools_cases.ts";

const MESSAGES = 6;
const QUEUES = 2;
/** On a machine of two busy cores clients need some seconds to find each other. */
const PATIENCE_MS = 60_000;
/** The pause of commands that go on for ever, after which the comparison has them stop. */
const ENDLESS_MS = 3_600_000;

/** What a command printed. */
interface Printed {
  readonly stdout: string;
  readonly stderr: string;
}

/** Both comparisons. */
export const TOOLS_CHECKS: readonly Check[] = [
  {
    name: "tools.compare",
    about: "our tools print what mqadmin 5.5.0 prints, command by command",
    run: (context) => withFacts(context, (facts, cluster) => compareAll(context, facts, cluster)),
  },
  {
    name: "tools.java4.9.7",
    about: "no command of mqadmin 4.9.7 fails that does not fail with our tools",
    run: (context) => withFacts(context, (facts, cluster) => checkOld(context, facts, cluster)),
  },
];

/** Starts a cluster with something to look at: messages, a trace, producers and consumers that are online. */
async function withFacts(
  context: CheckContext,
  check: (facts: CaseFacts, cluster: Cluster) => Promise<void>,
): Promise<void> {
  await using cluster = await context.startCluster();
  const { address } = cluster.broker;
  const world = systemWorld();
  await using client = connect([cluster.namesrvAddr], world);
  const { topic, other, group, offlineGroup } = FACTS;
  for (const name of [topic, `${other}Send`, `%RETRY%${offlineGroup}`]) {
    await ours(["updateTopic", "-b", address, "-t", name, "-r", `${QUEUES}`, "-w", `${QUEUES}`], cluster.namesrvAddr);
  }
  await ours(["updateSubGroup", "-b", address, "-g", offlineGroup], cluster.namesrvAddr);
  await using _producer = await sendMessages(client);
  await ours(["skipAccumulatedMessage", "-g", offlineGroup, "-t", topic], cluster.namesrvAddr);
  const consumer = client.pushConsumer({ group, consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET" });
  // By what they are: one that comes again, as any may, is not one more.
  const consumed = new Set<string>();
  consumer.subscribe(topic);
  consumer.onMessages((messages) => {
    for (const { msgId } of messages) consumed.add(msgId);
  });
  await consumer.start();
  try {
    const admin = client.admin();
    await until(world, () => Promise.resolve(consumed.size === MESSAGES), "the messages are consumed");
    await until(world, async () => {
      const { offsetTable } = await admin.consumeStats(group, topic);
      return [...offsetTable.values()].every((each) => each.consumerOffset === each.brokerOffset);
    }, "the group's offsets are stored");
    const [message] = await firstMessages(client);
    const { connections: [member] } = await admin.consumerConnection(group);
    const { msgId, offsetMsgId } = message!;
    await writeLists(context.dir);
    await check({ address, msgId, offsetMsgId, clientId: member!.clientId, dir: context.dir }, cluster);
  } finally {
    await consumer.shutdown();
  }
}

async function sendMessages(client: Client) {
  const producer = client.producer({ group: FACTS.producerGroup, enableMsgTrace: true });
  await producer.start();
  for (let i = 0; i < MESSAGES; i++) {
    const queue = { brokerName: BROKER_NAME, queueId: i % QUEUES, topic: FACTS.topic };
    const message = { topic: FACTS.topic, body: `body ${i}`, keys: FACTS.key, tags: i < 3 ? "TagA" : "TagB" };
    await producer.send(message, { queue });
  }
  return producer;
}

async function firstMessages(client: Client) {
  const consumer = client.pullConsumer({ group: "TOOLS_CONSUMER" });
  await consumer.start();
  try {
    return (await consumer.pull({ brokerName: BROKER_NAME, queueId: 0, topic: FACTS.topic }, 0)).messages;
  } finally {
    await consumer.shutdown();
  }
}

async function writeLists(dir: string): Promise<void> {
  const topics = [{ topicName: `${FACTS.other}Batch`, readQueueNums: 2, writeQueueNums: 2 }];
  await Deno.writeTextFile(`${dir}/topics.json`, JSON.stringify(topics));
  await Deno.writeTextFile(`${dir}/groups.json`, JSON.stringify([{ groupName: `${FACTS.offlineGroup}2` }]));
}

async function until(world: ToolWorld, condition: () => Promise<boolean>, what: string): Promise<void> {
  const endMs = world.clock.now() + PATIENCE_MS;
  while (!await condition()) {
    if (world.clock.now() > endMs) throw new Error(`waited in vain until ${what}`);
    await world.clock.sleep(100);
  }
}

/** Runs one of our commands here. */
async function ours(args: readonly string[], namesrvAddr: string): Promise<Printed> {
  let [stdout, stderr] = ["", ""];
  const world = systemWorld();
  const { clock } = world;
  const sleep = clock.sleep.bind(clock);
  clock.sleep = (ms: number) => ms === ENDLESS_MS ? Promise.reject(new Error("enough")) : sleep(ms);
  await runTools([...args, "-n", namesrvAddr], {
    ...world,
    write: (text) => void (stdout += text),
    writeError: (text) => void (stderr += text),
  });
  return { stdout, stderr };
}

/** Runs all commands of a release of RocketMQ, in order. */
async function theirs(
  version: RocketmqVersion,
  { dir, cases, namesrvAddr }: { dir: string; cases: readonly ToolCase[]; namesrvAddr: string },
): Promise<Printed[]> {
  const [commands, results] = [`${dir}/commands.txt`, `${dir}/results.txt`];
  // The first command also prints what the logging library tells of its start.
  const all = [{ args: ["topicList"] }, ...cases];
  await Deno.writeTextFile(commands, all.map(({ args }) => [...args, "-n", namesrvAddr].join("\t")).join("\n"));
  await runJava({ version, dir: `${dir}/mqadmin`, mainClass: "RunMqadmin", args: [commands, results] }, 600_000);
  const lines = (await Deno.readTextFile(results)).trimEnd().split("\n");
  const failed = all[lines.length];
  if (failed !== undefined) throw new Error(`mqadmin ${version} does not take ${failed.args.join(" ")}`);
  return lines.slice(1).map((line) => {
    const [stdout = "", stderr = ""] = line.split(" ").map((text) => new TextDecoder().decode(fromBase64(text)));
    return { stdout, stderr };
  });
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

async function compareAll(context: CheckContext, facts: CaseFacts, { namesrvAddr }: Cluster): Promise<void> {
  const cases = toolCases(facts);
  const java = await theirs("5.5.0", { dir: facts.dir, cases, namesrvAddr });
  const report: string[] = [];
  let [same, explained] = [0, 0];
  for (const [index, { args, differs }] of cases.entries()) {
    const [their, our] = [java[index]!, await ours(args, namesrvAddr)];
    const [a, b] = [masked(their), masked(our)];
    const difference = diff(a, b).length === 0 ? [] : diff(a.map(withoutWidths), b.map(withoutWidths));
    if (difference.length === 0) same++;
    else if (differs !== undefined) explained++;
    else report.push(`${args.join(" ")}\n${difference.join("\n")}\n    mqadmin's errors: ${firstError(their)}`);
  }
  context.remark = `${same} of ${cases.length} commands print the same, ${explained} differ as explained`;
  if (report.length > 0) throw new Error(`${context.remark}; these differ (- mqadmin, + ours):\n${report.join("\n")}`);
}

async function checkOld(context: CheckContext, facts: CaseFacts, { namesrvAddr }: Cluster): Promise<void> {
  const cases = toolCases(facts).filter(({ since5 }) => since5 === undefined);
  const java = await theirs("4.9.7", { dir: facts.dir, cases, namesrvAddr });
  const failed: string[] = [];
  for (const [index, { args }] of cases.entries()) {
    const error = firstError(java[index]!);
    if (error === "") continue;
    const our = await ours(args, namesrvAddr);
    if (our.stderr === "") failed.push(`${args.join(" ")}: ${error}\n${java[index]!.stdout.slice(0, 500)}`);
  }
  context.remark = `${cases.length - failed.length} of ${cases.length} commands`;
  if (failed.length > 0) throw new Error(`mqadmin 4.9.7 fails with\n${failed.join("\n")}`);
}

function firstError({ stderr }: Printed): string {
  const lines = stderr.split("\n").filter((line) => /Exception|CODE:/.test(line));
  return (lines.find((line) => line.includes("CODE:")) ?? lines[0] ?? "").trim();
}

/** Numbers, times, addresses and ids, with the blanks around them. */
const CHANGING = /( *)(?:\b[0-9A-F]{28,}\b|-?\d[\d.,:@#-]*)( *)($)?/gm;

/**
 * Lines in order, with everything that changes from run to run replaced. What stands in a column keeps its width, unless it
 * is the last one; members of maps, which Java's hash tables shuffle, are sorted.
 */
function masked({ stdout }: Printed): string[] {
  const text = stdout
    .replaceAll("]MessageTrack [", "]\nMessageTrack [")
    // Of a Java broker that has just started it is null until the first sample.
    .replace(/(putMessageDistributeTime *:).*/g, "$1 #")
    // Its unit follows from how much there is just then.
    .replace(/(remainHowManyDataToFlush *:).*/g, "$1 #")
    .replace(/\{([^{}\n]*=[^{}\n]*)\}/g, (_map, members: string) => `{${members.split(", ").sort().join(", ")}}`)
    .replace(CHANGING, (all, before: string, after: string, end?: string) => {
      if (end !== undefined) return before === "" ? "#" : " #";
      return before.length + after.length > 1 ? "#".repeat(all.length) : "#";
    });
  return text.split("\n").map((line) => line.trimEnd()).filter((line) => line !== "").sort();
}

/** For numbers of different length within a column. */
function withoutWidths(line: string): string {
  return line.replace(/ ?#+ ?/g, "#").replace(/#+/g, "#");
}

function diff(their: readonly string[], our: readonly string[]): string[] {
  const missing = without(their, our).map((line) => `    - ${line.slice(0, 400)}`);
  return [...missing, ...without(our, their).map((line) => `    + ${line.slice(0, 400)}`)];
}

/** The lines of `a` that `b` does not have, as often as they are missing. */
function without(a: readonly string[], b: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const line of b) left.set(line, (left.get(line) ?? 0) + 1);
  return a.filter((line) => {
    const count = left.get(line) ?? 0;
    left.set(line, count - 1);
    return count <= 0;
  });
}
