import { assertEquals, assertMatch } from "@std/assert";
import { utf8 } from "../../../src/common/bytes.ts";
import { RequestCode, ResponseCode } from "../../../src/protocol/codes.ts";
import { simWorld } from "../../support/world.ts";
import { type BenchBroker, type Peer, startBenchBroker } from "./broker_bench.ts";

const UNIQUE_KEY = "7F00000100002A139A5517C0F5E80000";

/** An ordinary send in the form that clients use, so that the fast path has it first. */
function send(peer: Peer, queueId: number) {
  const ext = {
    ...{ a: "PG", b: "T", c: "TBW102", d: "4", e: String(queueId), f: "0", g: "1795238350787", h: "0" },
    ...{ i: `UNIQ_KEY\u0001${UNIQUE_KEY}\u0002WAIT\u0001true`, j: "0", k: "false", m: "false" },
  };
  return peer.ask(RequestCode.SEND_MESSAGE_V2, ext, utf8("hello"));
}

function pull(peer: Peer, queueId: number) {
  return peer.ask(RequestCode.PULL_MESSAGE, {
    ...{ consumerGroup: "CG", topic: "T", queueId: String(queueId), queueOffset: "0", maxMsgNums: "32", sysFlag: "4" },
    ...{ commitOffset: "0", suspendTimeoutMillis: "0", subscription: "*", subVersion: "0", expressionType: "TAG" },
  });
}

/** Makes a topic and a message in each of two queues. */
async function fill(bench: BenchBroker): Promise<void> {
  const peer = await bench.connect("client");
  await peer.ask(RequestCode.UPDATE_AND_CREATE_TOPIC, {
    ...{ topic: "T", defaultTopic: "TBW102", readQueueNums: "4", writeQueueNums: "4", perm: "6" },
    ...{ topicFilterType: "SINGLE_TAG", topicSysFlag: "0", order: "false" },
  });
  for (const queueId of [0, 1]) assertEquals((await send(peer, queueId)).code, ResponseCode.SUCCESS);
  peer.close();
}

Deno.test("a queue whose files cannot be understood is an error for those who ask for it, on a connection that stays", async () => {
  const world = simWorld(1);
  await world.run(async () => {
    const first = await startBenchBroker(world);
    await fill(first);
    await first.broker.stop();
    const { disk } = first.process;
    const path = `/store/consumequeue/T/1/${disk.list("/store/consumequeue/T/1")[0]!.name}`;
    const file = disk.open(path);
    file.truncate(file.size() + 20);
    file.close();
    first.process.kill();

    const { broker, connect } = await startBenchBroker(world);
    const peer = await connect("other");
    for (const ask of [send, pull, send, pull]) {
      const refused = await ask(peer, 1);
      assertEquals(refused.code, ResponseCode.SYSTEM_ERROR);
      assertMatch(refused.remark ?? "", /Corrupt data in \/store\/consumequeue\/T\/1\/0{20}/);
      assertEquals((await ask(peer, 0)).code, ResponseCode.SUCCESS);
    }
    peer.close();
    await broker.stop();
  });
});
