import { assertEquals } from "@std/assert";
import { defaultGroup, groupTableJson, groupTableText } from "../../../src/protocol/bodies/group.ts";
import { readTopicConfig } from "../../../src/protocol/bodies/register.ts";
import { type TopicConfigTable, topicTableJson, topicTableText } from "../../../src/protocol/bodies/topic.ts";
import { jsonPieces } from "../../../src/protocol/json_pieces.ts";

const VERSION = { stateVersion: 0, timestamp: 1_700_000_000_000, counter: 3 };

function topicTable(count: number): TopicConfigTable & { topics: Map<string, ReturnType<typeof readTopicConfig>> } {
  const names = Array.from({ length: count }, (_, index) => `T-${index}`);
  return { dataVersion: VERSION, topics: new Map(names.map((name) => [name, readTopicConfig({ topicName: name })])) };
}

Deno.test("the pieces of a document are the text that is written in one go", () => {
  const head = { 'a"b': [1, { c: "line\nbreak" }] };
  for (const table of [{}, { x: 1 }, { x: { y: [] }, "z\n": { deep: { deeper: "\n\t" } } }]) {
    const document = { ...head, none: {}, table };

    const pieces = [...jsonPieces(head, { none: [], table: Object.entries(table) })];

    assertEquals(pieces.join(""), JSON.stringify(document, null, "\t"));
  }
});

Deno.test("the files of topics and groups come in a piece for each, joined as the text that is written in one go", () => {
  const topics = topicTable(300);
  const groups = new Map(["g1", "g2"].map((name) => [name, defaultGroup(name)]));
  const groupTable = { dataVersion: VERSION, groups, forbidden: new Map([["g1", new Map([["T", 4]])]]) };

  const topicPieces = [...topicTableText(topics)];

  assertEquals(topicPieces.join(""), JSON.stringify(topicTableJson(topics), null, "\t"));
  assertEquals(topicPieces.length, 300 + 3);
  assertEquals([...groupTableText(groupTable)].join(""), JSON.stringify(groupTableJson(groupTable), null, "\t"));
});

Deno.test("a file of topics that is written in pieces is the table of one moment", () => {
  const topics = topicTable(2);
  const before = JSON.stringify(topicTableJson(topics), null, "\t");

  const pieces = topicTableText(topics);
  const first = pieces.next().value;
  topics.topics.set("T-0", readTopicConfig({ topicName: "T-0", perm: 2 }));
  topics.topics.set("late", readTopicConfig({ topicName: "late" }));

  assertEquals(first + [...pieces].join(""), before);
});
