/**
 * The tools against a name server and a broker of ours, over real sockets and on a real disk. That the same commands print
 * the same as RocketMQ's own is compared with captured output in the interop checks; here it counts what they do.
 * @module
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { BrokerSettings } from "../../src/broker/read_options.ts";
import { SystemClock } from "../../src/common/clock.ts";
import { DenoDisk } from "../../src/common/disk_deno.ts";
import { createEnvironment } from "../../src/common/environment.ts";
import { SILENT_LOG } from "../../src/common/log.ts";
import { DenoNet } from "../../src/common/net_deno.ts";
import { SystemRandom } from "../../src/common/random.ts";
import { type AllInOne, startAllInOne } from "../../src/tools/all_in_one.ts";
import { runTools } from "../../src/tools/mqadmin.ts";

const MACHINE = { net: new DenoNet(), clock: new SystemClock(), disk: new DenoDisk(), random: new SystemRandom() };

/** A cluster and a command line for it. */
class Bench implements AsyncDisposable {
  constructor(readonly cluster: AllInOne, readonly directory: string, readonly levels: readonly string[]) {}

  static async start(): Promise<Bench> {
    const directory = await Deno.makeTempDir();
    const environment = createEnvironment({ variables: { HOME: directory } });
    const options = {
      dataDirectory: directory,
      namesrvPort: 0,
      brokerPort: 0,
      brokerIp: "127.0.0.1",
      bindAddress: "127.0.0.1",
    };
    const levels: string[] = [];
    const onSettings = ({ log }: BrokerSettings) => void levels.push(log.logLevel);
    const cluster = await startAllInOne({ ...MACHINE, environment, options, log: () => SILENT_LOG, onSettings });
    return new Bench(cluster, directory, levels);
  }

  /** Runs a command that must succeed; gives back what it printed. */
  async tool(...args: string[]): Promise<string> {
    const { stdout, stderr } = await this.run(...args);
    assertEquals(stderr, "", args.join(" "));
    return stdout;
  }

  async run(...args: string[]): Promise<{ stdout: string; stderr: string }> {
    let [stdout, stderr] = ["", ""];
    await runTools(args, {
      ...MACHINE,
      environment: createEnvironment({ variables: { NAMESRV_ADDR: this.cluster.namesrvAddr } }),
      write: (text) => void (stdout += text),
      writeError: (text) => void (stderr += text),
    });
    return { stdout, stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster.stop();
    await Deno.remove(this.directory, { recursive: true });
  }
}

function rows(text: string): string[][] {
  return text.trim().split("\n").slice(1).map((line) => line.trim().split(/\s+/));
}

Deno.test("A topic is made, seen in every list, changed and deleted", async () => {
  await using bench = await Bench.start();
  const { brokerAddr } = bench.cluster;

  const made = await bench.tool("updateTopic", "-c", "DefaultCluster", "-t", "Orders", "-r", "3", "-w", "2");
  assertStringIncludes(made, `create topic to ${brokerAddr} success.\nTopicConfig [topicName=Orders, readQueueNums=3,`);
  assert((await bench.tool("topicList")).split("\n").includes("Orders"));
  assertEquals(await bench.tool("topicClusterList", "-t", "Orders"), "DefaultCluster\n");
  const [route] = rows(await bench.tool("topicRoute", "-t", "Orders", "-l"));
  assertEquals([route![0], ...route!.slice(2)], ["DefaultCluster", `{0=${brokerAddr}}`, "3", "2", "6"]);
  const [broker] = rows(await bench.tool("clusterList"));
  assertEquals([broker![0], broker![2], broker![3]], ["DefaultCluster", "0", brokerAddr]);

  assertStringIncludes(await bench.tool("updateTopicPerm", "-b", brokerAddr, "-t", "Orders", "-p", "4"), "from 6 to 4");
  const changed = JSON.parse(await bench.tool("topicRoute", "-t", "Orders", "--json"));
  assertEquals(changed.queueDatas[0].perm, 4);

  for (const command of ["updateTopicPerm", "updateTopic"]) {
    const refused = await bench.run(command, "-b", brokerAddr, "-t", "Orders", "-p", "99");
    assertStringIncludes(refused.stderr, "-p 99: a topic's permission is 2 (write), 4 (read), 6 (both) or 0");
  }
  assertEquals(JSON.parse(await bench.tool("topicRoute", "-t", "Orders", "--json")).queueDatas[0].perm, 4);

  const deleted = await bench.tool("deleteTopic", "-c", "DefaultCluster", "-t", "Orders");
  assertEquals(
    deleted,
    "delete topic [Orders] from cluster [DefaultCluster] success.\ndelete topic [Orders] from NameServer success.\n",
  );
  const gone = await bench.run("topicRoute", "-t", "Orders");
  assertMatch(gone.stderr, /Caused by: CODE: 17 {2}DESC: No topic route info/);
});

Deno.test("A message that was sent is found by key, by both ids, by offset and by printing its queue", async () => {
  await using bench = await Bench.start();
  await bench.tool("updateTopic", "-c", "DefaultCluster", "-t", "Orders", "-r", "1", "-w", "1");
  const sent = rows(await bench.tool("sendMessage", "-t", "Orders", "-p", "hello", "-k", "order-1", "-c", "TagX"));
  const [brokerName, queueId, status, msgId] = sent[0]!;
  assertEquals([queueId, status], ["0", "SEND_OK"]);

  const byKey = rows(await bench.tool("queryMsgByKey", "-t", "Orders", "-k", "order-1"));
  const [[foundId, ...place]] = byKey as [string[]];
  assertEquals([foundId, ...place.slice(0, 2)], [msgId!, "0", "0"]);
  assertMatch(place[2]!, new RegExp(`^\\d+@Orders@K@order-1@${msgId}@0$`));
  const byOffset = await bench.tool("queryMsgByOffset", "-t", "Orders", "-b", brokerName!, "-i", "0", "-o", "0");
  const offsetId = /^OffsetID: +(\w+)$/m.exec(byOffset)![1]!;
  for (const id of [offsetId, msgId!]) {
    const byId = await bench.tool("queryMsgById", "-t", "Orders", "-i", id, "-f", "utf-8");
    assertStringIncludes(byId, "Tags:                [TagX]\nKeys:                [order-1]\n");
    assertMatch(byId, /^Message Body: +hello$/m);
  }
  assertStringIncludes(await bench.tool("printMsg", "-t", "Orders"), `MSGID: ${msgId} MessageExt [brokerName=`);
  const counted = await bench.tool("printMsgByQueue", "-t", "Orders", "-a", brokerName!, "-i", "0", "-f", "true");
  assertMatch(counted, /^Tag: TagX +Count: 1$/m);
  const missing = await bench.run("queryMsgByKey", "-t", "Orders", "-k", "order-2");
  assertStringIncludes(missing.stderr, "CODE: 208  DESC: query message by key finished, but no message.");
});

Deno.test("A group is made, moved, followed and deleted", async () => {
  await using bench = await Bench.start();
  await bench.tool("updateTopic", "-c", "DefaultCluster", "-t", "Orders", "-r", "1", "-w", "1");
  for (const body of ["a", "b", "c"]) await bench.tool("sendMessage", "-t", "Orders", "-p", body);
  await bench.tool("updateTopic", "-c", "DefaultCluster", "-t", "%RETRY%Billing", "-r", "1", "-w", "1");

  const made = await bench.tool("updateSubGroup", "-c", "DefaultCluster", "-g", "Billing", "-r", "3");
  assertStringIncludes(made, "SubscriptionGroupConfig{groupName=Billing, consumeEnable=true,");
  assertMatch(await bench.tool("getConsumerConfig", "-g", "Billing"), /^retryMaxTimes += {2}3$/m);

  const none = "There are no dead letters of ";
  assertStringIncludes(await bench.tool("listDlq", "-g", "Billing"), `${none}Billing\n`);
  assertStringIncludes(
    await bench.tool("listDlq", "-g", "Biling"),
    `${none}Biling, nor has any broker a group of this`,
  );
  assertEquals(JSON.parse(await bench.tool("listDlq", "-g", "Billing", "--json")), []);
  assertStringIncludes(await bench.tool("replayDlq", "-g", "Billing"), "Replayed: 0\n");

  const reset = await bench.tool("resetOffsetByTime", "-g", "Billing", "-t", "Orders", "-s", "-1");
  assertEquals(reset.trim().split("\n").at(-1)!.trim().split(/\s+/).slice(1), ["0", "3"]);
  const skipped = rows(await bench.tool("skipAccumulatedMessage", "-g", "Billing", "-t", "Orders"));
  assertEquals(skipped.map((row) => row.slice(1)), [["0", "3"]]);

  const deleted = await bench.run("deleteSubGroup", "-c", "DefaultCluster", "-g", "Billing", "-r", "true");
  assertStringIncludes(deleted.stdout, "delete subscription group [Billing] from broker [");
  assertEquals(await bench.tool("getConsumerConfig", "-g", "Billing"), "");
});

Deno.test("Configuration is read and changed, on brokers and name servers, and permission is taken and given back", async () => {
  await using bench = await Bench.start();
  const { brokerAddr, namesrvAddr } = bench.cluster;
  const changed = await bench.tool("updateBrokerConfig", "-b", brokerAddr, "-k", "fileReservedTime", "-v", "71");
  assertEquals(changed, `update broker config success, ${brokerAddr}\n`);
  assertMatch(await bench.tool("getBrokerConfig", "-b", brokerAddr), /^fileReservedTime += {2}71$/m);
  await bench.tool("updateBrokerConfig", "-b", brokerAddr, "-k", "logLevel", "-v", "WARN");
  assertEquals(bench.levels.at(-1), "WARN", "whoever writes the logs is told");
  const late = await bench.run("updateBrokerConfig", "-b", brokerAddr, "-k", "flushDiskType", "-v", "SYNC_FLUSH");
  assertEquals(late.stderr, `${brokerAddr}: flushDiskType: saved, and counts after a restart\n`);
  const moved = await bench.run("updateBrokerConfig", "-b", brokerAddr, "-k", "brokerIP1", "-v", "10.9.9.9");
  assertEquals(moved.stderr, `${brokerAddr}: brokerIP1: saved, and counts after a restart\n`);
  await bench.tool("updateTopic", "-b", brokerAddr, "-t", "RegistersAgain");
  assertEquals(rows(await bench.tool("clusterList")).map((row) => row[3]), [brokerAddr]);
  const unknown = await bench.run("updateBrokerConfig", "-b", brokerAddr, "-k", "fileReservdTime", "-v", "1");
  assertStringIncludes(
    unknown.stderr,
    `${brokerAddr}: there is no key fileReservdTime; did you mean fileReservedTime?\n`,
  );
  assertEquals(unknown.stdout, "", "nothing was changed");
  const unknownHere = await bench.run("updateNamesrvConfig", "-k", "orderMesageEnable", "-v", "true");
  assertStringIncludes(unknownHere.stderr, "there is no key orderMesageEnable");
  const noCluster = await bench.run("brokerStatus", "-c", "NoCluster");
  assertStringIncludes(noCluster.stderr, "Make sure the specified clusterName exists");
  const { slaves, ...ha } = JSON.parse(await bench.tool("haStatus", "-b", brokerAddr, "--json"));
  assertEquals([ha.masterAddr, ha.slaveNum, ha.inSyncSlaveNums, slaves], [brokerAddr, 0, 0, []]);
  assertMatch(await bench.tool("haStatus", "-b", brokerAddr), /^#SlaveNum\t0\n#InSyncSlaveNum\t0\n#SlaveAddr .*\n$/m);
  const refused = await bench.run("updateBrokerConfig", "-b", brokerAddr, "-k", "brokerConfigPath", "-v", "x");
  assertStringIncludes(refused.stderr, "CODE: 16  DESC: Can not update config in black list.");
  assertMatch(await bench.tool("brokerStatus", "-b", brokerAddr), /^brokerVersionDesc +: V5_5_0$/m);

  await bench.tool("updateKvConfig", "-s", "NS", "-k", "key", "-v", "value");
  await bench.tool("updateOrderConf", "-t", "Orders", "-m", "put", "-v", "broker-a:4");
  const order = await bench.tool("updateOrderConf", "-t", "Orders", "-m", "get");
  assertEquals(order.trim(), "get orderConf success. topic=[Orders], orderConf=[broker-a:4]");
  assertStringIncludes(await bench.tool("getNamesrvConfig"), `============${namesrvAddr}============\n`);

  const brokerName = rows(await bench.tool("clusterList"))[0]![1]!;
  const wiped = await bench.tool("wipeWritePerm", "-b", brokerName);
  assertMatch(wiped, new RegExp(`^wipe write perm of broker\\[${brokerName}\\] in name server\\[.*\\] OK, [1-9]`));
  assertStringIncludes(await bench.tool("addWritePerm", "-b", brokerName), "OK, ");
});
