/**
 * RocketMQ's quickstart Consumer: from the first message of the topic on, prints what comes, until it is stopped.
 *
 * Source: RocketMQ `org.apache.rocketmq.example.quickstart.Consumer`.
 *
 * @module
 */
import type { Client } from "../client/client.ts";
import type { ReceivedMessage } from "../client/message.ts";
import { messageText } from "./text.ts";
import { QUICKSTART_TOPIC } from "./quickstart_producer.ts";

/** In whose name it consumes. */
export const QUICKSTART_CONSUMER_GROUP = "please_rename_unique_group_name_4";

/** How the example runs. */
export interface ConsumerRun {
  readonly client: Client;
  /** Takes each line that Java's example prints. */
  readonly print: (line: string) => void;
  /** Hears of each message. */
  readonly onMessage?: (message: ReceivedMessage) => void;
  /** Ends it. */
  readonly until: Promise<unknown>;
}

/** Consumes until `until`, then shuts down. */
export async function runConsumer({ client, print, onMessage, until }: ConsumerRun): Promise<void> {
  const group = QUICKSTART_CONSUMER_GROUP;
  const consumer = client.pushConsumer({ group, consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET" });
  consumer.subscribe(QUICKSTART_TOPIC, "*");
  consumer.onMessages((messages) => {
    for (const message of messages) onMessage?.(message);
    print(`ConsumeMessageThread_${group} Receive New Messages: [${messages.map(messageText).join(", ")}] `);
  });
  try {
    await consumer.start();
    print("Consumer Started.");
    await until;
  } finally {
    await consumer.shutdown();
  }
}
