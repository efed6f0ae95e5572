/**
 * Whatever a pull request looks like, the fast path either leaves it to the general decoder or reads the same; and its
 * answers are the frames that the general encoder makes.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { Interner } from "../../../src/common/intern.ts";
import type { Random } from "../../../src/common/random.ts";
import { PullScan } from "../../../src/broker/pull_scan.ts";
import { writePullAnswer } from "../../../src/broker/pull_reply.ts";
import { CURRENT_VERSION } from "../../../src/protocol/codes.ts";
import { readHeader, writeHeader } from "../../../src/protocol/header.ts";
import { PULL_MESSAGE_REQUEST } from "../../../src/protocol/headers/message.ts";
import { command, FLAG_RESPONSE, SERIALIZE_JSON, SERIALIZE_ROCKETMQ } from "../../../src/remoting/command.ts";
import type { Connection } from "../../../src/remoting/connection.ts";
import { decodeFrame, decodeFrameBytes, FrameReader } from "../../../src/remoting/frame.ts";
import { Outbox } from "../../../src/remoting/outbox.ts";
import { PullResult, type PullStatus, pullStatusName } from "../../../src/store/store.ts";
import { chance, encodeOddly, type Field, pick } from "../../support/odd_frames.ts";
import { simWorld } from "../../support/world.ts";

const RUNS = 800;

Deno.test("a pull request reads the same on the fast path and on the general one", () => {
  for (const seed of [1, 2, 3]) {
    const random = simWorld(seed).random("pulls");
    const scan = new PullScan(new Interner());
    let taken = 0;
    for (let run = 0; run < RUNS; run++) {
      const fields = randomFields(random);
      const isBinary = chance(random, 0.5);
      const flag = chance(random, 0.02) ? random.int(4) : 0;
      const encoding = { code: 11, isBinary, opaque: random.int(2 ** 31), flag, body: new Uint8Array(0), random };
      const reader = new FrameReader();
      reader.bytes = encodeOddly(fields, encoding);
      reader.received(reader.bytes.length);
      assert(reader.next());
      const header = scan.read(reader);
      if (header === null) continue;
      taken++;
      const what = `seed ${seed} run ${run}: ${JSON.stringify(fields)} ${isBinary ? "binary" : "JSON"}`;
      const general = decodeFrame(reader);
      assertEquals(header, readHeader(PULL_MESSAGE_REQUEST, general.ext), what);
      assertEquals([scan.opaque, 0], [general.opaque, general.flag], what);
    }
    assert(taken > RUNS / 4, `the fast path took ${taken} of ${RUNS}`);
  }
});

Deno.test("an answer to a pull is the frame that the general encoder makes", () => {
  const random = simWorld(4).random("answers");
  for (let run = 0; run < 500; run++) {
    const socket = { write: (bytes: Uint8Array) => Promise.resolve(bytes.length) };
    const outbox = new Outbox(socket as never, () => {}, () => {});
    const serialize = chance(random, 0.5) ? SERIALIZE_JSON : SERIALIZE_ROCKETMQ;
    const request = command({ code: 11, opaque: random.int(2 ** 31), serialize });
    const number = () => pick(random, [0, -1, random.int(10), random.int(2 ** 31), Number.MAX_SAFE_INTEGER]);
    const numbers = {
      suggestWhichBrokerId: number(),
      nextBeginOffset: number(),
      topicSysFlag: number(),
      groupSysFlag: number(),
    };
    const status = random.int(9) as PullStatus;
    const code = pick(random, [0, 19, 20, 21]);
    const result = new PullResult();
    [result.minOffset, result.maxOffset] = [number(), number()];
    result.parts.push(...[1, 2].map(() => new Uint8Array(random.int(99)).map(() => random.int(256))));
    result.sizeBytes = result.parts.reduce((sum, { length }) => sum + length, 0);
    writePullAnswer({ outbox, closed: false } as Connection, request, { code, status, ...numbers }, result);
    const answer = decodeFrameBytes(outbox.bytes.slice(0, outbox.pendingBytes));
    assertEquals(answer, {
      code,
      language: "JAVA",
      version: CURRENT_VERSION,
      opaque: request.opaque,
      flag: FLAG_RESPONSE,
      remark: pullStatusName(status),
      ext: Object.assign(
        serialize === SERIALIZE_JSON ? {} : Object.create(null),
        writeHeader({ ...numbers, minOffset: result.minOffset, maxOffset: result.maxOffset }),
      ),
      serialize,
      body: Uint8Array.from(result.parts.flatMap((part) => [...part])),
    });
  }
});

function randomFields(random: Random): Field[] {
  let fields: Field[] = [
    ["consumerGroup", "CG"],
    ["topic", "T"],
    ["queueId", "3"],
    ["queueOffset", String(random.int(1000))],
    ["maxMsgNums", "32"],
    ["sysFlag", "6"],
    ["commitOffset", "17"],
    ["suspendTimeoutMillis", "15000"],
    ["subVersion", "1795237760945"],
  ];
  if (chance(random, 0.8)) fields.push(["subscription", pick(random, ["*", "a || b", "", "标签", "x > 'y'"])]);
  if (chance(random, 0.8)) fields.push(["expressionType", pick(random, ["TAG", "SQL92", ""])]);
  if (chance(random, 0.3)) fields.push(["maxMsgBytes", pick(random, ["262144", "-1", "2147483648"])]);
  if (chance(random, 0.3)) fields.push(["requestSource", "0"], ["proxyFrowardClientId", "me@1"]);
  if (chance(random, 0.3)) fields.push(["lo", ""], ["bname", "broker-a"], ["topics", "x"], ["zü", "\u{1F600}"]);
  fields = fields.map((field) => chance(random, 0.02) ? [field[0], oddValue(random)] as const : field);
  if (chance(random, 0.05)) fields.splice(random.int(fields.length), 1);
  if (chance(random, 0.1)) fields.push([fields[random.int(fields.length)]![0], pick(random, ["1", "", "7"])]);
  if (chance(random, 0.2)) fields.sort(() => random.int(3) - 1);
  return fields;
}

function oddValue(random: Random): string | Uint8Array {
  return pick<string | Uint8Array>(random, [
    "",
    "x",
    "-",
    "-0",
    "00",
    "+1",
    " 1",
    "1.0",
    "1e3",
    "-5",
    "2147483648",
    "9007199254740993",
    "9223372036854775807",
    "-9223372036854775808",
    "\uFEFF",
    Uint8Array.of(0xff, 0x41),
  ]);
}
