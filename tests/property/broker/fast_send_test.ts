/**
 * Whatever a send request looks like, the fast path either leaves it to the general one or does the same with it: the same
 * bytes in the store, the same unit in the queue, the same answer.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { concatBytes, putI16, putI32, utf8 } from "../../../src/common/bytes.ts";
import type { Random } from "../../../src/common/random.ts";
import { RecordKind, RecordView } from "../../../src/protocol/record.ts";
import type { Command } from "../../../src/remoting/command.ts";
import type { MessageStore } from "../../../src/store/store.ts";
import { chance, encodeOddly, type Encoding, type Field, pick } from "../../support/odd_frames.ts";
import { simWorld } from "../../support/world.ts";
import { RawPeer, SendBench } from "../../unit/broker/send_bench.ts";

/** A send request in one of the header encodings. */
interface Frame {
  readonly fields: readonly Field[];
  readonly isBinary: boolean;
  readonly bytes: Uint8Array;
}

const RUNS = 800;
/** Physical offsets and queue offsets differ between the two sends; so do store time and the producer's port. */
const view = new RecordView();

const KINDS: readonly (readonly [string, (random: Random, run: number) => Frame])[] = [
  ["message", randomFrame],
  ["batch", randomBatchFrame],
];

for (const [kind, seed] of KINDS.flatMap((kind) => [1, 2, 3].map((seed) => [kind, seed] as const))) {
  const [name, makeFrame] = kind;
  Deno.test(`a ${name} means the same on the fast path and on the general one (seed ${seed})`, async () => {
    await simWorld(seed, { limitMs: 3_600_000 }).run(async (world) => {
      const machine = world.machine("broker");
      const bench = await SendBench.open(machine.boot(), machine.ip);
      for (const name of ["T", "话题"]) if (/^\w+$/.test(name)) bench.topics.createForGroup(name, 4);
      const client = world.machine("client").boot();
      const random = world.random("requests");
      let fast = await bench.fast(client);
      let general = await bench.general(client);
      for (let run = 0; run < RUNS; run++) {
        const frame = makeFrame(random, run);
        const what = `run ${run}: ${JSON.stringify(frame.fields)} ${frame.isBinary ? "binary" : "JSON"}`;
        const one = await fast.ask(frame.bytes);
        const other = await general.ask(frame.bytes);
        if (one === null || other === null) {
          assertEquals(one, other, what);
          fast = await bench.fast(client);
          general = await bench.general(client);
          continue;
        }
        assertEquals(comparable(one), comparable(other), what);
        if (one.code !== 0) continue;
        assertEquals(await stored(bench.store, one), await stored(bench.store, other), what);
      }
      // The test is about the fast path: it must have had its share.
      assert(bench.taken > RUNS / 4, `the fast path took ${bench.taken} of ${RUNS}`);
      fast.socket.close();
      general.socket.close();
      await bench.close();
    });
  });
}

Deno.test("a one-way send is stored by either path and answered by none", async () => {
  await simWorld(4).run(async (world) => {
    const machine = world.machine("broker");
    const bench = await SendBench.open(machine.boot(), machine.ip);
    bench.topics.createForGroup("T", 1);
    const client = world.machine("client").boot();
    const oneway = encode(ordinaryFields("k1"), { isBinary: false, opaque: 1, flag: 2, body: utf8("x") });
    const twoWay = encode(ordinaryFields("k2"), { isBinary: false, opaque: 2, flag: 0, body: utf8("x") });
    for (const peer of [await bench.fast(client), await bench.general(client)]) {
      const before = bench.store.maxOffset("T", 0);
      const answer = await peer.ask(concatBytes([oneway, twoWay]));
      assertEquals(answer?.opaque, 2);
      assertEquals(bench.store.maxOffset("T", 0), before + 2);
      peer.socket.close();
    }
    assertEquals(bench.taken, 2);
    await bench.close();
  });
});

Deno.test("a queue that the broker must choose is left to the general path", async () => {
  await simWorld(6).run(async (world) => {
    const machine = world.machine("broker");
    const bench = await SendBench.open(machine.boot(), machine.ip);
    bench.topics.createForGroup("T", 4);
    const peer = await bench.fast(world.machine("client").boot());
    const fields = ordinaryFields("k1");
    set(fields, "e", "-1");
    const chosen = new Set<string>();
    for (let i = 0; i < 40; i++) {
      const answer = await peer.ask(encode(fields, { isBinary: i % 2 === 0, opaque: i, flag: 0, body: utf8("x") }));
      chosen.add(answer!.ext.queueId!);
    }
    assertEquals([...chosen].sort(), ["0", "1", "2", "3"]);
    assertEquals(bench.taken, 0);
    peer.socket.close();
    await bench.close();
  });
});

Deno.test("what is asked in one frame does not linger into the next", async () => {
  await simWorld(5).run(async (world) => {
    const machine = world.machine("broker");
    const bench = await SendBench.open(machine.boot(), machine.ip);
    bench.topics.createForGroup("T", 1);
    const peer: RawPeer = await bench.fast(world.machine("client").boot());
    const tagged = ordinaryFields("k1", `UNIQ_KEY\x01k1\x02TAGS\x01A\x02WAIT\x01false\x02`);
    for (const fields of [tagged, ordinaryFields("k2")]) {
      await peer.ask(encode(fields, { isBinary: true, opaque: 1, flag: 0, body: utf8("x") }));
    }
    const units = await bench.store.unitsAt("T", 0, 0, 2);
    assertEquals(units[19], "A".charCodeAt(0));
    assertEquals(units.subarray(32, 40), new Uint8Array(8));
    assertEquals(bench.taken, 2);
    peer.socket.close();
    await bench.close();
  });
});

/** An answer without what must differ. */
function comparable(answer: Command) {
  const { msgId, queueOffset, transactionId, ...ext } = answer.ext;
  return {
    ...answer,
    // The broker makes a key for a message without one.
    ext: { ...ext, transactionId: isMade(transactionId) ? "made" : transactionId },
    hasOffsets: msgId !== undefined && queueOffset !== undefined,
    remark: answer.remark?.replaceAll(/10\.0\.0\.\d+:\d+/g, "peer"),
  };
}

function isMade(key: string | undefined): boolean {
  return key !== undefined && key.startsWith("0A000001");
}

/** Records and queue units of an answered send, without what must differ. */
async function stored(store: MessageStore, answer: Command) {
  const found = [];
  for (const [i, msgId] of answer.ext.msgId!.split(",").entries()) {
    found.push(await storedAt(store, msgId, Number(answer.ext.queueOffset) + i));
  }
  return found;
}

async function storedAt(store: MessageStore, msgId: string, queueOffset: number) {
  const offset = Number(BigInt(`0x${msgId.slice(16)}`));
  const record = (await store.messageAt(offset))!;
  assertEquals(view.read(record, 0, record.length), RecordKind.RECORD);
  assertEquals(view.physicalOffset, offset);
  assertEquals(view.queueOffset, queueOffset);
  const topic = new TextDecoder().decode(record.subarray(view.topicStart, view.topicEnd));
  const unit = await store.unitsAt(topic, view.queueId, view.queueOffset, 1);
  const masked = record.slice();
  masked.fill(0, 20, 36); // queue offset, physical offset
  masked.fill(0, 52, 56); // port of the producer's connection
  masked.fill(0, view.storeTimestampAt, view.storeTimestampAt + 8);
  const text = new TextDecoder().decode(masked.subarray(view.propertiesStart));
  // A delayed message's unit carries its due time.
  const tagsCode = topic.startsWith("SCHEDULE") ? "time" : unit.slice(12).toHex();
  return { topic, text: text.replace(/UNIQ_KEY\x010A000001\w+/, "made"), tagsCode, ...maskKey(masked, text) };
}

function maskKey(record: Uint8Array, properties: string) {
  return /UNIQ_KEY\x010A000001/.test(properties) ? { size: record.length } : { hex: record.toHex() };
}

function ordinaryFields(key: string, properties = `UNIQ_KEY\x01${key}\x02`): Field[] {
  return [
    ["a", "PG"],
    ["b", "T"],
    ["c", "TBW102"],
    ["d", "4"],
    ["e", "0"],
    ["f", "0"],
    ["g", "1795237760945"],
    ["h", "0"],
    ["i", properties],
    ["j", "0"],
    ["k", "false"],
    ["m", "false"],
    ["n", "broker-a"],
  ];
}

function randomFrame(random: Random, run: number): Frame {
  let fields = ordinaryFields(`key${run}`, randomProperties(random, run));
  fields = fields.map((field) => chance(random, 0.01) ? [field[0], oddValue(random)] as const : field);
  set(fields, "e", String(random.int(4)));
  if (chance(random, 0.06)) set(fields, "e", pick(random, ["4", "99", "2147483648", "-0", "00", "+1", " 1", "1.0"]));
  if (chance(random, 0.06)) set(fields, "f", pick(random, ["1", "2", "8", "12", "16", "48", "256", "3000000000"]));
  if (chance(random, 0.06)) set(fields, "h", pick(random, ["-5", "2147483647", "2147483648", "-2147483649"]));
  if (chance(random, 0.03)) set(fields, "j", pick(random, ["1", "-1", "x", "4294967296"]));
  if (chance(random, 0.03)) set(fields, "k", pick(random, ["true", "TRUE", "", "x"]));
  if (chance(random, 0.03)) set(fields, "m", pick(random, ["True", "tree", "", "0"]));
  if (chance(random, 0.05)) fields.push(["l", pick(random, ["16", "-1", "x", "2147483648"])]);
  if (chance(random, 0.03)) {
    set(fields, "b", pick(random, ["T2", "%RETRY%PG", "话题", "a b", "", "SCHEDULE_TOPIC_XXXX"]));
  }
  if (chance(random, 0.05)) fields.splice(random.int(fields.length), 1);
  if (chance(random, 0.05)) fields.push(fields[random.int(fields.length)]!);
  if (chance(random, 0.05)) fields.push([pick(random, ["a", "b", "e", "h", "i", "j", "l", "m"]), ""]);
  if (chance(random, 0.1)) fields.push(["ns", "x"], ["nsd", "false"], ["zü", "\u{1F600}"]);
  if (chance(random, 0.2)) fields.sort(() => random.int(3) - 1);
  const isBinary = chance(random, 0.5);
  const body = new Uint8Array(random.int(40)).map(() => random.int(256));
  const bytes = encode(fields, { isBinary, opaque: random.int(2 ** 31), flag: 0, body, random });
  return { fields, isBinary, bytes };
}

function randomBatchFrame(random: Random, run: number): Frame {
  const properties = chance(random, 0.5) ? "" : randomProperties(random, run);
  const fields = ordinaryFields("", properties);
  set(fields, "e", String(random.int(4)));
  // What says that it is a batch is the code, or the field.
  const code = chance(random, 0.5) ? 310 : 320;
  set(fields, "m", code === 310 ? pick(random, ["true", "TRUE", "tRue", "tree"]) : pick(random, ["true", "false", ""]));
  if (chance(random, 0.05)) fields.push(["m", pick(random, ["true", "false", ""])]);
  if (chance(random, 0.05)) set(fields, "f", pick(random, ["1", "4", "8", "12", "128", "256"]));
  if (chance(random, 0.05)) set(fields, "b", pick(random, ["T2", "%RETRY%PG", "%DLQ%PG", "x".repeat(120)]));
  if (chance(random, 0.05)) set(fields, "j", "1");
  if (chance(random, 0.05)) fields.splice(random.int(fields.length), 1);
  const isBinary = chance(random, 0.5);
  const bytes = encode(fields, {
    isBinary,
    opaque: random.int(2 ** 31),
    flag: 0,
    body: batchBody(random),
    random,
    code,
  });
  return { fields, isBinary, bytes };
}

/** Messages as a producer joins them: size, magic, CRC, flag, body, properties; sometimes not quite. */
function batchBody(random: Random): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let i = random.int(6); i >= 0; i--) {
    const body = new Uint8Array(random.int(30)).map(() => random.int(256));
    const properties = utf8(
      pick(random, ["", "UNIQ_KEY\x01k", "TAGS\x01A\x02KEYS\x01a b\x02", randomProperties(random, i)]),
    );
    const head = new Uint8Array(20);
    putI32(head, 0, 22 + body.length + properties.length + (chance(random, 0.01) ? 1 : 0));
    putI32(head, 12, random.int(100));
    putI32(head, 16, body.length);
    const size = new Uint8Array(2);
    putI16(size, 0, properties.length);
    parts.push(head, body, size, properties);
  }
  const whole = concatBytes(parts);
  return chance(random, 0.03) ? whole.slice(0, random.int(whole.length)) : whole;
}

function randomProperties(random: Random, run: number): string {
  const pairs = [["UNIQ_KEY", `key${run}`], ["WAIT", "true"]];
  const more = [
    ["TAGS", pick(random, ["A", "标签", "\uFEFFx", "", "a || b", "\u{1F600}"])],
    ["KEYS", pick(random, ["k1", "k1 k2", "钥匙", " "])],
    ["WAIT", pick(random, ["false", "FALSE", "no", ""])],
    ["UNIQ_KEY", pick(random, ["", "x", '"quoted"', "back\\slash", "ключ", "y".repeat(200)])],
    ["own", pick(random, ["v", 'a"b', "\\", "\n\r\t\b\f/", "\x7f\u0080", "1\x012", "\u2028", "\0"])],
    ["", "no name"],
    ["own2", ""],
    ["DELAY", pick(random, ["0", "1", "3", "-1", "99", "x"])],
    [pick(random, ["CLUSTER", "MSG_REGION", "TRACE_ON", "POP_CK", "__CRC32#"]), "mine"],
    ["D", "1"],
    ["DELAYED", "1"],
    ["名", "值"],
  ];
  for (const pair of more) if (chance(random, 0.06)) pairs.splice(random.int(pairs.length + 1), 0, pair);
  if (chance(random, 0.03)) { for (let i = 0; i < 70; i++) pairs.push([`p${i}`, "v"]); }
  let text = pairs.map(([name, value]) => `${name}\x01${value}`).join("\x02");
  if (chance(random, 0.5)) text += "\x02";
  if (chance(random, 0.04)) {
    text = pick(random, ["", "nothing", "\x02", "\x02\x02" + text, text + "\x02\x02", "x\x02" + text]);
  }
  return text;
}

function oddValue(random: Random): string | Uint8Array {
  return pick<string | Uint8Array>(random, [
    "",
    "x",
    "-",
    "1e3",
    "\uFEFF",
    Uint8Array.of(0xff, 0x41),
    Uint8Array.of(0xc3),
  ]);
}

function set(fields: Field[], name: string, value: string): void {
  const index = fields.findIndex((field) => field[0] === name);
  if (index >= 0) fields[index] = [name, value];
}

function encode(fields: readonly Field[], encoding: Omit<Encoding, "code"> & { code?: number }): Uint8Array {
  return encodeOddly(fields, { code: 310, ...encoding });
}
