import { assertEquals } from "@std/assert";
import { Namespace, withoutNamespace, wrapNamespace } from "../../../src/client/namespace.ts";

Deno.test("a namespace is put before names, behind the prefix of retry and dead-letter topics", () => {
  assertEquals(wrapNamespace("NS", "T"), "NS%T");
  assertEquals(wrapNamespace("NS", "%RETRY%G"), "%RETRY%NS%G");
  assertEquals(wrapNamespace("NS", "%DLQ%G"), "%DLQ%NS%G");
});

Deno.test("names that have it, names of the system, and names without a namespace stay as they are", () => {
  assertEquals(wrapNamespace("NS", "NS%T"), "NS%T");
  assertEquals(wrapNamespace("NS", "%RETRY%NS%G"), "%RETRY%NS%G");
  assertEquals(wrapNamespace("NS", "RMQ_SYS_TRACE_TOPIC"), "RMQ_SYS_TRACE_TOPIC");
  assertEquals(wrapNamespace("NS", "rmq_sys_anything"), "rmq_sys_anything");
  assertEquals(wrapNamespace("NS", "CID_RMQ_SYS_TRANS"), "CID_RMQ_SYS_TRANS");
  assertEquals(wrapNamespace("", "T"), "T");
});

Deno.test("a name without its namespace is what the user knows", () => {
  assertEquals(withoutNamespace("NS%T"), "T");
  assertEquals(withoutNamespace("%RETRY%NS%G"), "%RETRY%G");
  assertEquals(withoutNamespace("T"), "T");
  assertEquals(withoutNamespace("%RETRY%G"), "%RETRY%G");
});

Deno.test("a client takes off its own namespace only", () => {
  const own = new Namespace("NS");
  assertEquals(own.unwrap("NS%T"), "T");
  assertEquals(own.unwrap("OTHER%T"), "OTHER%T");
  assertEquals(own.unwrapQueue(own.wrapQueue({ topic: "T", brokerName: "b", queueId: 1 })), {
    topic: "T",
    brokerName: "b",
    queueId: 1,
  });
  assertEquals(new Namespace("").unwrap("NS%T"), "NS%T");
});
