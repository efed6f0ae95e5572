import { assert, assertEquals, assertMatch } from "@std/assert";
import { getI32, getI64, putI16, putI32, utf8, utf8Text } from "../../../src/common/bytes.ts";
import { decodeProperties, encodeProperties, SysFlag } from "../../../src/protocol/message.ts";
import { RECORD_MAGIC_V2, RecordKind, RecordView } from "../../../src/protocol/record.ts";
import { AppendMessage, AppendResult, PutStatus } from "../../../src/store/store.ts";
import { StoreHarness } from "./store_harness.ts";

function messageTo(topic: string, body: string): AppendMessage {
  const m = new AppendMessage();
  m.topic = topic;
  m.body = utf8(body);
  m.bodyEnd = m.body.length;
  return m;
}

async function storedRecord(h: StoreHarness, m: AppendMessage): Promise<RecordView> {
  const out = new AppendResult();
  assertEquals(h.store.append(m, out), PutStatus.PUT_OK);
  h.endTurn();
  const record = (await h.store.messageAt(out.physicalOffset))!;
  const view = new RecordView();
  assertEquals(view.read(record, 0, record.length, out.physicalOffset, true), RecordKind.RECORD);
  return view;
}

Deno.test("the broker's properties follow the client's, with a separator where that lacks one", async () => {
  const h = StoreHarness.fresh();
  await h.open();
  for (const own of ["A\x01b", "A\x01b\x02"]) {
    const m = messageTo("T", "x");
    m.properties = utf8(own);
    m.propertiesEnd = m.properties.length;
    m.propertiesSuffix = utf8("CLUSTER\x01c\x02");
    const view = await storedRecord(h, m);
    const text = utf8Text(view.bytes.subarray(view.propertiesStart, view.propertiesEnd));
    assertEquals(text, "A\x01b\x02CLUSTER\x01c\x02");
  }
  await h.store.close();
});

Deno.test("long topics and IPv6 producers are stored as V2 and with 16 address bytes", async () => {
  const h = StoreHarness.fresh();
  await h.open();
  const topic = "%RETRY%" + "g".repeat(200);
  const m = messageTo(topic, "body");
  m.bornHost = new Uint8Array(16).fill(7);
  m.bornPort = 4711;
  const view = await storedRecord(h, m);
  assertEquals(getI32(view.bytes, 4), RECORD_MAGIC_V2);
  assertEquals(view.sysFlag, SysFlag.BORN_HOST_V6);
  assertEquals(getI32(view.bytes, 64), 4711);
  assertEquals(utf8Text(view.bytes.subarray(view.topicStart, view.topicEnd)), topic);
  await h.store.close();
  await h.open();
  assertEquals((await h.readAll(topic, 0)).map((each) => each.body), ["body"]);
  await h.store.close();
});

Deno.test("messages that break a limit are refused with RocketMQ's status", async () => {
  const h = StoreHarness.fresh({ maxMessageSize: 100 });
  await h.open();
  const out = new AppendResult();
  assertEquals(h.store.append(messageTo("t".repeat(128), "x"), out), PutStatus.MESSAGE_ILLEGAL);
  assertEquals(h.store.append(messageTo("", "x"), out), PutStatus.MESSAGE_ILLEGAL);
  assertEquals(h.store.append(messageTo("T", "x".repeat(101)), out), PutStatus.MESSAGE_ILLEGAL);
  assertMatch(h.store.problem(), /101 bytes, more than 100/);
  const m = messageTo("T", "x");
  m.properties = encodeProperties(new Map([["a", "b".repeat(32768)]]));
  m.propertiesEnd = m.properties.length;
  assertEquals(h.store.append(m, out), PutStatus.PROPERTIES_SIZE_EXCEEDED);
  h.endTurn();
  assertEquals(h.store.figures().maxPhysicalOffset, 0);
  await h.store.close();
});

Deno.test("prepared and rolled back messages are stored, but in no queue", async () => {
  const h = StoreHarness.fresh();
  await h.open();
  for (const sysFlag of [SysFlag.TRANSACTION_PREPARED, SysFlag.TRANSACTION_ROLLBACK, SysFlag.TRANSACTION_COMMIT]) {
    h.append({ body: `${sysFlag}`, sysFlag });
  }
  h.endTurn();
  assertEquals((await h.readAll("T", 0)).map((each) => each.body), [`${SysFlag.TRANSACTION_COMMIT}`]);
  await h.store.close();
});

Deno.test("a delayed message's unit carries its due time, also when recovery makes it again", async () => {
  const h = StoreHarness.fresh();
  await h.open();
  const m = messageTo("SCHEDULE_TOPIC_XXXX", "later");
  m.queueId = 2;
  m.properties = encodeProperties(new Map([["DELAY", "3"], ["TAGS", "t"]]));
  m.propertiesEnd = m.properties.length;
  m.deliverDelayMs = 10_000;
  const view = await storedRecord(h, m);
  const due = view.storeTimestamp + 10_000;
  const unit = await h.store.unitsAt("SCHEDULE_TOPIC_XXXX", 2, 0, 1);
  assertEquals(getI64(unit, 12), due);
  await h.store.close();
  h.disk.remove("/store/consumequeue/SCHEDULE_TOPIC_XXXX/2/00000000000000000000");
  h.disk.remove("/store/consumequeue/SCHEDULE_TOPIC_XXXX/2");
  await h.open();
  assertEquals(getI64(await h.store.unitsAt("SCHEDULE_TOPIC_XXXX", 2, 0, 1), 12), due);
  await h.store.close();
});

function batchItem(body: string, properties: Map<string, string>): Uint8Array {
  const p = encodeProperties(properties);
  const b = utf8(body);
  const item = new Uint8Array(22 + b.length + p.length);
  putI32(item, 0, item.length);
  putI32(item, 16, b.length);
  item.set(b, 20);
  putI16(item, 20 + b.length, p.length);
  item.set(p, 22 + b.length);
  return item;
}

function batchOf(items: Uint8Array[]): AppendMessage {
  const m = messageTo("B", "");
  m.body = new Uint8Array(items.flatMap((item) => [...item]));
  m.bodyEnd = m.body.length;
  return m;
}

Deno.test("a batch gets consecutive offsets in one segment, and its messages keep their own properties", async () => {
  const h = StoreHarness.fresh();
  await h.open();
  h.send({ body: "x".repeat(16384 - 400) });
  const items = ["one", "two", "three"].map((body) =>
    batchItem(body, new Map([["TAGS", body], ["KEYS", `key ${body}`]]))
  );
  const out = new AppendResult();
  assertEquals(h.store.appendBatch(batchOf(items), out), PutStatus.PUT_OK);
  h.endTurn();
  assertEquals([out.count, out.queueOffset, out.physicalOffset], [3, 0, 16384]);
  const onlyTwo = { matchesCode: (code: number) => code === 115276 };
  assertEquals((await h.readAll("B", 0)).map((each) => each.body), ["one", "two", "three"]);
  assertEquals((await h.readAll("B", 0, 0, onlyTwo)).map((each) => each.body), ["two"]);
  const found = await h.store.queryMessages("B", "three", 10, 0, Number.MAX_SAFE_INTEGER);
  const view = new RecordView();
  view.read(found.records[0]!, 0, found.records[0]!.length);
  const properties = decodeProperties(view.bytes.subarray(view.propertiesStart, view.propertiesEnd));
  assertEquals(properties.get("TAGS"), "three");
  await h.store.close();
});

Deno.test("a batch that cannot be read is refused whole", async () => {
  const h = StoreHarness.fresh();
  await h.open();
  const good = batchItem("good", new Map());
  const out = new AppendResult();
  for (let cut = 1; cut < good.length; cut++) {
    const m = batchOf([good, good.subarray(0, cut)]);
    assertEquals(h.store.appendBatch(m, out), PutStatus.MESSAGE_ILLEGAL);
  }
  assertEquals(h.store.appendBatch(batchOf([]), out), PutStatus.MESSAGE_ILLEGAL);
  h.endTurn();
  assertEquals(h.store.queue("B", 0), null);
  assert(h.store.figures().maxPhysicalOffset === 0);
  await h.store.close();
});
