import { assert, assertEquals } from "@std/assert";
import {
  type ConsumerOffsetTable,
  offsetTableJson,
  offsetTableText,
} from "../../../src/protocol/bodies/consumer_offset.ts";

const VERSION = { stateVersion: 0, timestamp: 1_700_000_000_000, counter: 3 };

function tableOf(groups: number): ConsumerOffsetTable {
  const offsets = new Map<string, ReadonlyMap<number, number>>();
  const topicsByGroup = new Map<string, readonly string[]>();
  for (let g = 0; g < groups; g++) {
    offsets.set(`T"${g}@g${g}`, new Map([[0, 5 + g], [3, 2 ** 40]]));
    topicsByGroup.set(`g${g}`, [`T"${g}`]);
  }
  return { dataVersion: VERSION, offsets, pulled: new Map(), topicsByGroup };
}

Deno.test("the pieces of the offsets' file are the text that is written in one go", () => {
  const tables: ConsumerOffsetTable[] = [
    tableOf(0),
    tableOf(3),
    { ...tableOf(2), dataVersion: null },
    { ...tableOf(1), pulled: new Map([["T@g", new Map<number, number>()], ["T@h", new Map([[1, 2]])]]) },
  ];
  for (const table of tables) {
    assertEquals([...offsetTableText(table)].join(""), JSON.stringify(offsetTableJson(table), null, "\t"));
  }
});

Deno.test("many offsets come in many pieces", () => {
  const pieces = [...offsetTableText(tableOf(500))];

  assert(pieces.length > 500);
});
