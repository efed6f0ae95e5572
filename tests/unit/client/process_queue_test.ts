import { assert, assertEquals } from "@std/assert";
import { ReceivedMessage } from "../../../src/client/message.ts";
import { ProcessQueue } from "../../../src/client/process_queue.ts";

function message(offset: number, bytes = 10): ReceivedMessage {
  const made = new ReceivedMessage();
  made.queueOffset = offset;
  made.body = new Uint8Array(bytes);
  return made;
}

function queueWith(...offsets: number[]): { queue: ProcessQueue; messages: ReceivedMessage[] } {
  const queue = new ProcessQueue({ brokerName: "b", queueId: 0, topic: "T" }, 0);
  const messages = offsets.map((offset) => message(offset));
  queue.put(messages);
  return { queue, messages };
}

Deno.test("the offset to store is that of the first message which is not consumed", () => {
  const { queue, messages } = queueWith(5, 6, 7, 9);

  assertEquals(queue.remove([messages[1]!], 0), 5);
  assertEquals(queue.remove([messages[0]!], 0), 7);
  assertEquals(queue.remove([messages[3]!], 0), 7);
  assertEquals(queue.remove([messages[2]!], 0), 10);
  assertEquals(queue.remove([messages[2]!], 0), -1);
  assertEquals([queue.count, queue.sizeBytes], [0, 0]);
});

Deno.test("a message that is pulled twice is held once", () => {
  const { queue } = queueWith(1, 2);

  queue.put([message(2), message(3)]);

  assertEquals([queue.count, queue.sizeBytes, queue.span], [3, 30, 2]);
});

Deno.test("messages taken by an orderly listener count until they are committed, and come first when given back", () => {
  const { queue } = queueWith(1, 2, 3);

  assertEquals(queue.take(2, 0).map((each) => each.queueOffset), [1, 2]);
  assertEquals(queue.count, 3);
  queue.giveBack();
  assertEquals(queue.take(2, 0).map((each) => each.queueOffset), [1, 2]);
  assertEquals(queue.commit(), 3);
  assertEquals(queue.take(5, 0).map((each) => each.queueOffset), [3]);
  assertEquals(queue.commit(), 4);
  assertEquals(queue.commit(), -1);
  assertEquals(queue.sizeBytes, 0);
});

Deno.test("a queue is full by count, by bytes, or by the distance of its offsets", () => {
  const limits = { messageCount: 3, sizeBytes: 100, span: 10 };

  assert(!queueWith(1, 2).queue.isFull(limits));
  assert(queueWith(1, 2, 3).queue.isFull(limits));
  assert(queueWith(1, 12).queue.isFull(limits));
  const { queue } = queueWith(1);
  queue.put([message(2, 90)]);
  assert(queue.isFull(limits));
});

Deno.test("who waits for room is woken by consumption and by the end of the queue", async () => {
  const { queue, messages } = queueWith(1, 2);

  const consumed = queue.untilChanged();
  queue.remove([messages[0]!], 0);
  await consumed;
  const dropped = queue.untilChanged();
  queue.drop();
  await dropped;
  await queue.untilChanged();

  assert(queue.dropped && !queue.abandoned);
});

Deno.test("an abandoned queue holds nothing", () => {
  const { queue } = queueWith(1, 2, 3);
  queue.take(1, 0);

  queue.abandon();

  assertEquals([queue.count, queue.sizeBytes, queue.abandoned, queue.commit()], [0, 0, true, -1]);
});

Deno.test("a lock that was not renewed for 30 seconds is not ours any more", () => {
  const { queue } = queueWith();
  queue.locked = true;
  queue.lastLockMs = 1000;

  assertEquals([queue.holdsLock(31_000), queue.holdsLock(31_001)], [true, false]);
});
