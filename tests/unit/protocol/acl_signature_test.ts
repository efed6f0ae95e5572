import { assertEquals } from "@std/assert";
import { createHmac } from "node:crypto";
import { utf8 } from "../../../src/common/bytes.ts";
import { signedText, signRequest } from "../../../src/protocol/acl_signature.ts";

Deno.test("what is signed are the values in the order of their names, without the signature itself", () => {
  const ext = { topic: "T", AccessKey: "RocketMQ", Signature: "old", b: "2", a: "1", Z: "z" };
  assertEquals(signedText(ext), "RocketMQ" + "z" + "1" + "2" + "T");
});

Deno.test("a signature is that of RocketMQ's signer", () => {
  // RocketMQ's own test of AclSigner: "RocketMQ" with the key 12345678.
  assertEquals(signRequest({}, utf8("RocketMQ"), "12345678"), "IUc8rrO/0gDch8CjObLQsW2rsiA=");
  assertEquals(signRequest({ a: "Rocket" }, utf8("MQ"), "12345678"), "IUc8rrO/0gDch8CjObLQsW2rsiA=");
});

Deno.test("values beyond ASCII are signed as UTF-8", () => {
  const expected = createHmac("sha1", "key").update("größe消息", "utf8").digest("base64");
  assertEquals(signRequest({ a: "größe" }, utf8("消息"), "key"), expected);
});
