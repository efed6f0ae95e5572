/**
 * Messages that consumers see only when the sender's own transaction has succeeded. The local transactions of this example
 * tell nothing when they run, so that the broker asks; a third of them is then still open, a third committed, a third rolled
 * back.
 *
 * Source: RocketMQ `org.apache.rocketmq.example.transaction`.
 *
 * @module
 */
import type { LocalTransactionState, TransactionListener } from "../client/transaction_producer.ts";
import { messageOf } from "../common/errors.ts";
import type { ExampleWorld } from "./example.ts";
import { sendResultText } from "./text.ts";

const TAGS = ["TagA", "TagB", "TagC", "TagD", "TagE"];
const OUTCOMES: readonly LocalTransactionState[] = ["UNKNOW", "COMMIT_MESSAGE", "ROLLBACK_MESSAGE"];

/** A listener that knows each outcome only when it is asked. */
export function slowTransactions(): TransactionListener {
  const outcomes = new Map<string, LocalTransactionState>();
  return {
    executeLocalTransaction(_message, transactionId) {
      outcomes.set(transactionId, OUTCOMES[outcomes.size % OUTCOMES.length]!);
      return "UNKNOW";
    },
    checkLocalTransaction: (message) => outcomes.get(message.transactionId ?? "") ?? "COMMIT_MESSAGE",
  };
}

/** Sends ten messages, and stays to be asked. */
export async function transactionProducer({ connect, clock, print, until }: ExampleWorld): Promise<void> {
  await using client = connect();
  const producer = client.transactionProducer({ group: "please_rename_unique_group_name" }, slowTransactions());
  await producer.start();
  for (let i = 0; i < 10; i++) {
    const message = { topic: "TopicTest1234", tags: TAGS[i % 5]!, keys: `KEY${i}`, body: `Hello RocketMQ ${i}` };
    try {
      print(sendResultText(await producer.sendMessageInTransaction(message)));
      await clock.sleep(10);
    } catch (error) {
      print(messageOf(error));
    }
  }
  await until;
}
