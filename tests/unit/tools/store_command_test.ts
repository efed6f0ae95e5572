import { assert, assertEquals, assertMatch } from "@std/assert";
import { removeTree } from "../../../src/common/disk.ts";
import { runStore } from "../../../src/tools/store/store_command.ts";
import { StoreHarness } from "../store/store_harness.ts";

/** Runs the command on a harness's disk. */
async function run(h: StoreHarness, ...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ["", ""];
  const code = await runStore(args, {
    disk: h.disk,
    clock: h.clock,
    write: (text) => void (out += text),
    writeError: (text) => void (err += text),
  });
  return { code, out, err };
}

async function makeStore(): Promise<StoreHarness> {
  const h = StoreHarness.fresh();
  await h.open();
  for (let i = 0; i < 20; i++) h.send({ queueId: i % 2, body: `message ${i}`, keys: `k${i}`, tags: "A" });
  await h.store.close();
  h.disk.makeDirectory("/store/config");
  for (const name of ["topics", "subscriptionGroup", "consumerOffset"]) {
    const file = h.disk.open(`/store/config/${name}.json`, { create: true });
    file.write(new TextEncoder().encode("{}"), 0);
    file.close();
  }
  return h;
}

Deno.test("check says that a store is in order, as text and as JSON", async () => {
  const h = await makeStore();
  const text = await run(h, "check", "/store/");
  assertEquals(text.code, 0, text.out + text.err);
  assertMatch(text.out, /20 records from 0 to \d+, 20 units in 2 queues, 40 entries in 1 index files\nin order\n$/);
  const json = await run(h, "check", "--json", "/store");
  assertEquals(JSON.parse(json.out).counts, { lost: 0, derived: 0, note: 0 });
});

Deno.test("check tells by its exit code whether repair would help", async () => {
  const h = await makeStore();
  const queue = h.disk.open("/store/consumequeue/T/1/00000000000000000000");
  queue.write(new Uint8Array(8), 40);
  queue.close();
  const derived = await run(h, "check", "/store");
  assertEquals(derived.code, 1);
  assertMatch(
    derived.out,
    /DERIVED consumequeue\.record-has-unit \/store\/consumequeue\/T\/1\/0{20} at 40: T-1 unit 2 /,
  );
  assertEquals((await run(h, "repair", "/store")).code, 0);
  assertEquals((await run(h, "check", "/store")).code, 0);
  const log = h.disk.open("/store/commitlog/00000000000000000000");
  log.write(new Uint8Array([1]), 95);
  log.close();
  const lost = await run(h, "check", "/store");
  assertEquals(lost.code, 2);
  assertMatch(lost.out, /LOST commitlog\.record \/store\/commitlog\/0{20} at 0: body CRC differs/);
});

Deno.test("dump prints the records of a range, units and index entries as JSON lines", async () => {
  const h = await makeStore();
  const lines = (out: string) => out.trim().split("\n").map((line) => JSON.parse(line));
  const all = lines((await run(h, "dump", "/store")).out);
  const records = all.filter(({ kind }) => kind === "record");
  assertEquals(records.map(({ body }) => body), Array.from({ length: 20 }, (_, i) => `message ${i}`));
  const [third, fourth] = [records[2], records[3]];
  const range = ["--from", `${third.physicalOffset}`, "--to", `${fourth.physicalOffset}`, "--no-body"];
  const { body: _, ...expected } = third;
  assertEquals(lines((await run(h, "dump", "/store", ...range)).out), [expected]);
  const units = lines((await run(h, "dump", "/store", "--units", "T", "--queue", "1")).out);
  assertEquals(units.map(({ queueOffset }) => queueOffset), Array.from({ length: 10 }, (_, i) => i));
  assertEquals(units[1].physicalOffset, records[3].physicalOffset);
  const entries = lines((await run(h, "dump", "/store", "--index")).out);
  assertEquals(entries.length, 41);
});

Deno.test("a store in use, a directory without a store and senseless arguments have exit codes of their own", async () => {
  const h = await makeStore();
  await h.open();
  // The simulated disk gives a lock to another process only: the broker's is another one than the tool's.
  const tool = h.on((h.disk as import("../../../src/common/disk_sim.ts").SimDisk).anotherProcess());
  const inUse = await run(tool, "check", "/store");
  assertEquals(inUse.code, 3);
  assertMatch(inUse.err, /a broker has it open/);
  await h.store.close();
  assertEquals((await run(h, "check", "/nowhere")).code, 3);
  for (
    const args of [[], ["mend", "/store"], ["check"], ["check", "--fast", "/store"], ["dump", "/store", "--from", "x"]]
  ) {
    const { code, err } = await run(h, ...args);
    assertEquals(code, 64, args.join(" "));
    assert(err.includes("usage: rucola store check DIR"));
  }
  assertEquals((await run(h, "--help")).code, 0);
});

Deno.test("check misses the tables of a broker whose store has messages, and says what follows", async () => {
  const h = await makeStore();
  h.disk.rename("/store/config/topics.json", "/store/config/topics.json.bak");
  assertEquals((await run(h, "check", "/store")).code, 0);
  h.disk.remove("/store/config/consumerOffset.json");
  const { code, out } = await run(h, "check", "/store");
  assertEquals(code, 2);
  assertMatch(
    out,
    /LOST config\.there \/store\/config\/consumerOffset\.json .*nobody knows any more what was consumed/,
  );
  removeTree(h.disk, "/store/config");
  assertEquals(JSON.parse((await run(h, "check", "--json", "/store")).out).counts.lost, 3);
});
