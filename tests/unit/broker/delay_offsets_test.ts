import { assertEquals } from "@std/assert";
import { DelayOffsets } from "../../../src/broker/delay_offsets.ts";
import { utf8, utf8Text } from "../../../src/common/bytes.ts";
import { SimClock } from "../../../src/common/clock_sim.ts";
import { readWhole } from "../../../src/common/disk.ts";
import { SimDisk } from "../../../src/common/disk_sim.ts";
import { JsonFile } from "../../../src/common/json_file.ts";
import { SILENT_LOG } from "../../../src/common/log.ts";
import { SeededRandom } from "../../../src/common/random.ts";
import { parseJsonObject } from "../../../src/protocol/json.ts";

const PATH = "/store/config/delayOffset.json";

function newDisk(text?: string): SimDisk {
  const disk = new SimDisk({ random: new SeededRandom(1) });
  disk.makeDirectory("/store/config");
  if (text !== undefined) {
    const file = disk.open(PATH, { create: true });
    file.write(utf8(text), 0);
    file.close();
  }
  return disk;
}

function open(disk: SimDisk): DelayOffsets {
  const offsets = new DelayOffsets({ clock: new SimClock(), log: SILENT_LOG, file: new JsonFile(disk, PATH) });
  offsets.load();
  return offsets;
}

Deno.test("a file that Java wrote, with bare numbers as keys, is read", () => {
  const text =
    `{\n\t"dataVersion":{"counter":12,"stateVersion":0,"timestamp":1795237761045},\n\t"offsetTable":{1:5,18:70}\n}`;
  const offsets = open(newDisk(text));
  assertEquals([offsets.get(1), offsets.get(2), offsets.get(18)], [5, 0, 70]);
  offsets.close();
});

Deno.test("offsets that moved are there after a restart, and Java's keys can be read by us again", () => {
  const disk = newDisk();
  const offsets = open(disk);
  offsets.set(3, 17);
  offsets.set(4, 18);
  offsets.close();
  const again = open(disk);
  assertEquals([...again.entries()], [[3, 17], [4, 18]]);
  again.close();
  const json = parseJsonObject(utf8Text(readWhole(disk, PATH)!));
  assertEquals(Object.keys(json), ["dataVersion", "offsetTable"]);
});

Deno.test("a master's table takes the place of a slave's own", () => {
  const offsets = open(newDisk());
  offsets.set(1, 100);
  offsets.replaceAll(parseJsonObject(`{"offsetTable":{2:9}}`));
  assertEquals([...offsets.entries()], [[2, 9]]);
  offsets.close();
});
