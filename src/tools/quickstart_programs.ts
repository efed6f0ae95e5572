/**
 * The quickstart examples as programs of `rucola tools`, also by their Java class names:
 * `rucola tools org.apache.rocketmq.example.quickstart.Producer`.
 *
 * RocketMQ counterpart: tools.sh with these classes. The name servers come from NAMESRV_ADDR, or `-n`.
 *
 * @module
 */
import { runConsumer } from "../examples/quickstart_consumer.ts";
import { runProducer } from "../examples/quickstart_producer.ts";
import { stopSignal } from "../common/stop_signal.ts";
import { COMMON_OPTIONS, parseArguments, UsageError } from "./arguments.ts";
import { usageText } from "./usage.ts";
import { connect, nameServers, type ToolWorld } from "./world.ts";

/** Sends 1,000 messages to TopicTest and prints a line for each. */
export function quickstartProducer(args: readonly string[], world: ToolWorld): Promise<number> {
  return runExample("quickstart.Producer", args, world, async (namesrvAddrs) => {
    await using client = connect(namesrvAddrs, world);
    await runProducer({ client, clock: world.clock, print: (line) => world.write(`${line}\n`) });
  });
}

/** Prints what comes to TopicTest, until the process is told to end. */
export function quickstartConsumer(args: readonly string[], world: ToolWorld): Promise<number> {
  return runExample("quickstart.Consumer", args, world, async (namesrvAddrs) => {
    const stop = stopSignal();
    try {
      await using client = connect(namesrvAddrs, world);
      await runConsumer({ client, print: (line) => world.write(`${line}\n`), until: stop.promise });
    } finally {
      stop.ignore();
    }
  });
}

async function runExample(
  name: string,
  args: readonly string[],
  world: ToolWorld,
  run: (namesrvAddrs: string[]) => Promise<void>,
): Promise<number> {
  let namesrvAddrs: string[];
  try {
    const values = parseArguments(args, COMMON_OPTIONS);
    if (values.has("h")) {
      world.write(`${usageText(`rucola tools ${name}`, COMMON_OPTIONS)}\n`);
      return 0;
    }
    namesrvAddrs = nameServers(values.get("n"), world.environment);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    world.writeError(`${error.message}\n${usageText(`rucola tools ${name}`, COMMON_OPTIONS)}\n`);
    return 1;
  }
  await run(namesrvAddrs);
  return 0;
}
