/**
 * Three ways to send: one message after the other, many at once, and without caring what becomes of them.
 *
 * Source: RocketMQ `org.apache.rocketmq.example.simple`.
 *
 * @module
 */
import { messageOf } from "../common/errors.ts";
import type { ExampleWorld } from "./example.ts";
import { sendResultText } from "./text.ts";

/** Sends, waits, sends the next one. */
export async function simpleProducer({ connect, print }: ExampleWorld): Promise<void> {
  await using client = connect();
  const producer = client.producer({ group: "ProducerGroupName" });
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

/** Sends all at once; results come in any order. */
export async function asyncProducer({ connect, print }: ExampleWorld): Promise<void> {
  await using client = connect();
  const producer = client.producer({ group: "Jodie_Daily_test", retryTimesWhenSendFailed: 0 });
  await producer.start();
  const message = { topic: "Jodie_topic_1023", tags: "TagA", keys: "OrderID188", body: "Hello world" };
  await Promise.all(Array.from({ length: 100 }, async (_, i) => {
    const index = String(i).padEnd(10);
    try {
      print(`${index} OK ${(await producer.send(message)).msgId} `);
    } catch (error) {
      print(`${index} Exception ${messageOf(error)} `);
    }
  }));
}

/** Sends and does not hear what became of it. */
export async function onewayProducer({ connect, clock }: ExampleWorld): Promise<void> {
  await using client = connect();
  const producer = client.producer({ group: "please_rename_unique_group_name" });
  await producer.start();
  for (let i = 0; i < 100; i++) {
    await producer.sendOneway({ topic: "TopicTest", tags: "TagA", body: `Hello RocketMQ ${i}` });
  }
  await clock.sleep(5000);
}
