/**
 * What every example is given, and what most consuming ones have in common.
 *
 * @module
 */
import type { Client } from "../client/client.ts";
import type { ReceivedMessage } from "../client/message.ts";
import type { ClientOptions } from "../client/options.ts";
import type { PushConsumer } from "../client/push_consumer.ts";
import type { Clock } from "../common/clock.ts";
import { messageText } from "./text.ts";

/** The surroundings of an example. */
export interface ExampleWorld {
  /** A client of the cluster. @param options of the client besides the name servers. */
  connect(options?: Partial<ClientOptions>): Client;
  readonly clock: Clock;
  /** Takes each line that Java's example prints. */
  readonly print: (line: string) => void;
  /** Ends examples that run until somebody ends them. */
  readonly until: Promise<unknown>;
  /** What its command line gave, by option. */
  readonly options: ReadonlyMap<string, string>;
}

/** Runs to its end. */
export type Example = (world: ExampleWorld) => Promise<void>;

/** The line that Java's consumers print for the messages of one call. */
export function receivedText(group: string, messages: readonly ReceivedMessage[]): string {
  return `ConsumeMessageThread_${group} Receive New Messages: [${messages.map(messageText).join(", ")}] `;
}

/** Consumes until the example is to end, then shuts down. */
export async function consumeUntilEnd(
  consumer: PushConsumer,
  world: Pick<ExampleWorld, "print" | "until">,
  startedText = "Consumer Started.",
): Promise<void> {
  try {
    await consumer.start();
    if (startedText !== "") world.print(startedText);
    await world.until;
  } finally {
    await consumer.shutdown();
  }
}

/** A `while (running)` whose end is {@linkcode ExampleWorld.until}: false once it has come. */
export function runningUntil(until: Promise<unknown>): () => boolean {
  let running = true;
  until.then(() => running = false, () => running = false);
  return () => running;
}
