import { assert, assertEquals, assertThrows } from "@std/assert";
import { utf8, utf8Text } from "../../../src/common/bytes.ts";
import { parseProperties } from "../../../src/protocol/message.ts";
import { decompressBody } from "../../../src/client/compression.ts";
import { ClientError } from "../../../src/client/errors.ts";
import type { Message } from "../../../src/client/message.ts";
import { producerSettings } from "../../../src/client/options.ts";
import {
  encodeBatch,
  prepareBatch,
  type PreparedSend,
  prepareSend,
  readSendResult,
  sendRequest,
} from "../../../src/client/send_request.ts";
import { goldenExchange } from "./golden_frames.ts";

const settings = producerSettings({ group: "PG_550" });
const queue = { brokerName: "broker-a", queueId: 1, topic: "Topic550" };

function prepare(message: Partial<Message>, id = "ID"): PreparedSend {
  return prepareSend({ topic: "Topic550", body: "hello", ...message }, settings, () => id);
}

/** Ext fields with the property string as a sorted list, because Java's order is that of a hash table. */
function comparable(ext: Readonly<Record<string, string>>) {
  return { ...ext, i: [...parseProperties(ext.i!)].sort() };
}

Deno.test("a message makes the same request as Java's 5.5.0 producer", () => {
  const { request } = goldenExchange("000310-send-v2-5.5.0");
  const id = parseProperties(request.ext.i!).get("UNIQ_KEY")!;
  const send = prepare({ keys: ["Key1", "Key2"], tags: "TagA", properties: { a: "1" }, body: request.body }, id);

  const made = sendRequest(send, queue, settings, Number(request.ext.g));

  assertEquals(made.code, request.code);
  assertEquals(comparable(made.ext!), comparable(request.ext));
  assertEquals(made.body, request.body);
});

Deno.test("a delayed message and a half message make the same requests as Java's", () => {
  const delayed = goldenExchange("000310-send-v2-delay-5.5.0").request;
  const half = goldenExchange("000310-send-v2-transaction-half-5.5.0").request;
  const idOf = (ext: Readonly<Record<string, string>>) => parseProperties(ext.i!).get("UNIQ_KEY")!;

  const madeDelayed = sendRequest(
    prepare({ keys: "K3", tags: "TagB", delayLevel: 1, body: delayed.body }, idOf(delayed.ext)),
    { ...queue, queueId: 2 },
    settings,
    Number(delayed.ext.g),
  );
  const madeHalf = sendRequest(
    prepare({
      keys: "T1",
      tags: "TagA",
      properties: { TRAN_MSG: "true", PGROUP: "TPG_550" },
      body: half.body,
    }, idOf(half.ext)),
    { ...queue, queueId: 3 },
    { ...settings, group: "TPG_550" },
    Number(half.ext.g),
  );

  assertEquals(comparable(madeDelayed.ext!), comparable(delayed.ext));
  assertEquals(comparable(madeHalf.ext!), comparable(half.ext));
});

Deno.test("a large body is compressed and marked as Java 4.9.7 marks it, and reads as before", () => {
  const { request } = goldenExchange("000310-send-v2-compressed-4.9.7");
  const body = decompressBody(request.body, Number(request.ext.f));

  const send = prepare({ body });

  assertEquals(String(send.sysFlag), request.ext.f);
  assert(send.body.length < body.length);
  assertEquals(decompressBody(send.body, send.sysFlag), body);
});

Deno.test("a batch has the bytes of Java's", () => {
  for (const name of ["000320-send-batch-5.5.0", "000320-send-batch-4.4.0"]) {
    const { body } = goldenExchange(name).request;
    assertEquals(encodeBatch(splitBatch(body)), body);
  }
  // Of the two headers ours is the older one: its properties do no harm to the messages at any broker.
  const { request } = goldenExchange("000320-send-batch-4.4.0");
  const parts = splitBatch(request.body);
  const ids = parts.map((part) => parseProperties(utf8Text(part.properties)).get("UNIQ_KEY")!);
  const send = prepareBatch(
    parts.map((part, i) => ({ topic: request.ext.b!, body: part.body, properties: { UNIQ_KEY: ids[i]! } })),
    settings,
    () => "BATCH",
  );
  assertEquals(send.msgId, ids.join(","));
  const made = sendRequest(send, { ...queue, queueId: 2 }, { ...settings, group: "PG_440" }, Number(request.ext.g));
  const { n: brokerName, ...older } = made.ext!;
  assertEquals(comparable(older), comparable(request.ext));
  assertEquals(brokerName, "broker-a");
  assertEquals(made.code, 320);
});

function splitBatch(body: Uint8Array) {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const parts = [];
  for (let at = 0; at < body.length; at += view.getInt32(at)) {
    const bodyEnd = at + 20 + view.getInt32(at + 16);
    const end = bodyEnd + 2 + view.getInt16(bodyEnd);
    parts.push({
      flag: view.getInt32(at + 12),
      body: body.slice(at + 20, bodyEnd),
      properties: body.slice(bodyEnd + 2, end),
    });
  }
  return parts;
}

Deno.test("the answer to a send tells where the message is", () => {
  const { response } = goldenExchange("000310-send-v2-5.5.0");

  const result = readSendResult(response!, prepare({}, "ID"), queue, "127.0.0.1:1");

  assertEquals(result, {
    sendStatus: "SEND_OK",
    msgId: "ID",
    offsetMsgId: "7F000001000051AF0000000000000000",
    queue,
    queueOffset: 0,
    transactionId: "FD0000000000000000000000000000024FDB5FFD2B27681A67B10000",
    recallHandle: null,
    regionId: "DefaultRegion",
    traceOn: true,
  });
});

Deno.test("what may not be sent is refused in Java's words, without asking anybody", () => {
  const refusals: [Partial<Message>, string][] = [
    [{ topic: " " }, "The specified topic is blank"],
    [{ topic: "x".repeat(128) }, "The specified topic is longer than topic max length 127."],
    [{ topic: "a b" }, "The specified topic[a b] contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$"],
    [{ topic: "SELF_TEST_TOPIC" }, "Sending message to topic[SELF_TEST_TOPIC] is forbidden."],
    [{ body: "" }, "the message body length is zero"],
    [{ body: new Uint8Array(4194305) }, "the message body size over max value, MAX: 4194304"],
  ];
  for (const [message, text] of refusals) {
    const error = assertThrows(() => prepare(message), ClientError, text);
    assertEquals(error.retriable, false);
  }
});

Deno.test("messages that cannot be sent together are refused in Java's words", () => {
  const batch = (...messages: Message[]) => () => prepareBatch(messages, settings, () => "ID");
  const message = { topic: "T", body: utf8("x") };

  assertThrows(batch(message, { ...message, topic: "U" }), ClientError, "should be the same");
  assertThrows(batch(message, { ...message, waitStoreMsgOk: false }), ClientError, "waitStoreMsgOK");
  assertThrows(batch({ ...message, delayLevel: 1 }), ClientError, "TimeDelayLevel is not supported for batching");
  assertThrows(batch({ ...message, topic: "%RETRY%g" }), ClientError, "Retry Group is not supported for batching");
  assertThrows(batch(), ClientError, "the batch is empty");
});
