import { assertEquals } from "@std/assert";
import { decodeTrace, encodeTraceRecord, type TraceRecord } from "../../../src/protocol/trace.ts";

const ORIGIN = { timestamp: 1700000000000, regionId: "DefaultRegion", groupName: "PG" };

const RECORDS: readonly TraceRecord[] = [
  {
    type: "Pub",
    ...ORIGIN,
    topic: "T",
    msgId: "ID",
    tags: "TagA",
    keys: null,
    storeHost: "127.0.0.1:10911",
    bodyLength: 5,
    costTimeMs: 3,
    msgType: "Normal_Msg",
    offsetMsgId: "OFFSET",
    success: true,
  },
  { type: "SubBefore", ...ORIGIN, requestId: "R", msgId: "ID", retryTimes: 2, keys: "k1 k2" },
  {
    type: "SubAfter",
    requestId: "R",
    msgId: "ID",
    costTimeMs: 4,
    success: false,
    keys: null,
    returnType: "EXCEPTION",
    timestamp: ORIGIN.timestamp,
    groupName: "CG",
  },
  {
    type: "EndTransaction",
    ...ORIGIN,
    topic: "T",
    msgId: "ID",
    tags: null,
    keys: "k",
    storeHost: "127.0.0.1:10911",
    msgType: "Trans_msg_Commit",
    transactionId: "TX",
    transactionState: "ROLLBACK_MESSAGE",
    fromTransactionCheck: true,
  },
  { type: "Recall", ...ORIGIN, topic: "T", msgId: "ID", success: true },
];

Deno.test("a record is written as Java's encoder writes it", () => {
  const text = RECORDS.map(encodeTraceRecord).join("").replaceAll("\x01", "|").replaceAll("\x02", "$");
  assertEquals(text.split("$"), [
    "Pub|1700000000000|DefaultRegion|PG|T|ID|TagA|null|127.0.0.1:10911|5|3|0|OFFSET|true",
    "SubBefore|1700000000000|DefaultRegion|PG|R|ID|2|k1 k2",
    "SubAfter|R|ID|4|false|null|2|1700000000000|CG",
    "EndTransaction|1700000000000|DefaultRegion|PG|T|ID|null|k|127.0.0.1:10911|2|TX|ROLLBACK_MESSAGE|true",
    "Recall|1700000000000|DefaultRegion|PG|T|ID|true",
    "",
  ]);
});

Deno.test("records of one body are read back as they were written", () => {
  assertEquals(decodeTrace(RECORDS.map(encodeTraceRecord).join("")), RECORDS);
});

Deno.test("records of older clients, with fewer fields, are read; what is no record is left out", () => {
  const body = [
    "Pub|1|R|G|T|ID|tag|key|host|5|3|3|true",
    "Pub|1|R|G|T|ID|tag|key|host|5|3|1|OFFSET|false|10.0.0.1:5000",
    "SubAfter|REQ|ID|7|true|key",
    "Pub|1|R",
    "Strange|1|2|3|4|5|6|7|8|9|10|11|12|13",
    "",
  ].join("$").replaceAll("|", "\x01").replaceAll("$", "\x02");
  const [first, second, after, ...rest] = decodeTrace(body);
  assertEquals(first?.type === "Pub" && [first.offsetMsgId, first.success, first.msgType], [null, true, "Delay_Msg"]);
  assertEquals(second?.type === "Pub" && [second.offsetMsgId, second.success, second.clientHost], [
    "OFFSET",
    false,
    "10.0.0.1:5000",
  ]);
  assertEquals(after, {
    type: "SubAfter",
    requestId: "REQ",
    msgId: "ID",
    costTimeMs: 7,
    success: true,
    keys: "key",
    returnType: "SUCCESS",
  });
  assertEquals(rest, []);
});
