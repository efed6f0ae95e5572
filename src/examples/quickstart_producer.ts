/**
 * RocketMQ's quickstart Producer: sends messages one after the other and prints each result. When one fails, it says so,
 * waits a second and goes on; it ends when all are sent or it is told to.
 *
 * Source: RocketMQ `org.apache.rocketmq.example.quickstart.Producer`.
 *
 * @module
 */
import type { Client } from "../client/client.ts";
import type { SendResult } from "../client/message.ts";
import type { Clock } from "../common/clock.ts";
import { messageOf } from "../common/errors.ts";
import { sendResultText } from "./text.ts";

/** What RocketMQ's example sends. */
export const QUICKSTART_MESSAGES = 1000;
/** Where it sends to. */
export const QUICKSTART_TOPIC = "TopicTest";
/** In whose name. */
export const QUICKSTART_PRODUCER_GROUP = "please_rename_unique_group_name";

/** How the example runs. */
export interface ProducerRun {
  readonly client: Client;
  readonly clock: Clock;
  /** Takes each line that Java's example prints. */
  readonly print: (line: string) => void;
  /** Ends it before all are sent; without it nothing does. */
  readonly until?: Promise<unknown>;
  /** Hears of each message that was sent, and how long it took. */
  readonly onSent?: (result: SendResult, elapsedMs: number) => void;
}

/** Sends all messages, unless it is ended before, then shuts down. */
export async function runProducer({ client, clock, print, until, onSent }: ProducerRun): Promise<void> {
  await using producer = client.producer({ group: QUICKSTART_PRODUCER_GROUP });
  await producer.start();
  const ended = new AbortController();
  until?.then(() => ended.abort());
  for (let i = 0; i < QUICKSTART_MESSAGES && !ended.signal.aborted; i++) {
    try {
      const startMs = clock.monotonicMs();
      const result = await producer.send({ topic: QUICKSTART_TOPIC, tags: "TagA", body: `Hello RocketMQ ${i}` });
      onSent?.(result, clock.monotonicMs() - startMs);
      print(sendResultText(result));
    } catch (error) {
      print(messageOf(error));
      await clock.sleep(1000, ended.signal).catch(() => {});
    }
  }
}
