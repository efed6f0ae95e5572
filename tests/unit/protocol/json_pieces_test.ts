import { assertEquals } from "@std/assert";
import { allConsumerOffsetsText, offsetTableJson } from "../../../src/protocol/bodies/consumer_offset.ts";
import { allGroupsText, defaultGroup, groupTableJson, groupTableText } from "../../../src/protocol/bodies/group.ts";
import { readTopicConfig, registerBodyText, topicConfigJson } from "../../../src/protocol/bodies/register.ts";
import {
  allTopicConfigText,
  type TopicConfigTable,
  topicTableJson,
  topicTableText,
} from "../../../src/protocol/bodies/topic.ts";
import { stringifyJson } from "../../../src/protocol/json.ts";
import { bodyPieces, jsonPieces } from "../../../src/protocol/json_pieces.ts";

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

Deno.test("the pieces of a body are the text that is written in one go", () => {
  for (const head of [{}, { 'a"b': [1, { c: null }], n: null }]) {
    for (const table of [{}, { x: 1 }, { x: { y: [] }, "z\n": { deep: { deeper: "\n\t", none: null } } }]) {
      for (const tail of [{}, { last: {} }]) {
        const pieces = [...bodyPieces(head, { none: [], table: Object.entries(table) }, tail)];

        assertEquals(pieces.join(""), stringifyJson({ ...head, none: {}, table, ...tail }));
      }
    }
    assertEquals([...bodyPieces(head, {}, { last: 1 })].join(""), stringifyJson({ ...head, last: 1 }));
    assertEquals([...bodyPieces(head, {})].join(""), stringifyJson(head));
  }
});

Deno.test("whole tables for slaves and name servers come in a piece for each entry, joined as the text that is written in one go", () => {
  const topics = topicTable(20);
  const groups = new Map(["g1", "g2"].map((name) => [name, defaultGroup(name)]));
  const groupTable = { dataVersion: VERSION, groups, forbidden: new Map([["g1", new Map([["T", 4]])]]) };
  const offsets = new Map([["T@g1", new Map([[0, 5], [3, 2 ** 40]])], ["U@g1", new Map([[1, 0]])]]);
  const offsetTable = { offsets, pulled: new Map(), topicsByGroup: new Map([["g1", ["T", "U"]]]) };
  const zero = { counter: 0, stateVersion: 0, timestamp: 0 };
  const mapping = { topicQueueMappingDetailMap: {}, topicQueueMappingInfoMap: {} };
  const register = { dataVersion: VERSION, filterServerList: ["f"], topicQueueMappingInfoMap: new Map() };

  const topicPieces = [...allTopicConfigText(topics)];
  const registerPieces = [...registerBodyText({ ...register, topicConfigTable: topics.topics })];

  assertEquals(
    topicPieces.join(""),
    stringifyJson({ ...topicTableJson(topics), mappingDataVersion: zero, ...mapping }),
  );
  assertEquals(topicPieces.length, 20 + 1);
  assertEquals([...allGroupsText(groupTable)].join(""), stringifyJson(groupTableJson(groupTable)));
  for (const dataVersion of [VERSION, null]) {
    const table = { ...offsetTable, dataVersion };
    assertEquals([...allConsumerOffsetsText(table)].join(""), stringifyJson(offsetTableJson(table)));
  }
  const { counter, stateVersion, timestamp } = VERSION;
  const topicConfigTable = new Map([...topics.topics].map(([name, topic]) => [name, topicConfigJson(topic)]));
  const wrapper = { dataVersion: { counter, stateVersion, timestamp }, topicConfigTable, ...mapping };
  const expected = stringifyJson({ filterServerList: ["f"], topicConfigSerializeWrapper: wrapper });
  assertEquals(registerPieces.join(""), expected);
});
