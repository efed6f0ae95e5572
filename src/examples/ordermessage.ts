/**
 * Messages in order: those of one order id go to one queue, and a listener gets each queue in its order, one call at a time.
 *
 * Source: RocketMQ `org.apache.rocketmq.example.ordermessage`.
 *
 * @module
 */
import { consumeUntilEnd, type ExampleWorld, receivedText } from "./example.ts";
import { sendResultText } from "./text.ts";

const TAGS = ["TagA", "TagB", "TagC", "TagD", "TagE"];

/** A hundred messages of ten orders. */
export async function orderProducer({ connect, print }: ExampleWorld): Promise<void> {
  await using client = connect();
  const producer = client.producer({ group: "please_rename_unique_group_name" });
  await producer.start();
  for (let i = 0; i < 100; i++) {
    const message = { topic: "TopicTestjjj", tags: TAGS[i % 5]!, keys: `KEY${i}`, body: `Hello RocketMQ ${i}` };
    const result = await producer.send(message, {
      selector: (queues, _message, orderId) => queues[(orderId as number) % queues.length]!,
      arg: i % 10,
    });
    print(sendResultText(result));
  }
}

/** Prints what comes to TopicTest; now and then a queue is stopped for three seconds. */
export async function orderConsumer(world: ExampleWorld): Promise<void> {
  const group = "please_rename_unique_group_name_3";
  await using client = world.connect();
  const consumer = client.pushConsumer({ group, consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET" });
  consumer.subscribe("TopicTest", "TagA || TagC || TagD");
  let times = 0;
  consumer.onMessagesOrderly((messages, context) => {
    world.print(receivedText(group, messages));
    times++;
    if (times % 2 === 0 || times % 5 !== 0) return "SUCCESS";
    context.suspendCurrentQueueTimeMs = 3000;
    return "SUSPEND_CURRENT_QUEUE_A_MOMENT";
  });
  await consumeUntilEnd(consumer, world);
}
