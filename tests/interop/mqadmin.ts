/**
 * Java's own mqadmin looks at a cluster and changes topics. Only what an operator reads or a script greps for is
 * checked: rows, columns and the sentences of success.
 *
 * @module
 */
import type { Check, CheckContext, Cluster } from "../../scripts/interop/check.ts";
import { runMqadmin } from "../../scripts/interop/java_process.ts";
import type { RocketmqVersion } from "../../scripts/interop/maven.ts";
import { BROKER_NAME, CLUSTER_NAME } from "../../scripts/interop/server.ts";

const TOPIC = "MqadminTopic";
const QUEUES = 3;

/** The topic and cluster commands of the mqadmin of 4.x and of 5.x. */
export const MQADMIN_CHECKS: readonly Check[] = (["5.5.0", "4.9.7"] as const).map((version) => ({
  name: `mqadmin.java${version}`,
  about: `mqadmin ${version} lists the cluster, and makes, shows and deletes a topic`,
  async run(context) {
    await using cluster = await context.startCluster();
    await checkCommands(context, version, cluster);
  },
}));

async function checkCommands(context: CheckContext, version: RocketmqVersion, cluster: Cluster): Promise<void> {
  const mqadmin = async (...args: string[]) => {
    const { namesrvAddr } = cluster;
    const result = await runMqadmin({ version, dir: `${context.dir}/mqadmin`, namesrvAddr, args });
    return new Output(args.join(" "), result.stdout, result.stderr);
  };
  const address = cluster.broker.address;

  // Every command spends seconds on its own orderly end, so those that do not depend on each other run together.
  const [clusters, created] = await Promise.all([
    mqadmin("clusterList"),
    mqadmin("updateTopic", "-c", CLUSTER_NAME, "-t", TOPIC, "-r", `${QUEUES}`, "-w", `${QUEUES}`),
  ]);
  clusters.expectRow([CLUSTER_NAME, BROKER_NAME, "0", address]);
  created.expect(new RegExp(`create topic to ${address} success\\.`));
  created.expect(new RegExp(`TopicConfig \\[topicName=${TOPIC}, readQueueNums=${QUEUES}, writeQueueNums=${QUEUES}`));

  const [topics, route, status] = await Promise.all([
    mqadmin("topicList"),
    mqadmin("topicRoute", "-t", TOPIC),
    mqadmin("topicStatus", "-t", TOPIC),
  ]);
  for (const topic of [TOPIC, "TBW102", CLUSTER_NAME, BROKER_NAME]) topics.expectRow([topic]);
  checkRoute(route, address);
  for (let queue = 0; queue < QUEUES; queue++) status.expectRow([BROKER_NAME, String(queue), "0", "0"]);

  const deleted = await mqadmin("deleteTopic", "-c", CLUSTER_NAME, "-t", TOPIC);
  deleted.expect(new RegExp(`delete topic \\[${TOPIC}\\] from cluster \\[${CLUSTER_NAME}\\] success\\.`));
  deleted.expect(new RegExp(`delete topic \\[${TOPIC}\\] from NameServer success\\.`));
  (await mqadmin("topicList")).expectNoRow([TOPIC]);
}

/** The shape of topicRoute's JSON, as far as it is read here. */
interface RouteJson {
  readonly brokerDatas: readonly { brokerName: string; cluster: string; brokerAddrs: Record<string, string> }[];
  readonly queueDatas: readonly { brokerName: string; readQueueNums: number; writeQueueNums: number; perm: number }[];
}

function checkRoute(output: Output, address: string): void {
  // mqadmin prints the route with fastjson, whose map keys may be bare numbers.
  const json = output.stdout.slice(output.stdout.indexOf("{")).replace(/([{,]\s*)(\d+)\s*:/g, '$1"$2":');
  let route: RouteJson;
  try {
    route = JSON.parse(json);
  } catch (error) {
    throw output.error(`its output is not the JSON of a route (${error})`);
  }
  const broker = route.brokerDatas?.[0];
  const queue = route.queueDatas?.[0];
  if (broker?.brokerName !== BROKER_NAME || broker.cluster !== CLUSTER_NAME || broker.brokerAddrs["0"] !== address) {
    throw output.error(`expected ${BROKER_NAME} of ${CLUSTER_NAME} at ${address}`);
  }
  if (queue?.brokerName !== BROKER_NAME || queue.readQueueNums !== QUEUES || queue.writeQueueNums !== QUEUES) {
    throw output.error(`expected ${QUEUES} queues at ${BROKER_NAME}`);
  }
}

/** What a command printed, with the questions asked about it. */
class Output {
  readonly #command: string;
  readonly stdout: string;
  readonly #stderr: string;

  constructor(command: string, stdout: string, stderr: string) {
    this.#command = command;
    this.stdout = stdout;
    this.#stderr = stderr;
  }

  /** @throws {Error} when the output has no match. */
  expect(pattern: RegExp): void {
    if (!pattern.test(this.stdout)) throw this.error(`no match of ${pattern}`);
  }

  /** @throws {Error} when no line begins with these columns. */
  expectRow(columns: readonly string[]): void {
    if (!this.#hasRow(columns)) throw this.error(`no row that begins with ${columns.join(" | ")}`);
  }

  /** @throws {Error} when a line begins with these columns. */
  expectNoRow(columns: readonly string[]): void {
    if (this.#hasRow(columns)) throw this.error(`a row that begins with ${columns.join(" | ")}`);
  }

  /** An error that names the command and shows what it printed. */
  error(problem: string): Error {
    return new Error(`mqadmin ${this.#command}: ${problem} in\n${this.stdout}${this.#stderr.slice(0, 2000)}`);
  }

  #hasRow(columns: readonly string[]): boolean {
    return this.stdout.split("\n").some((line) => {
      const words = line.trim().split(/\s+/);
      return columns.every((column, index) => words[index] === column);
    });
  }
}
