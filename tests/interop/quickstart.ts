/**
 * RocketMQ's quickstart programs, the first thing that everybody runs: the Producer sends 1,000 messages, the Consumer
 * prints each of them once.
 *
 * @module
 */
import type { Check, CheckContext } from "../../scripts/interop/check.ts";
import { runJava, startJava } from "../../scripts/interop/java_process.ts";
import type { RocketmqVersion } from "../../scripts/interop/maven.ts";
import { waitFor } from "../../scripts/interop/process.ts";
import { repeated } from "./accounting.ts";

const MESSAGES = 1000;
const PACKAGE = "org.apache.rocketmq.example.quickstart";
const CONSUME_TIMEOUT_MS = 60_000;

/** How long the consumer goes on after the last message, to see whether one comes again. */
const LISTEN_ON_MS = 1500;

/** Quickstart of the oldest and of the newest client. */
export const QUICKSTART_CHECKS: readonly Check[] = (["5.5.0", "4.4.0"] as const).map((version) => ({
  name: `quickstart.java${version}`,
  about: `Java ${version}'s quickstart Consumer gets each message of the quickstart Producer once`,
  async run(context) {
    await using cluster = await context.startCluster();
    await checkQuickstart(context, version, cluster.namesrvAddr);
  },
}));

/**
 * Runs Producer and Consumer one after the other through a name server.
 *
 * @throws {Error} when a send failed, or the consumer did not get exactly what was sent.
 */
export async function checkQuickstart(
  context: CheckContext,
  version: RocketmqVersion,
  namesrvAddr: string,
): Promise<void> {
  const dir = `${context.dir}/client`;
  const producer = await runJava({ version, dir, namesrvAddr, mainClass: `${PACKAGE}.Producer` });
  const sent = messageIds(producer.stdout, /SendResult \[sendStatus=SEND_OK, msgId=([0-9A-F]+)/g);
  if (sent.length !== MESSAGES) {
    const output = (producer.stdout + producer.stderr).split("\n").filter((line) => !line.includes("SEND_OK"));
    throw new Error(`${sent.length} of ${MESSAGES} sends were acknowledged: ${output.slice(0, 5).join("\n")}`);
  }
  await using consumer = await startJava({ version, dir, namesrvAddr, mainClass: `${PACKAGE}.Consumer` });
  const received = async () => messageIds(await consumer.stdout(), /MessageExt \[.*?UNIQ_KEY=([0-9A-F]+)/g);
  const progress = async () => `${(await received()).length} received\n${(await consumer.stderr()).slice(-1000)}`;
  const all = async () => (await received()).length >= MESSAGES;
  await waitFor(`the Consumer to get ${MESSAGES} messages`, CONSUME_TIMEOUT_MS, all, progress);
  await new Promise((resolve) => setTimeout(resolve, LISTEN_ON_MS));
  const ids = await received();
  const again = repeated(ids);
  if (again.length > 0) throw new Error(`${again.length} messages came more than once, the first is ${again[0]}`);
  const wanted = new Set(sent);
  const strange = ids.filter((id) => !wanted.has(id));
  if (strange.length > 0) throw new Error(`${strange.length} messages came that were not sent, e.g. ${strange[0]}`);
}

function messageIds(output: string, pattern: RegExp): string[] {
  return Array.from(output.matchAll(pattern), (match) => match[1] ?? "");
}
