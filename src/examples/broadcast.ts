/**
 * A consumer whose group does not share: each member gets every message, and keeps in a file how far it has come.
 *
 * Source: RocketMQ `org.apache.rocketmq.example.broadcast`.
 *
 * @module
 */
import { consumeUntilEnd, type ExampleWorld, receivedText } from "./example.ts";

const GROUP = "please_rename_unique_group_name_1";

/** Prints what comes to TopicTest with one of three tags. */
export async function broadcastPushConsumer(world: ExampleWorld): Promise<void> {
  await using client = world.connect();
  const consumer = client.pushConsumer({
    group: GROUP,
    consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
    messageModel: "BROADCASTING",
  });
  consumer.subscribe("TopicTest", "TagA || TagC || TagD");
  consumer.onMessages((messages) => world.print(receivedText(GROUP, messages)));
  await consumeUntilEnd(consumer, world, "Broadcast Consumer Started.");
}
