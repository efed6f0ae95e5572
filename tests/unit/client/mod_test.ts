import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ClientError, createClient, isRetriable } from "../../../src/client/mod.ts";

Deno.test("clients of one process have ids of their own, made of address and instance name", async () => {
  await using first = createClient({ namesrvAddr: "127.0.0.1:1", clientIp: "192.0.2.1" });
  await using second = createClient({ namesrvAddr: "127.0.0.1:1", clientIp: "192.0.2.1" });
  await using named = createClient({ namesrvAddr: "127.0.0.1:1", clientIp: "192.0.2.1", instanceName: "me" });

  assert(/^192\.0\.2\.1@\d+#\d+$/.test(first.clientId), first.clientId);
  assert(first.clientId !== second.clientId);
  assertEquals(named.clientId, "192.0.2.1@me");
});

Deno.test("a group has one producer and one consumer in a client, and names that RocketMQ allows", async () => {
  await using client = createClient({ namesrvAddr: "127.0.0.1:1" });
  await client.producer({ group: "PG" }).start();

  await assertRejects(() => client.producer({ group: "PG" }).start(), ClientError, "has been created before");
  assertThrows(() => client.producer({ group: "a b" }), ClientError, "contains illegal characters");
  assertThrows(() => client.producer({ group: "DEFAULT_PRODUCER" }), ClientError, "can not equal");
  assertThrows(() => client.pushConsumer({ group: "" }), ClientError, "blank");
  assertThrows(() => client.pushConsumer({ group: "x".repeat(121) }), ClientError, "longer than group max length: 120");
});

Deno.test("what is used before its start or after its end says so", async () => {
  await using client = createClient({ namesrvAddr: "127.0.0.1:1" });
  const producer = client.producer({ group: "PG" });
  const message = { topic: "T", body: "x" };

  await assertRejects(() => producer.send(message), ClientError, "service state not OK, new");
  await producer.start();
  await assertRejects(() => producer.start(), ClientError, "maybe started once");
  await producer.shutdown();
  await assertRejects(() => producer.send(message), ClientError, "service state not OK, closed");
  await assertRejects(() => client.pushConsumer({ group: "CG" }).start(), ClientError, "messageListener is null");
});

Deno.test("without a name server that answers a send fails in a way that may be retried", async () => {
  await using client = createClient({ namesrvAddr: "127.0.0.1:1;127.0.0.1:2" });
  await using none = createClient({ namesrvAddr: "" });
  const producer = client.producer({ group: "PG" });
  const orphan = none.producer({ group: "PG" });
  await producer.start();
  await orphan.start();

  const error = await assertRejects(() => producer.send({ topic: "T", body: "x" }));
  assert(isRetriable(error));
  const missing = await assertRejects(
    () => orphan.send({ topic: "T", body: "x" }),
    ClientError,
    "No name server address",
  );
  assert(!isRetriable(missing));
});
