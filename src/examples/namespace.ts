/**
 * Programs of one tenant among several: the client says its namespace in every request.
 *
 * Source: RocketMQ `org.apache.rocketmq.example.namespace`.
 *
 * @module
 */
import { messageOf } from "../common/errors.ts";
import { consumeUntilEnd, type ExampleWorld } from "./example.ts";
import { pullResultText, queueText } from "./text.ts";

const NAMESPACE = "InstanceTest";
const TOPIC = "NAMESPACE_TOPIC";

/** A hundred messages. */
export async function producerWithNamespace({ connect, print }: ExampleWorld): Promise<void> {
  await using client = connect({ namespaceV2: NAMESPACE });
  const producer = client.producer({ group: "pidTest" });
  await producer.start();
  for (let i = 0; i < 100; i++) {
    try {
      const { msgId } = await producer.send({ topic: TOPIC, tags: "tagTest", body: "Hello world" });
      print(`Topic:${TOPIC} send success, misId is:${msgId}`);
    } catch (error) {
      print(messageOf(error));
    }
  }
}

/** Prints what comes. */
export async function pushConsumerWithNamespace(world: ExampleWorld): Promise<void> {
  await using client = world.connect({ namespaceV2: NAMESPACE });
  const consumer = client.pushConsumer({ group: "cidTest" });
  consumer.subscribe(TOPIC, "*");
  consumer.onMessages((messages) => {
    for (const { topic, msgId, reconsumeTimes } of messages) {
      world.print(`Msg topic is:${topic}, MsgId is:${msgId}, reconsumeTimes is:${reconsumeTimes}`);
    }
  });
  await consumeUntilEnd(consumer, world, "");
}

/** Reads each queue from its beginning to its end. */
export async function pullConsumerWithNamespace({ connect, print }: ExampleWorld): Promise<void> {
  await using client = connect({ namespaceV2: NAMESPACE });
  const consumer = client.pullConsumer({ group: "cidTest" });
  await consumer.start();
  for (const queue of await consumer.fetchMessageQueues(TOPIC)) {
    print(`Consume from the topic: ${queue.topic}, queue: ${queueText(queue)}`);
    for (let offset = 0;;) {
      const result = await consumer.pullBlockIfNotFound(queue, offset);
      print(pullResultText(result));
      for (const { topic, msgId } of result.messages) print(`Topic is:${topic}, msgId is:${msgId}`);
      if (result.status === "NO_NEW_MSG") break;
      offset = result.nextBeginOffset;
    }
  }
}
