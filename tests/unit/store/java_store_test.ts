import { assert, assertEquals } from "@std/assert";
import { concatBytes, getI32, getI64, putI32 } from "../../../src/common/bytes.ts";
import { SimClock } from "../../../src/common/clock_sim.ts";
import { type Disk, readWhole } from "../../../src/common/disk.ts";
import { OffsetMessageIds } from "../../../src/protocol/ids.ts";
import { RecordKind, RecordView } from "../../../src/protocol/record.ts";
import { AppendMessage, AppendResult, PutStatus } from "../../../src/store/store.ts";
import { sampleDisk, type SampleIndex, type SampleListing, sampleListing } from "./sample_store.ts";
import { StoreHarness } from "./store_harness.ts";

const HOST = new Uint8Array([127, 0, 0, 1]);

/** Opens a sample with the index sizes that it has, and other file sizes than it has: the files decide. */
function harnessFor(name: string, listing: SampleListing): StoreHarness {
  const clock = new SimClock(1_795_300_000_000);
  const { maxHashSlotNum, maxIndexNum } = listing.layout;
  return new StoreHarness(sampleDisk(name, clock), clock, {
    maxHashSlotNum,
    maxIndexNum,
    mappedFileSizeCommitLog: 4096,
  });
}

async function checkQueues(h: StoreHarness, listing: SampleListing): Promise<void> {
  const queues = listing.consumeQueues.filter((queue) => queue.maxOffset > 0);
  for (const queue of queues) {
    const at = `${queue.topic}-${queue.queueId}`;
    assertEquals(h.store.maxOffset(queue.topic, queue.queueId), queue.maxOffset, at);
    const units = await h.store.unitsAt(queue.topic, queue.queueId, 0, queue.maxOffset);
    const read = queue.entries.map((
      _,
      i,
    ) => [i, getI64(units, 20 * i), getI32(units, 20 * i + 8), getI64(units, 20 * i + 12)]);
    assertEquals(read, queue.entries.map((entry) => [...entry]), at);
    assertEquals((await h.readAll(queue.topic, queue.queueId)).length, queue.maxOffset, at);
  }
}

async function checkMessages(h: StoreHarness, listing: SampleListing): Promise<void> {
  const ids = new OffsetMessageIds(HOST, 30911);
  const view = new RecordView();
  for (const message of listing.messages) {
    const record = await h.store.messageAt(message.commitLogOffset);
    assert(record !== null, `message at ${message.commitLogOffset}`);
    assertEquals(view.read(record, 0, record.length, message.commitLogOffset, true), RecordKind.RECORD);
    assertEquals(
      [view.size, view.queueId, view.queueOffset, view.sysFlag, view.storeTimestamp],
      [message.size, message.queueId, message.queueOffset, message.sysFlag, message.storeTimestamp],
    );
    assertEquals(ids.of(message.commitLogOffset), message.offsetMsgId);
  }
}

/** Reads an index file by its layout. */
function listIndex(disk: Disk, path: string, slots: number): Omit<SampleIndex, "file"> {
  const b = readWhole(disk, path)!;
  const indexCount = getI32(b, 36);
  const entries: [number, number, number, number, number][] = [];
  for (let n = 1; n < indexCount; n++) {
    const at = 40 + 4 * slots + 20 * n;
    entries.push([n, getI32(b, at), getI64(b, at + 4), getI32(b, at + 12), getI32(b, at + 16)]);
  }
  return {
    beginTimestamp: getI64(b, 0),
    endTimestamp: getI64(b, 8),
    beginPhyOffset: getI64(b, 16),
    endPhyOffset: getI64(b, 24),
    hashSlotCount: getI32(b, 32),
    indexCount,
    entries,
  };
}

function checkIndex(h: StoreHarness, listing: SampleListing): void {
  const files = h.disk.list("/store/index");
  assertEquals(files.length, listing.index.length);
  listing.index.forEach(({ file: _, ...expected }, i) => {
    assertEquals(listIndex(h.disk, `/store/index/${files[i]!.name}`, listing.layout.maxHashSlotNum), expected);
  });
}

for (const name of ["store-4.9.7-clean", "store-5.5.0-clean", "store-4.9.7-small-files"]) {
  Deno.test(`${name}: everything in it is read as it was listed, and stays as it is`, async () => {
    const listing = sampleListing(name);
    const h = harnessFor(name, listing);
    await h.open();
    assertEquals(h.store.figures().maxPhysicalOffset, listing.maxPhyOffset);
    await checkQueues(h, listing);
    await checkMessages(h, listing);
    await h.store.close();
    checkIndex(h, listing);
    assertEquals(h.log.filter((line) => !line.startsWith("info")), []);
  });
}

for (const name of ["store-4.9.7-crashed", "store-5.5.0-crashed", "store-4.9.7-recovered", "store-5.5.0-recovered"]) {
  Deno.test(`${name}: opens with every message and goes on`, async () => {
    const listing = sampleListing(name);
    const h = harnessFor(name, listing);
    await h.open();
    assertEquals(h.store.figures().maxPhysicalOffset, listing.maxPhyOffset);
    await checkQueues(h, listing);
    await checkMessages(h, listing);
    await h.store.indexed();
    for (const message of listing.messages) {
      if (message.keys === null || message.keys === undefined) continue;
      const key = message.keys.split(" ")[0]!;
      const found = await h.store.queryMessages(message.topic, key, 64, 0, Number.MAX_SAFE_INTEGER);
      assert(found.records.some((record) => getI64(record, 28) === message.commitLogOffset), `${message.topic}#${key}`);
    }
    const before = h.store.maxOffset("TopicA", 0);
    h.send({ topic: "TopicA", queueId: 0, body: "ours", keys: "ourKey" });
    assertEquals((await h.readAll("TopicA", 0, before)).map((m) => m.body), ["ours"]);
    await h.store.close();
  });
}

Deno.test("store-4.9.7-torn: the torn message is cut and its unit is zeroed, as Java should have done", async () => {
  const listing = sampleListing("store-4.9.7-torn-recovered");
  const h = harnessFor("store-4.9.7-torn", listing);
  await h.open();
  assertEquals(h.store.figures().maxPhysicalOffset, 84152);
  assertEquals(h.store.maxOffset("TopicA", 2), 12);
  await checkMessages(h, { ...listing, messages: listing.messages.filter((m) => m.commitLogOffset < 84152) });
  await h.store.close();
  const units = readWhole(h.disk, "/store/consumequeue/TopicA/2/00000000000000000000")!;
  assertEquals(units.subarray(240, 260), new Uint8Array(20));
});

Deno.test("a stale unit that Java left behind is not taken for a message", async () => {
  const listing = sampleListing("store-4.9.7-torn-recovered");
  const h = harnessFor("store-4.9.7-torn", listing);
  // As Java leaves it: log cut, unit still there, stopped cleanly, so nothing is dispatched again.
  const log = h.disk.open("/store/commitlog/00000000000000065536");
  log.truncate(84152 - 65536);
  log.truncate(65536);
  log.close();
  h.disk.remove("/store/abort");
  await h.open();
  assertEquals(h.store.maxOffset("TopicA", 2), 12);
  await h.store.close();
});

/** A stored record as a message in the body of a batch request. */
function batchItem({ bytes, at, bodyStart, bodyEnd, propertiesStart, propertiesEnd }: RecordView): Uint8Array {
  const bodySize = bodyEnd - bodyStart;
  const item = new Uint8Array(22 + bodySize + propertiesEnd - propertiesStart);
  putI32(item, 0, item.length);
  putI32(item, 12, getI32(bytes, at + 16));
  putI32(item, 16, bodySize);
  item.set(bytes.subarray(bodyStart, bodyEnd), 20);
  item.set(bytes.subarray(propertiesStart - 2, propertiesEnd), 20 + bodySize);
  return item;
}

/** Sends every message of a sample again, at the times at which Java stored them. */
async function sendAgain(h: StoreHarness, sample: Disk, listing: SampleListing): Promise<void> {
  const view = new RecordView();
  const message = new AppendMessage();
  const out = new AppendResult();
  const units = new Map(listing.consumeQueues.flatMap((queue) => queue.entries.map((entry) => [entry[1], entry[3]])));
  const size = listing.layout.mappedFileSizeCommitLog;
  const batch: Uint8Array[] = [];
  for (const [i, { commitLogOffset, topic, storeTimestamp }] of listing.messages.entries()) {
    const start = commitLogOffset - commitLogOffset % size;
    const bytes = readWhole(sample, `/store/commitlog/${String(start).padStart(20, "0")}`)!;
    assertEquals(view.read(bytes, commitLogOffset - start, bytes.length, commitLogOffset, true), RecordKind.RECORD);
    h.clock.jumpWall(storeTimestamp - h.clock.now());
    message.topic = topic;
    message.queueId = view.queueId;
    message.flag = getI32(bytes, view.at + 16);
    message.sysFlag = view.sysFlag;
    message.bornTimestamp = getI64(bytes, view.at + 40);
    message.bornHost = bytes.subarray(view.at + 48, view.at + 52);
    message.bornPort = getI32(bytes, view.at + 52);
    message.reconsumeTimes = getI32(bytes, view.bodyStart - 16);
    message.preparedTransactionOffset = getI64(bytes, view.bodyStart - 12);
    message.body = message.properties = bytes;
    message.bodyStart = view.bodyStart;
    message.bodyEnd = view.bodyEnd;
    message.propertiesStart = view.propertiesStart;
    message.propertiesEnd = view.propertiesEnd;
    message.tagsCode = units.get(commitLogOffset) ?? 0;
    if (topic === "TopicBatch") {
      batch.push(batchItem(view));
      if (listing.messages[i + 1]?.topic === topic) continue;
      message.body = concatBytes(batch);
      message.bodyStart = 0;
      message.bodyEnd = message.body.length;
      assertEquals(h.store.appendBatch(message, out), PutStatus.PUT_OK);
      assertEquals(out.batchOffsets.slice(0, out.count).at(-1), commitLogOffset);
    } else {
      assertEquals(h.store.append(message, out), PutStatus.PUT_OK);
      assertEquals(out.physicalOffset, commitLogOffset);
    }
    h.endTurn();
  }
  await h.store.close();
}

for (const name of ["store-4.9.7-clean", "store-5.5.0-clean", "store-4.9.7-small-files"]) {
  Deno.test(`${name}: the same messages sent to us give the same bytes`, async () => {
    const listing = sampleListing(name);
    const sample = sampleDisk(name, new SimClock());
    const h = StoreHarness.fresh(listing.layout);
    await h.open(30911);
    await sendAgain(h, sample, listing);
    const same = (path: string) => assertEquals(readWhole(h.disk, path), readWhole(sample, path), path);
    for (const { name: file } of sample.list("/store/commitlog")) same(`/store/commitlog/${file}`);
    for (const { topic, queueId } of listing.consumeQueues) {
      const directory = `/store/consumequeue/${topic}/${queueId}`;
      for (const { name: file } of sample.list(directory)) same(`${directory}/${file}`);
    }
    // 4.9.7 does not index tags.
    if (name.includes("5.5.0")) checkIndex(h, listing);
  });
}
