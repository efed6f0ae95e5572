import { assertEquals, assertRejects } from "@std/assert";
import { CorruptError } from "../../../src/common/errors.ts";
import { utf8 } from "../../../src/common/bytes.ts";
import { parentOf } from "../../../src/common/disk.ts";
import { StoreHarness } from "./store_harness.ts";

const FOREIGN: readonly (readonly [what: string, path: string, reason: string])[] = [
  ["consume queues in RocksDB", "/store/consumequeue/CURRENT", "RocksDB"],
  ["a database file of RocksDB", "/store/consumequeue/000012.sst", "RocksDB"],
  ["batch consume queues", "/store/batchconsumequeue/T/0/00000000000000000000", "batch consume queues"],
  ["extension units", "/store/consumequeue_ext/T/0/00000000000000000000", "extension units"],
  ["a DLedger log", "/store/dledger-n0/data/00000000000000000000", "DLedger"],
  ["a controller's epochs", "/store/epochFileCheckpoint", "controller"],
  ["tiered storage", "/store/config/tieredStoreMetadata.json", "tiered storage"],
];

function put(h: StoreHarness, path: string, text: string): void {
  h.disk.makeDirectory(parentOf(path));
  const file = h.disk.open(path, { create: true });
  file.write(utf8(text), 0);
  file.close();
}

for (const [what, path, reason] of FOREIGN) {
  Deno.test(`a store with ${what} is refused and not touched`, async () => {
    const h = StoreHarness.fresh();
    put(h, path, "content");
    const before = JSON.stringify(h.disk.list("/store"));
    const error = await assertRejects(() => h.open(), CorruptError);
    assertEquals(error.message.includes(reason), true, error.message);
    assertEquals(JSON.stringify(h.disk.list("/store")), before);
  });
}

Deno.test("what RocketMQ 5.x makes with default settings is no reason to refuse a store", async () => {
  const h = StoreHarness.fresh();
  put(h, "/store/rocksdbstore/CURRENT", "MANIFEST-000004\n");
  put(h, "/store/compaction/position-checkpoint", "{}");
  put(h, "/store/batchconsumequeue/T/0/00000000000000000000", "\0\0\0\0");
  await h.open();
  assertEquals(h.send({}).out.queueOffset, 0);
  await h.store.close();
});
