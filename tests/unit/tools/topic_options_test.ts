/**
 * What updateTopic reads from its options.
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { mergeOrderConf, parseAttributes } from "../../../src/tools/commands/topic.ts";

Deno.test("Attributes keep their sign and may hold an equals sign", () => {
  assertEquals(parseAttributes("+message.type=FIFO, +a=b=c,-old"), {
    "+message.type": "FIFO",
    "+a": "b=c",
    "-old": "",
  });
  assertEquals(parseAttributes(undefined), {});
});

Deno.test("An attribute without a sign or a value is an error", () => {
  assertThrows(() => parseAttributes("a=b"), TypeError, "a=b");
  assertThrows(() => parseAttributes("+a"), TypeError, "+a");
});

Deno.test("The queues of one broker replace what was said about it", () => {
  assertEquals(mergeOrderConf(null, "a", "a:4"), "a:4");
  assertEquals(mergeOrderConf("a:8;b:2", "a", "a:4"), "b:2;a:4");
});
