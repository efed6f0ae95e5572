/**
 * `rucola demo`: shows in a second that it works. Starts a name server and a broker on free loopback ports with a store in a
 * temporary directory, lets the quickstart producer send its messages while the quickstart consumer consumes them, prints
 * rates and latencies, and ends with 0 only when each message came exactly once.
 *
 * @module
 */
import { type Clock, SystemClock } from "../common/clock.ts";
import { DenoDisk } from "../common/disk_deno.ts";
import { removeTree } from "../common/disk.ts";
import { systemEnvironment } from "../common/environment.ts";
import { messageOf } from "../common/errors.ts";
import { SILENT_LOG } from "../common/log.ts";
import { NO_ATTRIBUTES } from "../protocol/bodies/register.ts";
import { runConsumer } from "../examples/quickstart_consumer.ts";
import { QUICKSTART_MESSAGES, QUICKSTART_TOPIC, runProducer } from "../examples/quickstart_producer.ts";
import { type AllInOneParts, startAllInOne } from "./all_in_one.ts";
import { percentile } from "./percentile.ts";
import { connect, systemWorld, type ToolWorld } from "./world.ts";

/** How long the consumer may take to get what was sent. */
const CONSUME_TIMEOUT_MS = 30_000;
/** How long it goes on listening for messages that come twice. */
const LISTEN_ON_MS = 500;
const POLL_MS = 5;
const QUEUES = 4;

/** What a demonstration found. Times are milliseconds of the monotonic clock. */
export interface DemoResult {
  /** Message id to when its send began. */
  readonly sentMs: ReadonlyMap<string, number>;
  /** From the begin of a send to its result. */
  readonly sendTimesMs: readonly number[];
  /** Message id to when each copy of it came. */
  readonly cameMs: ReadonlyMap<string, readonly number[]>;
}

/** Runs the subcommand on this machine; resolves to the exit code. */
export async function runDemo(args: string[]): Promise<number> {
  const world = systemWorld();
  if (args.length > 0) {
    world.write("usage: rucola demo\nSends and consumes 1,000 messages on free ports with a temporary store.\n");
    return args[0] === "-h" || args[0] === "--help" ? 0 : 1;
  }
  const disk = new DenoDisk();
  const environment = systemEnvironment();
  const directory = `${environment.variable("TMPDIR") ?? "/tmp"}/rucola-demo-${Deno.pid}`;
  try {
    disk.makeDirectory(directory);
    const options = {
      dataDirectory: directory,
      namesrvPort: 0,
      brokerPort: 0,
      brokerIp: "127.0.0.1",
      bindAddress: "127.0.0.1",
    };
    const parts: AllInOneParts = {
      ...world,
      clock: new SystemClock(),
      disk,
      environment,
      options,
      log: () => SILENT_LOG,
    };
    const result = await demonstrate(parts, world);
    const { lines, succeeded } = summary(result);
    world.write(`${lines.join("\n")}\n`);
    return succeeded ? 0 : 1;
  } catch (error) {
    world.writeError(`rucola demo: ${messageOf(error)}\n`);
    return 1;
  } finally {
    removeTree(disk, directory);
  }
}

/** Starts servers, sends and consumes. @throws what starting or the examples throw. */
export async function demonstrate(parts: AllInOneParts, world: ToolWorld): Promise<DemoResult> {
  const { clock } = parts;
  const startMs = clock.monotonicMs();
  await using running = await startAllInOne(parts);
  const { namesrvAddr, brokerAddr } = running;
  const elapsed = Math.round(clock.monotonicMs() - startMs);
  world.write(`name server ${namesrvAddr} and broker ${brokerAddr} are up after ${elapsed} ms\n`);
  await using producing = connect([namesrvAddr], world);
  await using consuming = connect([namesrvAddr], world);
  // Made beforehand, so that the consumer has its queues when the first message comes.
  await producing.admin().broker(brokerAddr).createTopic({
    topicName: QUICKSTART_TOPIC,
    readQueueNums: QUEUES,
    writeQueueNums: QUEUES,
    perm: 6,
    topicFilterType: "SINGLE_TAG",
    topicSysFlag: 0,
    order: false,
    attributes: NO_ATTRIBUTES,
  });
  const sentMs = new Map<string, number>();
  const sendTimesMs: number[] = [];
  const cameMs = new Map<string, number[]>();
  const done = Promise.withResolvers<void>();
  const consumer = runConsumer({
    client: consuming,
    print: () => {},
    onMessage({ msgId }) {
      const times = cameMs.get(msgId);
      if (times === undefined) cameMs.set(msgId, [clock.monotonicMs()]);
      else times.push(clock.monotonicMs());
    },
    until: done.promise,
  });
  try {
    await runProducer({
      client: producing,
      clock,
      print: (line) => line.startsWith("SendResult ") || world.writeError(`${line}\n`),
      onSent({ msgId }, elapsedMs) {
        sentMs.set(msgId, clock.monotonicMs() - elapsedMs);
        sendTimesMs.push(elapsedMs);
      },
    });
    await until(clock, () => [...sentMs.keys()].every((id) => cameMs.has(id)));
    await clock.sleep(LISTEN_ON_MS);
  } finally {
    done.resolve();
    await consumer;
  }
  return { sentMs, sendTimesMs, cameMs };
}

/** Waits for a condition, or as long as it may take. */
async function until(clock: Clock, condition: () => boolean): Promise<void> {
  const endMs = clock.monotonicMs() + CONSUME_TIMEOUT_MS;
  while (!condition() && clock.monotonicMs() < endMs) await clock.sleep(POLL_MS);
}

/** The lines that tell what a demonstration found, and whether each message came exactly once. */
export function summary(result: DemoResult): { readonly lines: readonly string[]; readonly succeeded: boolean } {
  const { sentMs, sendTimesMs, cameMs } = result;
  const lines: string[] = [];
  const travelMs: number[] = [];
  let [lost, repeated] = [0, 0];
  for (const [id, startMs] of sentMs) {
    const times = cameMs.get(id) ?? [];
    if (times.length === 0) lost++;
    else travelMs.push(times[0]! - startMs);
    if (times.length > 1) repeated++;
  }
  const strange = [...cameMs.keys()].filter((id) => !sentMs.has(id)).length;
  if (sentMs.size > 0) {
    lines.push(rateLine("sent", sentMs.size, [...sentMs.values()], sendTimesMs, "send to answer"));
  }
  if (travelMs.length > 0) {
    const times = [...cameMs.values()].map(([first]) => first!);
    lines.push(rateLine("consumed", travelMs.length, times, travelMs, "send to listener"));
  }
  const succeeded = sentMs.size === QUICKSTART_MESSAGES && lost + repeated + strange === 0;
  lines.push(
    succeeded
      ? `each of the ${count(QUICKSTART_MESSAGES)} messages came exactly once`
      : `FAILED: ${sentMs.size} of ${QUICKSTART_MESSAGES} were sent, ${lost} did not come, ${repeated} came more than ` +
        `once, ${strange} were never sent`,
  );
  return { lines, succeeded };
}

function rateLine(verb: string, size: number, timesMs: number[], latenciesMs: readonly number[], way: string): string {
  const spanMs = Math.max(...timesMs) - Math.min(...timesMs);
  const rate = Math.round(size / Math.max(spanMs, 1) * 1000);
  const [p50, p99] = [percentile(latenciesMs, 0.5), percentile(latenciesMs, 0.99)];
  return `${verb.padEnd(8)} ${count(size)} messages in ${(spanMs / 1000).toFixed(2)} s, ${count(rate)} a second; ` +
    `${way}: p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`;
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}
