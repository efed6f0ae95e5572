/**
 * Sends several messages with one request. A batch has one topic, no delays, and must be smaller than the broker's limit: the
 * second example cuts a long list into batches.
 *
 * Source: RocketMQ `org.apache.rocketmq.example.batch`.
 *
 * @module
 */
import type { Message } from "../client/message.ts";
import { utf8 } from "../common/bytes.ts";
import type { ExampleWorld } from "./example.ts";
import { sendResultText } from "./text.ts";

const GROUP = "BatchProducerGroupName";
const TOPIC = "BatchTest";
const TAG = "Tag";
const MESSAGES = 100 * 1000;
/** Of a batch, bytes. */
const SIZE_LIMIT_BYTES = 1000 * 1000;
/** What a message takes besides its own bytes. */
const OVERHEAD_BYTES = 20;

/** Three messages at once. */
export async function simpleBatchProducer({ connect, print }: ExampleWorld): Promise<void> {
  await using client = connect();
  const producer = client.producer({ group: GROUP });
  await producer.start();
  const messages = [1, 2, 3].map((n): Message => ({
    topic: TOPIC,
    tags: TAG,
    keys: `OrderID00${n}`,
    body: `Hello world ${n - 1}`,
  }));
  print(sendResultText(await producer.sendBatch(messages)));
}

/** A hundred thousand messages, in batches of at most a million bytes. */
export async function splitBatchProducer({ connect, print }: ExampleWorld): Promise<void> {
  await using client = connect();
  const producer = client.producer({ group: GROUP });
  await producer.start();
  const messages = Array.from({ length: MESSAGES }, (_, i): Message => ({
    topic: TOPIC,
    tags: TAG,
    keys: `OrderID${i}`,
    body: `Hello world ${i}`,
  }));
  for (const batch of splitBySize(messages, SIZE_LIMIT_BYTES)) print(sendResultText(await producer.sendBatch(batch)));
}

/** Cuts a list into lists below a size. A message that is larger by itself is a list of its own. */
export function* splitBySize(messages: readonly Message[], limitBytes: number): Generator<readonly Message[]> {
  let batch: Message[] = [];
  let sizeBytes = 0;
  for (const message of messages) {
    const size = sizeOf(message);
    if (batch.length > 0 && sizeBytes + size > limitBytes) {
      yield batch;
      batch = [];
      sizeBytes = 0;
    }
    batch.push(message);
    sizeBytes += size;
  }
  if (batch.length > 0) yield batch;
}

function sizeOf({ topic, body, tags = "", keys = "" }: Message): number {
  const bytes = typeof body === "string" ? utf8(body).length : body.length;
  return topic.length + bytes + "TAGS".length + tags.length + "KEYS".length + String(keys).length + OVERHEAD_BYTES;
}
