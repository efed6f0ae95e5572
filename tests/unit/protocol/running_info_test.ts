import { assertEquals } from "@std/assert";
import { utf8, utf8Text } from "../../../src/common/bytes.ts";
import {
  decodeConsumerStatus,
  decodeOffsetTable,
  encodeConsumerStatus,
  encodeOffsetTable,
  encodeOffsetTableForC,
} from "../../../src/protocol/bodies/offset_table.ts";
import {
  decodeConsumeDirectlyResult,
  decodeRunningInfo,
  encodeConsumeDirectlyResult,
  encodeRunningInfo,
} from "../../../src/protocol/bodies/running_info.ts";
import { goldenExchange } from "../client/golden_frames.ts";

const queue = { brokerName: "b", queueId: 0, topic: "t" };

Deno.test("the running info of a Java consumer is read, and reads the same when written again", () => {
  const info = decodeRunningInfo(goldenExchange("000307-running-info-4.9.7").response!.body);

  assertEquals(info.queues.size, 5);
  const [first] = info.queues;
  assertEquals(first![0], { brokerName: "broker-a", queueId: 0, topic: "%RETRY%CG_498" });
  assertEquals([first![1].commitOffset, first![1].locked, first![1].droped], [1, true, false]);
  assertEquals(info.properties.PROP_CONSUME_TYPE, "CONSUME_PASSIVELY");
  assertEquals(decodeRunningInfo(encodeRunningInfo(info)), info);
  assertEquals(info.userConsumerInfo, {});
});

Deno.test("an offset table is written as Go's textual reader expects it", () => {
  const table = new Map([[queue, 5], [{ ...queue, queueId: 1 }, 6]]);

  assertEquals(
    utf8Text(encodeOffsetTable(table)),
    '{"offsetTable":{{"brokerName":"b","queueId":0,"topic":"t"}:5,{"brokerName":"b","queueId":1,"topic":"t"}:6}}',
  );
  assertEquals([...decodeOffsetTable(encodeOffsetTable(table))], [...table]);
  assertEquals([...decodeOffsetTable(encodeOffsetTableForC(table))], [...table]);
  assertEquals([...decodeConsumerStatus(encodeConsumerStatus(table))], [...table]);
  assertEquals(decodeOffsetTable(utf8("{}")).size, 0);
});

Deno.test("the result of a direct consumption is written with Java's members", () => {
  const result = {
    autoCommit: true,
    consumeResult: "CR_SUCCESS",
    order: false,
    remark: null,
    spentTimeMills: 3,
  } as const;

  assertEquals(
    utf8Text(encodeConsumeDirectlyResult(result)),
    '{"autoCommit":true,"consumeResult":"CR_SUCCESS","order":false,"spentTimeMills":3}',
  );
  assertEquals(decodeConsumeDirectlyResult(encodeConsumeDirectlyResult(result)), result);
});
