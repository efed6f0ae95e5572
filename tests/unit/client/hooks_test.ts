import { assertEquals, assertThrows } from "@std/assert";
import type { Log } from "../../../src/common/log.ts";
import { SILENT_LOG } from "../../../src/common/log.ts";
import { ConsumeHooks, SendHooks, type SendMessageContext } from "../../../src/client/hooks.ts";
import { ReceivedMessage } from "../../../src/client/message.ts";

const QUEUE = { topic: "T", brokerName: "b", queueId: 0 };

function context(): SendMessageContext {
  return {
    producerGroup: "PG",
    messages: [{ topic: "T", body: "x" }],
    msgType: "Normal_Msg",
    queue: QUEUE,
    brokerAddress: "b:10911",
    communicationMode: "SYNC",
    sendResult: null,
    exception: undefined,
  };
}

Deno.test("what a hook throws is logged, and the next hook runs all the same", () => {
  const warnings: string[] = [];
  const log: Log = { ...SILENT_LOG, warn: (text: string) => void warnings.push(text) };
  const hooks = new SendHooks(log);
  const seen: string[] = [];
  hooks.addSend({
    hookName: "broken",
    sendMessageBefore() {
      throw new Error("out of order");
    },
    sendMessageAfter() {},
  });
  hooks.addSend({
    hookName: "good",
    sendMessageBefore: ({ queue }) => void seen.push(`before ${queue.topic}`),
    sendMessageAfter: () => void seen.push("after"),
  });
  const attempt = context();
  hooks.before(attempt);
  hooks.after(attempt);
  assertEquals(seen, ["before T", "after"]);
  assertEquals(warnings, ["hook broken failed: out of order"]);
});

Deno.test("only a check for what is forbidden stops a message", () => {
  const hooks = new SendHooks(SILENT_LOG);
  assertEquals(hooks.isEmpty, true);
  hooks.addCheckForbidden({
    hookName: "no T",
    checkForbidden({ queue }) {
      if (queue.topic === "T") throw new Error("T is closed");
    },
  });
  assertEquals(hooks.isEmpty, false);
  assertThrows(() => hooks.before(context()), Error, "T is closed");
});

Deno.test("filters choose among messages, and a filter that fails accepts", () => {
  const hooks = new ConsumeHooks(SILENT_LOG);
  hooks.addFilter({ hookName: "no b", accepts: (message) => message.tags !== "b" });
  hooks.addFilter({
    hookName: "broken",
    accepts() {
      throw new Error("out of order");
    },
  });
  const messages = ["a", "b", "c"].map((tag) => {
    const message = new ReceivedMessage();
    message.properties.set("TAGS", tag);
    return message;
  });
  assertEquals(hooks.filter(messages, "CG").map(({ tags }) => tags), ["a", "c"]);
});

Deno.test("consume hooks get the same context before and after, with how it ended", () => {
  const hooks = new ConsumeHooks(SILENT_LOG);
  assertEquals(hooks.before("CG", QUEUE, [new ReceivedMessage()]), null);
  const seen: unknown[] = [];
  hooks.addConsume({
    hookName: "watch",
    consumeMessageBefore: (context) => void seen.push(context),
    consumeMessageAfter: (context) => void seen.push(context, context.status, context.success),
  });
  const begun = hooks.before("CG", QUEUE, [new ReceivedMessage()]);
  hooks.after(begun, { success: true, status: "CONSUME_SUCCESS", returnType: "SUCCESS" });
  assertEquals(seen, [begun, begun, "CONSUME_SUCCESS", true]);
});
