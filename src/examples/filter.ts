/**
 * Consumers that get part of a topic only: by tags, or by an SQL expression over the properties of messages (the broker needs
 * `enablePropertyFilter=true`).
 *
 * Source: RocketMQ `org.apache.rocketmq.example.filter`.
 *
 * @module
 */
import { consumeUntilEnd, type ExampleWorld, receivedText } from "./example.ts";
import { sendResultText } from "./text.ts";

const GROUP = "please_rename_unique_group_name";
const TAGS = ["TagA", "TagB", "TagC"];
const SQL = "(TAGS is not null and TAGS in ('TagA', 'TagB'))and (a is not null and a between 0 and 3)";

/** Sixty messages with three tags in turn. */
export async function tagFilterProducer({ connect, print }: ExampleWorld): Promise<void> {
  await using client = connect();
  const producer = client.producer({ group: GROUP });
  await producer.start();
  for (let i = 0; i < 60; i++) {
    print(
      sendResultText(await producer.send({ topic: "TagFilterTest", tags: TAGS[i % 3]!, body: "Hello world" })),
    );
  }
}

/** Two of the three tags. */
export async function tagFilterConsumer(world: ExampleWorld): Promise<void> {
  await using client = world.connect();
  const consumer = client.pushConsumer({ group: GROUP });
  consumer.subscribe("TagFilterTest", "TagA || TagC");
  consumer.onMessages((messages) => world.print(receivedText(GROUP, messages)));
  await consumeUntilEnd(consumer, world);
}

/** Ten messages with a tag and a property `a`. */
export async function sqlFilterProducer({ connect, print }: ExampleWorld): Promise<void> {
  await using client = connect();
  const producer = client.producer({ group: GROUP });
  await producer.start();
  for (let i = 0; i < 10; i++) {
    const properties = { a: String(i) };
    const message = { topic: "SqlFilterTest", tags: TAGS[i % 3]!, body: `Hello RocketMQ ${i}`, properties };
    print(sendResultText(await producer.send(message)));
  }
}

/** Those of them that an expression is true of. */
export async function sqlFilterConsumer(world: ExampleWorld): Promise<void> {
  await using client = world.connect();
  const consumer = client.pushConsumer({ group: GROUP });
  consumer.subscribe("SqlFilterTest", SQL, "SQL92");
  consumer.onMessages((messages) => world.print(receivedText(GROUP, messages)));
  await consumeUntilEnd(consumer, world);
}
