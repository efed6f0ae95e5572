/**
 * Ways to consume: a listener that is called, polls of a lite pull consumer that shares its queues or names them, queues read
 * by hand, and tasks on a schedule.
 *
 * Source: RocketMQ `org.apache.rocketmq.example.simple`.
 *
 * @module
 */
import type { LitePullConsumer } from "../client/lite_pull_consumer.ts";
import { messageOf } from "../common/errors.ts";
import { consumeUntilEnd, type ExampleWorld, receivedText, runningUntil } from "./example.ts";
import { messageText, pullResultText, queueText } from "./text.ts";

const TOPIC = "TopicTest";

/** A listener. */
export async function simplePushConsumer(world: ExampleWorld): Promise<void> {
  const group = "CID_JODIE_1";
  await using client = world.connect();
  const consumer = client.pushConsumer({ group, consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET" });
  consumer.subscribe(TOPIC, "*");
  consumer.onMessages((messages) => world.print(receivedText(group, messages)));
  await consumeUntilEnd(consumer, world);
}

/** Polls, the queues shared with the group. What a poll gave counts as consumed at the next one. */
export async function litePullConsumerSubscribe(world: ExampleWorld): Promise<void> {
  await using client = world.connect();
  const consumer = client.litePullConsumer({
    group: "lite_pull_consumer_test",
    consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
  });
  consumer.subscribe(TOPIC, "*");
  await consumer.start();
  await pollUntilEnd(consumer, world, false);
}

/** Polls half of the queues, one of them from offset 10 on, and says itself what is consumed. */
export async function litePullConsumerAssign(world: ExampleWorld): Promise<void> {
  await using client = world.connect();
  const consumer = client.litePullConsumer({ group: "please_rename_unique_group_name", autoCommit: false });
  await consumer.start();
  const queues = await consumer.fetchMessageQueues(TOPIC);
  await consumer.assign(queues.slice(0, queues.length / 2));
  consumer.seek(queues[0]!, 10);
  await pollUntilEnd(consumer, world, true);
}

/** As {@linkcode litePullConsumerAssign}, all queues, and messages with one tag only. */
export async function litePullConsumerAssignWithSubExpression(world: ExampleWorld): Promise<void> {
  await using client = world.connect();
  const consumer = client.litePullConsumer({ group: "please_rename_unique_group_name", autoCommit: false });
  await consumer.start();
  const queues = await consumer.fetchMessageQueues(TOPIC);
  await consumer.assign(queues, "TagA");
  consumer.seek(queues[0]!, 10);
  await pollUntilEnd(consumer, world, true);
}

async function pollUntilEnd(
  consumer: LitePullConsumer,
  { print, until }: ExampleWorld,
  commits: boolean,
): Promise<void> {
  const running = runningUntil(until);
  while (running()) {
    const messages = await consumer.poll(1000);
    print(`[${messages.map(messageText).join(", ")}] `);
    if (commits) await consumer.commit();
  }
  await consumer.shutdown();
}

/** Pulls its share of the queues by hand, from where the group left off. */
export async function pullConsumer({ connect, clock, print, until }: ExampleWorld): Promise<void> {
  await using client = connect();
  const consumer = client.pullConsumer({ group: "please_rename_unique_group_name_5" });
  consumer.registerTopic(TOPIC);
  await consumer.start();
  const running = runningUntil(until);
  while (running()) {
    const queues = consumer.queuesInBalance(TOPIC);
    if (queues.length === 0) await clock.sleep(1000);
    for (const queue of queues) {
      try {
        const known = await consumer.fetchConsumeOffset(queue);
        const offset = known >= 0 ? known : await consumer.maxOffset(queue);
        const result = await consumer.pull(queue, offset);
        consumer.updateConsumeOffset(queue, result.nextBeginOffset);
        if (result.status === "NO_NEW_MSG") await clock.sleep(1);
      } catch (error) {
        print(messageOf(error));
      }
    }
  }
}

/** Has each queue of its share pulled every 100 ms. */
export async function pullScheduleService({ connect, print, until }: ExampleWorld): Promise<void> {
  await using client = connect();
  const schedule = client.pullSchedule({ group: "GroupName1" });
  schedule.registerPullTask(TOPIC, async (queue, { consumer }) => {
    const offset = Math.max(0, await consumer.fetchConsumeOffset(queue));
    const result = await consumer.pull(queue, offset);
    print(`${offset}\t${queueText(queue)}\t${pullResultText(result)}`);
    consumer.updateConsumeOffset(queue, result.nextBeginOffset);
    return 100;
  });
  await schedule.start();
  await until;
  await schedule.shutdown();
}
