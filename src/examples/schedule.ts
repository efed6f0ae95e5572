/**
 * Messages that are delivered later: by one of the 18 levels, or (5.x) at any time.
 *
 * Source: RocketMQ `org.apache.rocketmq.example.schedule`.
 *
 * @module
 */
import type { ReceivedMessage } from "../client/message.ts";
import { consumeUntilEnd, type ExampleWorld } from "./example.ts";
import { sendResultText } from "./text.ts";

/** Level 3 of the default levels: 10 s. */
const LEVEL_10_S = 3;

/** A hundred messages for ten seconds from now, by level. */
export async function scheduledMessageProducer({ connect, print }: ExampleWorld): Promise<void> {
  await using client = connect();
  const producer = client.producer({ group: "ExampleProducerGroup" });
  await producer.start();
  for (let i = 0; i < 100; i++) {
    const message = { topic: "TestTopic", body: `Hello scheduled message ${i}`, delayLevel: LEVEL_10_S };
    print(sendResultText(await producer.send(message)));
  }
}

/** Prints how long after it was stored for delivery each message comes. */
export function scheduledMessageConsumer(world: ExampleWorld): Promise<void> {
  return consumeLater(world, "ExampleConsumer", "TestTopic", (message) => message.storeTimestamp);
}

/** Ten messages for ten seconds from now, by time. */
export async function timerMessageProducer({ connect, clock, print }: ExampleWorld): Promise<void> {
  await using client = connect();
  const producer = client.producer({ group: "TimerMessageProducerGroup" });
  await producer.start();
  for (let i = 0; i < 10; i++) {
    // `delayMs: 10_000` would have the same effect.
    const message = { topic: "TimerTopic", body: `Hello scheduled message ${i}`, deliverAtMs: clock.now() + 10_000 };
    print(sendResultText(await producer.send(message)));
  }
}

/** Prints how long after it was sent each message comes. */
export function timerMessageConsumer(world: ExampleWorld): Promise<void> {
  return consumeLater(world, "TimerMessageConsumerGroup", "TimerTopic", (message) => message.bornTimestamp);
}

async function consumeLater(
  world: ExampleWorld,
  group: string,
  topic: string,
  since: (message: ReceivedMessage) => number,
): Promise<void> {
  await using client = world.connect();
  const consumer = client.pushConsumer({ group });
  consumer.subscribe(topic, "*");
  consumer.onMessages((messages) => {
    for (const message of messages) {
      world.print(`Receive message[msgId=${message.msgId} ${world.clock.now() - since(message)}  ms later]`);
    }
  });
  await consumeUntilEnd(consumer, world, "");
}
