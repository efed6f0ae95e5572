/**
 * Programs whose messages are traced: `rucola tools queryMsgTraceById -i <msgId>` tells what happened to one.
 *
 * Source: RocketMQ `org.apache.rocketmq.example.tracemessage`.
 *
 * @module
 */
import { messageOf } from "../common/errors.ts";
import { consumeUntilEnd, type ExampleWorld, receivedText } from "./example.ts";
import { sendResultText } from "./text.ts";

const GROUP = "ProducerGroupName";

/** Sends 128 messages. */
export async function traceProducer({ connect, print }: ExampleWorld): Promise<void> {
  await using client = connect();
  const producer = client.producer({ group: GROUP, enableMsgTrace: true });
  await producer.start();
  for (let i = 0; i < 128; i++) {
    try {
      const message = { topic: "TopicTest", tags: "TagA", keys: "OrderID188", body: "Hello world" };
      print(sendResultText(await producer.send(message)));
    } catch (error) {
      print(messageOf(error));
    }
  }
}

/** Prints what comes. */
export async function tracePushConsumer(world: ExampleWorld): Promise<void> {
  await using client = world.connect();
  const consumer = client.pushConsumer({
    group: GROUP,
    consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
    enableMsgTrace: true,
  });
  consumer.subscribe("TopicTest", "*");
  consumer.onMessages((messages) => world.print(receivedText(GROUP, messages)));
  await consumeUntilEnd(consumer, world);
}
