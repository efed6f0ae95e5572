/**
 * `kill -9` of the broker under load, again and again. Afterwards the store must hold every message that it
 * acknowledged, each at its own offset, and a consumer that ran all the time must have been given all of them.
 *
 * @module
 */
import type { Check, CheckContext, Cluster } from "../../scripts/interop/check.ts";
import { runJava, startJava } from "../../scripts/interop/java_process.ts";
import { LineCounter } from "../../scripts/interop/line_counter.ts";
import { waitFor } from "../../scripts/interop/process.ts";
import { auditConsumed, auditStored, type MessagePlace, parsePlaces } from "./accounting.ts";

const TOPIC = "KillTest";
const THREADS = 32;

/** The broker dies when so many more messages were acknowledged, and at a random moment within the next second. */
const ACKNOWLEDGED_BETWEEN_KILLS = 300;
const KILL_WITHIN_MS = 1000;
const PROGRESS_TIMEOUT_MS = 60_000;

/** Kills with each message synced to disk before it is acknowledged, and without. */
export const KILL_CHECKS: readonly Check[] = [
  killCheck("kill.syncFlush", "SYNC_FLUSH"),
  killCheck("kill.asyncFlush", "ASYNC_FLUSH"),
];

function killCheck(name: string, flushDiskType: string): Check {
  return {
    name,
    about: `kill -9 of the broker under load with ${flushDiskType} loses no acknowledged message and doubles no offset`,
    async run(context) {
      await using cluster = await context.startCluster({ properties: { flushDiskType } });
      const result = await runLoad(context, cluster);
      const findings = [
        ...auditStored(result.acknowledged, result.stored),
        ...auditConsumed(result.acknowledged, result.consumed),
      ];
      context.remark = `${context.options.kills} kills, ${result.acknowledged.length} acknowledged, ` +
        `${result.stored.length} stored, ${result.consumed.length} consumed`;
      if (findings.length > 0) throw new Error(`${context.remark}\n  ${findings.join("\n  ")}`);
    },
  };
}

/** Everything there is to compare after the last kill. */
interface LoadResult {
  readonly acknowledged: readonly MessagePlace[];
  readonly stored: readonly MessagePlace[];
  readonly consumed: readonly MessagePlace[];
}

async function runLoad(context: CheckContext, cluster: Cluster): Promise<LoadResult> {
  const dir = `${context.dir}/client`;
  const { namesrvAddr } = cluster;
  const file = (name: string) => `${dir}/${name}.txt`;
  const places = async (name: string) => parsePlaces(await Deno.readTextFile(file(name)));
  const java = { version: "5.5.0" as const, dir };
  await using producer = await startJava({
    ...java,
    mainClass: "AckedProducer",
    args: [namesrvAddr, TOPIC, `${THREADS}`, file("acknowledged")],
  });
  await using consumer = await startJava({
    ...java,
    mainClass: "RecordingConsumer",
    args: [namesrvAddr, "KillTestConsumer", TOPIC, file("consumed")],
  });
  await producer.waitForOutput(/sending/, PROGRESS_TIMEOUT_MS);
  await consumer.waitForOutput(/consuming/, PROGRESS_TIMEOUT_MS);

  const acknowledgedLines = new LineCounter(file("acknowledged"));
  const consumedLines = new LineCounter(file("consumed"));
  const more = async (lines: LineCounter, least: number) => {
    const before = await lines.count();
    const enough = async () => (await lines.count()) >= before + least;
    const what = `${least} more messages in ${lines.path}`;
    await waitFor(what, PROGRESS_TIMEOUT_MS, enough, () => cluster.broker.process.tail());
  };
  for (let kill = 0; kill < context.options.kills; kill++) {
    await more(acknowledgedLines, ACKNOWLEDGED_BETWEEN_KILLS);
    await more(consumedLines, 1); // The consumer goes on as well, before it is interrupted again.
    await new Promise((resolve) => setTimeout(resolve, Math.random() * KILL_WITHIN_MS));
    await cluster.broker.process.kill();
    await cluster.restartBroker();
  }
  await more(acknowledgedLines, ACKNOWLEDGED_BETWEEN_KILLS);
  await producer.closeInput();
  await producer.waitForExit(PROGRESS_TIMEOUT_MS);

  const acknowledged = await places("acknowledged");
  const enoughConsumed = async () => (await consumedLines.count()) >= acknowledged.length;
  const allConsumed = async () =>
    await enoughConsumed() && auditConsumed(acknowledged, await places("consumed")).length === 0;
  // What is still missing when the time is over is told with everything else below.
  await waitFor("the consumer", PROGRESS_TIMEOUT_MS, allConsumed).catch(() => {});
  await consumer.closeInput();
  await consumer.waitForExit(PROGRESS_TIMEOUT_MS);

  const read = await runJava({ ...java, mainClass: "ReadAll", args: [namesrvAddr, TOPIC, file("stored")] });
  if (read.code !== 0) throw new Error(`Cannot read ${TOPIC} back: ${read.stderr}`);
  return { acknowledged, stored: await places("stored"), consumed: await places("consumed") };
}
