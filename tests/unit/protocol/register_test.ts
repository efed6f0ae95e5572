import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { deflateSync } from "node:zlib";
import { crc32, EMPTY, utf8, utf8Text } from "../../../src/common/bytes.ts";
import {
  decodeDataVersion,
  decodeRegisterBody,
  encodeDataVersion,
  encodeRegisterBody,
  formatTopicConfig,
  parseTopicConfig,
  type RegisterBrokerBody,
  sameDataVersion,
  ZERO_DATA_VERSION,
} from "../../../src/protocol/bodies/register.ts";
import { VersionOrdinal } from "../../../src/protocol/codes.ts";
import { readHeader } from "../../../src/protocol/header.ts";
import { REGISTER_BROKER_REQUEST } from "../../../src/protocol/headers/namesrv.ts";
import { JsonError, parseJson } from "../../../src/protocol/json.ts";
import { goldenExchange } from "../namesrv/golden_frames.ts";

const V4_9_7 = 407;
const V5_5_0 = 513;

const BODY: RegisterBrokerBody = {
  dataVersion: { stateVersion: 3, timestamp: 1795238096707, counter: 7 },
  topicConfigTable: new Map([
    ["T", {
      topicName: "T",
      readQueueNums: 4,
      writeQueueNums: 8,
      perm: 6,
      topicFilterType: "SINGLE_TAG",
      topicSysFlag: 0,
      order: false,
      attributes: { "+message.type": "FIFO" },
    }],
    ["%RETRY%组", {
      topicName: "%RETRY%组",
      readQueueNums: 1,
      writeQueueNums: 1,
      perm: 6,
      topicFilterType: "MULTI_TAG",
      topicSysFlag: 0,
      order: false,
      attributes: {},
    }],
  ]),
  filterServerList: ["127.0.0.1:30000"],
  topicQueueMappingInfoMap: new Map([["S", {
    topic: "S",
    scope: "__global__",
    totalQueues: 2,
    bname: "broker-a",
    epoch: 1,
    dirty: true,
    currIdMap: new Map([[0, 1]]),
  }]]),
};

Deno.test("the captured registrations of 4.9.7 and 5.5.0 are read, and their checksum is over the bytes as sent", () => {
  const cases = [
    { name: "000103-register-broker-4.9.7", counter: 0 },
    { name: "000103-register-broker-5.5.0", counter: 0 },
    { name: "000103-register-broker-oneway-4.9.7", counter: 1 },
  ];
  for (const { name, counter } of cases) {
    const { request } = goldenExchange(name);

    const body = decodeRegisterBody(request.body, request.version);

    const json = parseJson(utf8Text(request.body)) as { topicConfigSerializeWrapper: { topicConfigTable: object } };
    const expected = Object.keys(json.topicConfigSerializeWrapper.topicConfigTable);
    assertEquals([...body.topicConfigTable.keys()].sort(), expected.sort());
    assertEquals(body.dataVersion.counter, counter, name);
    const tbw = body.topicConfigTable.get("TBW102")!;
    assertEquals([tbw.readQueueNums, tbw.writeQueueNums, tbw.perm, tbw.topicFilterType], [8, 8, 7, "SINGLE_TAG"]);
    assertEquals(crc32(request.body), readHeader(REGISTER_BROKER_REQUEST, request.ext).bodyCrc32, name);
  }
});

Deno.test("a registration of 5.x is written as RocketMQ's members are named", () => {
  const { request } = goldenExchange("000103-register-broker-5.5.0");
  const body = decodeRegisterBody(request.body, request.version);

  const again = decodeRegisterBody(encodeRegisterBody(body), V5_5_0);

  assertEquals(again, body);
  assertEquals(decodeRegisterBody(encodeRegisterBody(BODY), V5_5_0), BODY);
});

Deno.test("a compressed registration is recognised by its first byte and keeps everything that its form has", () => {
  assertEquals(decodeRegisterBody(encodeRegisterBody(BODY, true), V5_5_0), BODY);
});

Deno.test("a compressed registration of 4.x ends behind the filter servers, and its topics may lack attributes", () => {
  const text = (value: string) => [0, 0, utf8(value).length >> 8, utf8(value).length & 255, ...utf8(value)];
  const bytes = Uint8Array.from([
    ...text('{"counter":5,"timestamp":9}'),
    ...[0, 0, 0, 1],
    ...text("T 4 8 6 SINGLE_TAG"),
    ...text("[]"),
  ]);

  const body = decodeRegisterBody(new Uint8Array(deflateSync(bytes, { level: 9 })), V4_9_7);

  assertEquals(body.dataVersion, { stateVersion: 0, timestamp: 9, counter: 5 });
  assertEquals(body.topicConfigTable.get("T")?.writeQueueNums, 8);
  assertEquals(body.topicConfigTable.get("T")?.attributes, {});
  assertEquals(body.topicQueueMappingInfoMap.size, 0);
});

Deno.test("before 3.0.11 the body is the topic table alone", () => {
  const text = '{"dataVersion":{"counter":1,"timestamp":2},"topicConfigTable":{"T":{"topicName":"T","perm":6}}}';

  const body = decodeRegisterBody(utf8(text), VersionOrdinal.V3_0_11 - 1);

  assertEquals([...body.topicConfigTable.keys()], ["T"]);
  assertEquals(body.dataVersion.timestamp, 2);
});

Deno.test("an empty registration has no topics and the zero version", () => {
  const body = decodeRegisterBody(EMPTY, V5_5_0);
  assertEquals(body.topicConfigTable.size, 0);
  assertEquals(body.dataVersion, ZERO_DATA_VERSION);
});

Deno.test("a damaged compressed registration is refused with the place", () => {
  const whole = encodeRegisterBody(BODY, true);
  assertStringIncludes(
    assertThrows(() => decodeRegisterBody(whole.subarray(0, 20), V5_5_0), JsonError).message,
    "cannot inflate a compressed registration of 20 bytes",
  );
  const short = new Uint8Array(deflateSync(Uint8Array.from([0, 0, 0, 50, 1]), { level: 9 }));
  assertStringIncludes(
    assertThrows(() => decodeRegisterBody(short, V5_5_0), JsonError).message,
    "50 bytes missing at 4",
  );
});

Deno.test("versions are equal when all fields are; 4.x has no stateVersion", () => {
  const old = decodeDataVersion(utf8('{"counter":33,"timestamp":1795238335727}'));
  assertEquals(old, { stateVersion: 0, timestamp: 1795238335727, counter: 33 });
  assertEquals(sameDataVersion(old, { ...old, stateVersion: 1 }), false);
  assertEquals(sameDataVersion(old, { ...old }), true);
  assertEquals(utf8Text(encodeDataVersion(old)), goldenExchange("000322-query-data-version-probe").responseBody);
  assertEquals(decodeDataVersion(EMPTY), ZERO_DATA_VERSION);
});

Deno.test("a topic's text form goes both ways", () => {
  const topic = BODY.topicConfigTable.get("T")!;
  assertEquals(formatTopicConfig(topic), 'T 4 8 6 SINGLE_TAG {"+message.type":"FIFO"}');
  assertEquals(parseTopicConfig(formatTopicConfig(topic)), topic);
});
