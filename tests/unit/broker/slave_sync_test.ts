import { assertEquals } from "@std/assert";
import { ConsumerOffsets } from "../../../src/broker/offsets.ts";
import { defaultBrokerOptions } from "../../../src/broker/options.ts";
import { SlaveSync } from "../../../src/broker/slave_sync.ts";
import { utf8 } from "../../../src/common/bytes.ts";
import { ConnectionError } from "../../../src/common/errors.ts";
import { JsonFile } from "../../../src/common/json_file.ts";
import { allConsumerOffsetsText } from "../../../src/protocol/bodies/consumer_offset.ts";
import { RequestCode, ResponseCode } from "../../../src/protocol/codes.ts";
import type { Outgoing } from "../../../src/remoting/command.ts";
import { type SimProcess, simWorld } from "../../support/world.ts";

/** A slave's copying, and masters that have one offset each. */
function slaveOf(process: SimProcess, masters: Map<string, number>) {
  const { clock, disk, logging } = process;
  const log = logging.logger("broker");
  const file = new JsonFile(disk, "/store/config/consumerOffset.json");
  const offsets = new ConsumerOffsets({ clock, log, file, options: defaultBrokerOptions({}) });
  const told: [string, unknown][] = [];
  const state = { masterAddr: [...masters.keys()][0]!, delayMs: 1, answers: true };
  const invoke = async (address: string, { code, ext }: Outgoing) => {
    const offset = masters.get(address)!;
    await clock.sleep(state.delayMs);
    if (!state.answers) throw new ConnectionError("timeout", `no answer from ${address}`);
    if (code === RequestCode.UPDATE_CONSUMER_OFFSET) {
      told.push([address, ext?.commitOffset]);
      masters.set(address, Number(ext?.commitOffset));
    }
    const text = allConsumerOffsetsText({
      dataVersion: null,
      offsets: new Map([["T@G", new Map([[0, offset]])]]),
      pulled: new Map(),
      topicsByGroup: new Map(),
    });
    const body = utf8([...text].join(""));
    const isKnown = code === RequestCode.GET_ALL_CONSUMER_OFFSET || code === RequestCode.UPDATE_CONSUMER_OFFSET;
    return { code: isKnown ? ResponseCode.SUCCESS : ResponseCode.SYSTEM_ERROR, body };
  };
  const sync = new SlaveSync({
    client: { invoke } as never,
    clock,
    log,
    masterAddr: () => state.masterAddr,
    tables: { offsets, topics: { has: () => true } } as never,
    more: { requestModes: { replaceAll: () => {} }, timer: null },
    store: { topics: () => [], queueNums: () => 0 },
    copiesOffsetsOften: true,
  });
  return { sync, offsets, told, state, offset: () => offsets.query("G", "T", 0) };
}

Deno.test("a new leader that has copied less moves no offset back, the same master that says less does", async () => {
  await simWorld(1).run(async (world) => {
    const masters = new Map([["a", 100], ["b", 80]]);
    const { sync, offsets, told, state, offset } = slaveOf(world.machine("slave").boot(), masters);
    await sync.sync();
    assertEquals(offset(), 100);
    state.masterAddr = "b";
    sync.masterReplaced();
    await sync.sync();
    assertEquals([offset(), told], [100, []]);
    masters.set("b", 70);
    await sync.sync();
    assertEquals(offset(), 70, "an administrator has moved the group");
    offsets.close();
  });
});

Deno.test("an answer of the former leader that comes late says nothing of the new one", async () => {
  await simWorld(2).run(async (world) => {
    const masters = new Map([["a", 100], ["b", 80]]);
    const { sync, offsets, state, offset } = slaveOf(world.machine("slave").boot(), masters);
    offsets.commit("G", "T", 0, 90, "a consumer");
    state.delayMs = 50;
    const round = sync.sync();
    await world.clock.sleep(75);
    state.masterAddr = "b";
    sync.masterReplaced();
    await round;
    await sync.sync();
    assertEquals(offset(), 90);
    offsets.close();
  });
});

Deno.test("what was committed here between two leaders is told to the new one", async () => {
  await simWorld(3).run(async (world) => {
    const masters = new Map([["a", 100], ["b", 80]]);
    const { sync, offsets, told, state, offset } = slaveOf(world.machine("slave").boot(), masters);
    await sync.sync();
    offsets.commit("G", "T", 0, 110, "a consumer");
    state.masterAddr = "b";
    sync.masterReplaced();
    await sync.sync();
    assertEquals([offset(), told], [110, [["b", "110"]]]);
    offsets.close();
  });
});

Deno.test("who asks for a copy at once hears whether the offsets came", async () => {
  await simWorld(4).run(async (world) => {
    const { sync, offsets, state, offset } = slaveOf(world.machine("slave").boot(), new Map([["a", 100]]));
    state.answers = false;
    assertEquals([await sync.now(), offset()], [false, -1]);
    state.answers = true;
    assertEquals([await sync.now(), offset()], [true, 100]);
    offsets.close();
  });
});
