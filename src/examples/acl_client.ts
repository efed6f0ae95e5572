/**
 * Programs that sign their requests, for brokers with access control.
 *
 * Source: RocketMQ `org.apache.rocketmq.example.simple.AclClient`.
 *
 * @module
 */
import { messageOf } from "../common/errors.ts";
import { consumeUntilEnd, type ExampleWorld, receivedText } from "./example.ts";
import { sendResultText } from "./text.ts";

/** The keys of RocketMQ's sample configuration. */
export const SAMPLE_CREDENTIALS = { accessKey: "RocketMQ", secretKey: "1234567" } as const;

/** Sends 128 messages, then prints what comes to their topic. */
export async function aclClient(world: ExampleWorld): Promise<void> {
  await using client = world.connect({ credentials: SAMPLE_CREDENTIALS });
  const producer = client.producer({ group: "ProducerGroupName" });
  await producer.start();
  for (let i = 0; i < 128; i++) {
    try {
      const message = { topic: "TopicTest", tags: "TagA", keys: "OrderID188", body: "Hello world" };
      world.print(sendResultText(await producer.send(message)));
    } catch (error) {
      world.print(messageOf(error));
    }
  }
  await producer.shutdown();
  const group = "please_rename_unique_group_name_5";
  const consumer = client.pushConsumer({ group, consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET" });
  consumer.subscribe("TopicTest", "*");
  consumer.onMessages((messages) => {
    world.print(receivedText(group, messages));
    for (const message of messages) world.print(`msgId : ${message.msgId}  body : ${message.text()}  `);
  });
  await consumeUntilEnd(consumer, world);
}
