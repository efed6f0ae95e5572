import { assertEquals } from "@std/assert";
import { SimClock } from "../../../src/common/clock_sim.ts";
import type { SimDisk } from "../../../src/common/disk_sim.ts";
import { inspectStore } from "../../../src/store/inspect.ts";
import type { StoreReport } from "../../../src/store/inspect_findings.ts";
import { defaultStoreOptions } from "../../../src/store/store.ts";
import { sampleDisk, sampleListing } from "./sample_store.ts";
import { StoreHarness } from "./store_harness.ts";

/** Audits the store of a harness. */
function inspect(h: StoreHarness): Promise<StoreReport> {
  return inspectStore({ disk: h.disk, clock: h.clock, options: h.options });
}

function namesOf(report: StoreReport): string[] {
  return report.findings.filter((f) => f.severity !== "note").map((f) => `${f.severity} ${f.invariant} ${f.path}`);
}

for (
  const name of [
    "store-4.9.7-clean",
    "store-5.5.0-clean",
    "store-4.9.7-small-files",
    "store-4.9.7-crashed",
    "store-5.5.0-crashed",
    "store-4.9.7-recovered",
    "store-5.5.0-recovered",
  ]
) {
  Deno.test(`${name}: an audit finds every record, unit and entry in order`, async () => {
    const listing = sampleListing(name);
    const clock = new SimClock();
    const disk = sampleDisk(name, clock);
    const report = await inspectStore({ disk, clock, options: defaultStoreOptions("/store") });
    assertEquals(namesOf(report), []);
    assertEquals(report.records, listing.messages.length);
    assertEquals(report.endOffset, listing.maxPhyOffset);
    assertEquals(report.units, listing.consumeQueues.reduce((sum, queue) => sum + queue.maxOffset, 0));
    assertEquals(report.indexEntries, listing.index.reduce((sum, file) => sum + file.entries.length, 0));
  });
}

Deno.test("records of a deleted topic are a note, those of a queue that is gone are not", async () => {
  const h = StoreHarness.fresh();
  await h.open();
  for (let i = 0; i < 10; i++) h.send({ topic: i % 2 === 0 ? "Kept" : "Gone" });
  h.store.deleteTopic("Gone");
  await h.store.close();
  assertEquals(namesOf(await inspect(h)), ["derived consumequeue.record-has-unit /store/consumequeue"]);
  h.disk.makeDirectory("/store/config");
  const table = h.disk.open("/store/config/topics.json", { create: true });
  table.write(new TextEncoder().encode(`{"topicConfigTable":{"Kept":{}}}`), 0);
  table.close();
  const report = await inspect(h);
  assertEquals(namesOf(report), []);
  assertEquals(report.counts.note, 1);
});

Deno.test("a topic that was deleted and made again has two records with the same offset, and is in order", async () => {
  const h = StoreHarness.fresh();
  await h.open();
  for (let i = 0; i < 5; i++) h.send({ body: `old ${i}` });
  h.store.deleteTopic("T");
  for (let i = 0; i < 3; i++) h.send({ body: `new ${i}` });
  await h.store.close();
  // The old records with offsets 3 and 4 lie before the first message of the queue that is there now.
  assertEquals(namesOf(await inspect(h)), []);
  await h.open();
  for (let i = 3; i < 6; i++) h.send({ body: `new ${i}` });
  await h.store.close();
  assertEquals(namesOf(await inspect(h)), []);
});

Deno.test("what a kill leaves behind is told apart from damage", async () => {
  const h = StoreHarness.fresh();
  await h.open();
  for (let i = 0; i < 40; i++) h.send({ queueId: i % 4, keys: `k${i}` });
  const killed = h.on((h.disk as SimDisk).kill());
  const report = await inspect(killed);
  assertEquals(namesOf(report), []);
  assertEquals(report.records, 40);
  assertEquals(report.findings.map(({ invariant }) => invariant), [
    "store.stopped",
    "consumequeue.record-has-unit",
    "index.record-has-entries",
  ]);
});
