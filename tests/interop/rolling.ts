/**
 * Both masters of a cluster restarted one after the other, as for a new release, under a Java producer and a Java consumer. Once
 * as the operations guide has it, drained first with `wipeWritePerm`: no send may fail. And once without warning, where the
 * client's own retries must be enough for all sends but those that were under way on a connection when it was closed: of these
 * the client (5.5.0) does not always tell the threads that wait, so that one attempt takes all the time that a send has.
 *
 * @module
 */
import { missingCount, parseClientRecord, whatClientsSaw } from "../../scripts/cluster/client_record.ts";
import type { Check, CheckContext } from "../../scripts/interop/check.ts";
import { runMqadmin, startJava } from "../../scripts/interop/java_process.ts";
import { freeBrokerPort, freePort } from "../../scripts/interop/ports.ts";
import { waitFor } from "../../scripts/interop/process.ts";
import { createTopic, rawRequest, waitForRegistration } from "../../scripts/interop/raw_client.ts";
import type { BrokerOptions, Server } from "../../scripts/interop/server.ts";

const TOPIC = "RollingTest";
const BROKERS = ["broker-a", "broker-b"];
const GET_BROKER_RUNTIME_INFO = 28;
const TIMEOUT_MS = 90_000;
/** Clients ask for routes so often here, instead of every 30 s: that only shortens the check. */
const POLL_MS = 1000;
/** A drained broker takes nothing for so long: some polls. */
const STILL_MS = 3000;
const SENDERS = 4;
/** What a send becomes whose first attempt has used up the time for all. */
const OUT_OF_TIME = "RemotingTooMuchRequestException";
/** A Java broker takes its time for an orderly end. */
const STOP_MS = 60_000;

/** Drained and at once. */
export const ROLLING_CHECKS: readonly Check[] = [
  {
    name: "rolling.drained",
    about: "masters drained with wipeWritePerm and restarted in turn fail no send of a Java producer, and lose nothing",
    run: (context) => checkRolling(context, true),
  },
  {
    name: "rolling.atOnce",
    about:
      "masters restarted in turn without warning lose nothing, and fail no send but what was under way as they closed",
    run: (context) => checkRolling(context, false),
  },
];

/** A broker through its lives. */
class Node {
  readonly #context: CheckContext;
  readonly options: BrokerOptions;
  server: Server | null = null;

  constructor(context: CheckContext, name: string, namesrvAddr: string) {
    this.#context = context;
    const properties = { brokerName: name };
    this.options = { dir: `${context.dir}/${name}`, port: freeBrokerPort(), namesrvAddr, properties };
  }

  get name(): string {
    return this.options.properties!["brokerName"]!;
  }

  async start(): Promise<void> {
    this.server = await this.#context.target.startBroker(this.options);
    await waitForRegistration(this.options.namesrvAddr, this.server.address);
  }

  async logEnd(): Promise<number> {
    const { body } = await rawRequest(this.server!.address, GET_BROKER_RUNTIME_INFO);
    return Number(/"commitLogMaxOffset":"(\d+)"/.exec(new TextDecoder().decode(body))?.[1]);
  }
}

async function checkRolling(context: CheckContext, isDrained: boolean): Promise<void> {
  const namesrv = await context.target.startNamesrv({ dir: `${context.dir}/namesrv`, port: freePort() });
  const nodes = BROKERS.map((name) => new Node(context, name, namesrv.address));
  try {
    for (const node of nodes) {
      await node.start();
      await createTopic(node.server!.address, TOPIC, 4);
    }
    const files = { sends: `${context.dir}/client/sends.txt`, receipts: `${context.dir}/client/receipts.txt` };
    const record = async () => {
      const receipts = await Deno.readTextFile(files.receipts);
      return parseClientRecord(await Deno.readTextFile(files.sends), receipts);
    };
    const java = { version: "5.5.0" as const, dir: `${context.dir}/client` };
    await using consumer = await startJava({
      ...java,
      mainClass: "NumberedConsumer",
      args: [namesrv.address, "RollingConsumer", TOPIC, files.receipts, `${POLL_MS}`],
    });
    await using producer = await startJava({
      ...java,
      mainClass: "PacedProducer",
      args: [namesrv.address, TOPIC, `${SENDERS}`, "5", files.sends, `${POLL_MS}`],
    });
    await Promise.all([
      consumer.waitForOutput(/consuming/, TIMEOUT_MS),
      producer.waitForOutput(/sending/, TIMEOUT_MS),
    ]);
    for (const node of nodes) await restart(context, node, isDrained);
    await producer.closeInput();
    await producer.waitForExit(TIMEOUT_MS);
    const missing = async () => missingCount(await record());
    await waitFor("everything to be consumed", TIMEOUT_MS, async () => await missing() === 0, async () => {
      return `${await missing()} messages are missing`;
    });
    const [seen] = whatClientsSaw(await record(), [{ fromMs: 0, toMs: Infinity }]);
    const cutOff = seen!.failed.get(OUT_OF_TIME) ?? 0;
    context.remark = `${seen!.sends} sends, ${cutOff} were cut off, ${seen!.duplicates} messages twice`;
    const isExplained = !isDrained && cutOff <= SENDERS * BROKERS.length;
    const failed = [...seen!.failed, ...seen!.warned]
      .filter(([outcome]) => !(isExplained && outcome === OUT_OF_TIME))
      .map(([outcome, count]) => `${count} ${outcome}`);
    if (failed.length > 0) throw new Error(`Of ${seen!.sends} sends: ${failed.join(", ")}`);
  } finally {
    await Promise.all([...nodes.map((node) => node.server?.process.kill()), namesrv.process.kill()]);
  }
}

async function restart(context: CheckContext, node: Node, isDrained: boolean): Promise<void> {
  await takesMessages(node);
  if (isDrained) await drain(context, node);
  await node.server!.process.stop(STOP_MS);
  await node.start();
  await takesMessages(node);
}

async function takesMessages(node: Node): Promise<void> {
  const end = await node.logEnd();
  await waitFor(`${node.name} to take messages`, TIMEOUT_MS, async () => await node.logEnd() > end);
}

async function drain(context: CheckContext, node: Node): Promise<void> {
  const dir = `${context.dir}/mqadmin`;
  const args = ["wipeWritePerm", "-b", node.name];
  const { stdout } = await runMqadmin({ version: "5.5.0", dir, namesrvAddr: node.options.namesrvAddr, args });
  if (!stdout.includes("wipe write perm of broker[")) throw new Error(`wipeWritePerm said: ${stdout}`);
  let [end, sinceMs] = [await node.logEnd(), performance.now()];
  await waitFor(`${node.name} to take no more messages`, TIMEOUT_MS, async () => {
    const now = await node.logEnd();
    if (now !== end) [end, sinceMs] = [now, performance.now()];
    return performance.now() - sinceMs > STILL_MS;
  });
}
