/**
 * The first two programs that everybody runs: one sends a thousand messages, the other one prints them.
 *
 * Source: RocketMQ `org.apache.rocketmq.example.quickstart`.
 *
 * @module
 */
import type { ExampleWorld } from "./example.ts";
import { runConsumer } from "./quickstart_consumer.ts";
import { runProducer } from "./quickstart_producer.ts";

/** Sends 1,000 messages to TopicTest and prints a line for each, unless it is ended before. */
export async function quickstartProducer({ connect, clock, print, until }: ExampleWorld): Promise<void> {
  await using client = connect();
  await runProducer({ client, clock, print, until });
}

/** Prints what comes to TopicTest. */
export async function quickstartConsumer({ connect, print, until }: ExampleWorld): Promise<void> {
  await using client = connect();
  await runConsumer({ client, print, until });
}
