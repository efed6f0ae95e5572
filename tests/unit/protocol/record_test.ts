import { assert, assertEquals } from "@std/assert";
import { crc32, equalBytes, utf8 } from "../../../src/common/bytes.ts";
import { SeededRandom } from "../../../src/common/random.ts";
import {
  bodyCrc,
  encodeRecord,
  FILLER_MAGIC,
  RECORD_MAGIC_V1,
  RECORD_MAGIC_V2,
  RecordKind,
  recordSize,
  RecordView,
} from "../../../src/protocol/record.ts";
import { getI32, putI32 } from "../../../src/common/bytes.ts";

function fields(body: string, properties: string) {
  const [b, p] = [utf8(body), utf8(properties)];
  return {
    queueId: 3,
    flag: 7,
    sysFlag: 0,
    bornTimestamp: 1795237783087,
    bornHost: new Uint8Array([127, 0, 0, 1]),
    bornPort: 36346,
    reconsumeTimes: 1,
    preparedTransactionOffset: 12,
    body: b,
    bodyStart: 0,
    bodyEnd: b.length,
    properties: p,
    propertiesStart: 0,
    propertiesEnd: p.length,
    propertiesSuffix: new Uint8Array(0),
  };
}

function stamp(topic: string, physicalOffset = 1000) {
  return {
    topic: utf8(topic),
    queueOffset: 5,
    physicalOffset,
    storeTimestamp: 1795237783135,
    storeHost: new Uint8Array([10, 0, 0, 1]),
    storePort: 10911,
  };
}

function encode(topic: string, body = "hello", properties = "a\x01b\x02"): Uint8Array {
  const f = fields(body, properties);
  const s = stamp(topic);
  const bytes = new Uint8Array(recordSize(f, s.topic.length, 4));
  encodeRecord(bytes, 0, bytes.length, f, s);
  return bytes;
}

Deno.test("an encoded record is read back", () => {
  for (const topic of ["T", "t".repeat(127), "t".repeat(128), "t".repeat(255)]) {
    const bytes = encode(topic);
    const view = new RecordView();
    assertEquals(view.read(bytes, 0, bytes.length, 1000, true), RecordKind.RECORD);
    assertEquals(getI32(bytes, 4), topic.length > 127 ? RECORD_MAGIC_V2 : RECORD_MAGIC_V1);
    assertEquals([view.size, view.queueId, view.queueOffset, view.physicalOffset], [bytes.length, 3, 5, 1000]);
    assertEquals(view.storeTimestamp, 1795237783135);
    assert(equalBytes(bytes.subarray(view.bodyStart, view.bodyEnd), utf8("hello")));
    assert(equalBytes(bytes.subarray(view.topicStart, view.topicEnd), utf8(topic)));
    assert(equalBytes(bytes.subarray(view.propertiesStart, view.propertiesEnd), utf8("a\x01b\x02")));
  }
});

Deno.test("a record at another place, cut off, or with a changed body is not taken for good", () => {
  const bytes = encode("Topic");
  const view = new RecordView();
  assertEquals(view.read(bytes, 0, bytes.length, 1001, true), RecordKind.BAD);
  assertEquals(view.read(bytes, 0, bytes.length - 1, 1000, true), RecordKind.SHORT);
  assertEquals(view.size, bytes.length);
  assertEquals(view.read(bytes, 0, 7), RecordKind.SHORT);
  const changed = bytes.slice();
  changed[90]! ^= 1;
  assertEquals(view.read(changed, 0, changed.length, 1000, true), RecordKind.BAD);
});

Deno.test("fillers and blanks are told apart from records", () => {
  const bytes = new Uint8Array(16);
  const view = new RecordView();
  assertEquals(view.read(bytes, 0, 16), RecordKind.BLANK);
  putI32(bytes, 0, 1562);
  putI32(bytes, 4, FILLER_MAGIC);
  assertEquals(view.read(bytes, 0, 16), RecordKind.FILLER);
  assertEquals(view.size, 1562);
});

Deno.test("whatever the bytes are, reading them does not throw", () => {
  const random = new SeededRandom(7);
  const view = new RecordView();
  const good = encode("Topic", "x".repeat(100));
  for (let i = 0; i < 20_000; i++) {
    const bytes = good.slice();
    for (let n = random.int(6); n >= 0; n--) bytes[random.int(bytes.length)] = random.int(256);
    const kind = view.read(bytes, 0, bytes.length, -1, true);
    if (kind === RecordKind.RECORD) assertEquals(view.propertiesEnd, view.size);
  }
});

Deno.test("the CRC of short and long bodies is zlib's", () => {
  for (let size = 0; size < 200; size++) {
    const bytes = Uint8Array.from({ length: size + 4 }, (_, i) => i * 31 + size);
    assertEquals(bodyCrc(bytes, 2, size + 2), crc32(bytes.subarray(2, size + 2)));
  }
});
