import { assertEquals } from "@std/assert";
import { SimDisk } from "../../../src/common/disk_sim.ts";
import { SeededRandom } from "../../../src/common/random.ts";
import { LogScanner, ScanStep } from "../../../src/store/log_scanner.ts";
import type { SegmentQueue } from "../../../src/store/segment_queue.ts";

Deno.test("what a file lacks of its size is read as zeros, and reading comes to an end", async () => {
  const disk = new SimDisk({ random: new SeededRandom(1) });
  disk.makeDirectory("/log");
  const file = disk.open("/log/00000000000000000000", { create: true });
  file.write(new Uint8Array(100), 0);
  const segment = {
    path: "/log/00000000000000000000",
    startOffset: 0,
    endOffset: 1000,
    readAsync: (into: Uint8Array, position: number) => file.readAsync(into, position),
  };
  const find = (offset: number) => offset < 1000 ? segment : null;
  const segments = { find, after: () => null } as unknown as SegmentQueue;
  const scanner = new LogScanner(segments, 200, () => 1000);
  assertEquals(scanner.step(), ScanStep.FILL);
  await scanner.fill();
  assertEquals(scanner.step(), ScanStep.BLANK);
});
