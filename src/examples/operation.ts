/**
 * A producer and a consumer for trying things out: group, topic and the rest come from the command line.
 *
 * Source: RocketMQ `org.apache.rocketmq.example.operation`.
 *
 * @module
 */
import { messageOf } from "../common/errors.ts";
import { consumeUntilEnd, type ExampleWorld } from "./example.ts";
import { messageText, sendResultText } from "./text.ts";

/** Sends `-c` messages; one that fails costs a second. */
export async function operationProducer({ connect, clock, print, options }: ExampleWorld): Promise<void> {
  await using client = connect();
  const producer = client.producer({ group: options.get("g")! });
  await producer.start();
  for (let i = 0; i < Number(options.get("c")); i++) {
    const body = `Hello RocketMQ ${i}`;
    try {
      const message = { topic: options.get("t")!, tags: options.get("a")!, keys: options.get("k")!, body };
      print(`${String(i).padEnd(8)} ${sendResultText(await producer.send(message))}`);
    } catch (error) {
      print(messageOf(error));
      await clock.sleep(1000);
    }
  }
}

/** Prints what comes; with `-f true` every second call asks for the messages once more. */
export async function operationConsumer(world: ExampleWorld): Promise<void> {
  const { options, print } = world;
  const fails = options.get("f")?.toLowerCase() === "true";
  await using client = world.connect();
  const consumer = client.pushConsumer({ group: options.get("g")! });
  consumer.subscribe(options.get("t")!, options.get("s") ?? "*");
  let times = 0;
  consumer.onMessages((messages) => {
    times++;
    print(`${String(times).padEnd(8)} [${messages.map(messageText).join(", ")}]`);
    return fails && times % 2 === 0 ? "RECONSUME_LATER" : "CONSUME_SUCCESS";
  });
  await consumeUntilEnd(consumer, world);
}
