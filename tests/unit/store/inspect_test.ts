import { assertEquals } from "@std/assert";
import { SimClock } from "../../../src/common/clock_sim.ts";
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
