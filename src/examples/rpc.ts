/**
 * Request and reply over topics: who sends a request waits for the reply of whoever consumes it.
 *
 * Source: RocketMQ `org.apache.rocketmq.example.rpc`.
 *
 * @module
 */
import { createReply } from "../client/request_reply.ts";
import { messageOf } from "../common/errors.ts";
import { consumeUntilEnd, type ExampleWorld, receivedText } from "./example.ts";
import { messageText, sendResultText } from "./text.ts";

const GROUP = "please_rename_unique_group_name";
const TOPIC = "RequestTopic";
const TTL_MS = 3000;

/** Asks once and prints the reply. */
export async function requestProducer({ connect, clock, print }: ExampleWorld): Promise<void> {
  await using client = connect();
  const producer = client.producer({ group: GROUP });
  await producer.start();
  const begin = clock.now();
  try {
    const reply = await producer.request({ topic: TOPIC, body: "Hello world" }, TTL_MS);
    print(`request to <${TOPIC}> cost: ${clock.now() - begin} replyMessage: ${messageText(reply)} `);
  } catch (error) {
    print(messageOf(error));
  }
}

/** Asks once and goes on; the reply is printed when it comes. */
export async function asyncRequestProducer({ connect, clock, print }: ExampleWorld): Promise<void> {
  await using client = connect();
  const producer = client.producer({ group: GROUP });
  await producer.start();
  const begin = clock.now();
  const replied = producer.request({ topic: TOPIC, body: "Hello world" }, TTL_MS).then(
    (reply) => print(`request to <${TOPIC}> cost: ${clock.now() - begin} replyMessage: ${messageText(reply)} `),
    () => print(`request to <${TOPIC}> fail.`),
  );
  // Whatever else there is to do.
  await replied;
}

/** Replies to each request. */
export async function responseConsumer(world: ExampleWorld): Promise<void> {
  const { print } = world;
  await using client = world.connect();
  const replier = client.producer({ group: GROUP });
  await replier.start();
  const consumer = client.pushConsumer({ group: GROUP, consumeFromWhere: "CONSUME_FROM_LAST_OFFSET" });
  consumer.subscribe(TOPIC, "*");
  consumer.onMessages(async (messages) => {
    print(receivedText(GROUP, messages));
    for (const message of messages) {
      try {
        print(`handle message: ${messageText(message)} `);
        const result = await replier.send(createReply(message, "reply message contents."), { timeoutMs: 3000 });
        print(`reply to ${message.properties.get("REPLY_TO_CLIENT")} , ${sendResultText(result)} `);
      } catch (error) {
        print(messageOf(error));
      }
    }
  });
  await consumeUntilEnd(consumer, world);
}
