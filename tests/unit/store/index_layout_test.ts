import { assertEquals } from "@std/assert";
import { findIndexLayout } from "../../../src/store/index_layout.ts";
import { StoreHarness } from "./store_harness.ts";

for (const [slotCount, entryCountMax] of [[50, 60], [25, 100], [7, 41], [1000, 333]] as const) {
  Deno.test(`an index file of ${slotCount} slots and ${entryCountMax} entries says so by itself, and is continued`, async () => {
    const h = StoreHarness.fresh({ maxHashSlotNum: slotCount, maxIndexNum: entryCountMax });
    await h.open();
    for (let i = 0; i < 30; i++) h.send({ keys: `k${i}` });
    await h.store.close();
    const path = `/store/index/${h.disk.list("/store/index")[0]!.name}`;
    const layout = findIndexLayout(h.disk, path, { slotCount: 5_000_000, entryCountMax: 20_000_000 });
    assertEquals(layout, { slotCount, entryCountMax });

    const other = new StoreHarness(h.disk, h.clock, { maxHashSlotNum: 30, maxIndexNum: 90 });
    await other.open();
    other.send({ keys: "more" });
    for (const key of ["k0", "k29", "more"]) {
      assertEquals((await other.store.queryMessages("T", key, 10, 0, Infinity)).records.length, 1, key);
    }
    assertEquals(h.disk.list("/store/index").length, 1);
    await other.store.close();
  });
}
