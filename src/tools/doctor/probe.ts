/**
 * `--probe`: one message to each master and back, over the route that the name servers give, as producers and consumers go.
 * It goes to the topic that carries the broker's name, as those of `mqadmin clusterRT`.
 *
 * @module
 */
import type { Client } from "../../client/client.ts";
import { messageOf } from "../../common/errors.ts";
import type { Clock } from "../../common/clock.ts";
import { MASTER_ID } from "../../protocol/bodies/route.ts";
import type { Report } from "./finding.ts";
import { brokerSubject, type ExaminedBroker } from "./patient.ts";

const PRODUCER_GROUP = "rucola_doctor";
/** A group that every broker has for tools. */
const CONSUMER_GROUP = "TOOLS_CONSUMER";

/** Probes every master that was reached. */
export async function probeBrokers(
  client: Client,
  clock: Clock,
  brokers: readonly ExaminedBroker[],
  report: Report,
): Promise<void> {
  const masters = brokers.filter(({ brokerId, runtime }) => brokerId === MASTER_ID && runtime !== null);
  if (masters.length === 0) return;
  await using producer = client.producer({ group: PRODUCER_GROUP, retryTimesWhenSendFailed: 0 });
  await using consumer = client.pullConsumer({ group: CONSUMER_GROUP });
  await producer.start();
  await consumer.start();
  for (const broker of masters) {
    const subject = brokerSubject(broker);
    const queue = { topic: broker.brokerName, brokerName: broker.brokerName, queueId: 0 };
    const startMs = clock.monotonicMs();
    const elapsed = () => `${(clock.monotonicMs() - startMs).toFixed(1)} ms`;
    try {
      const sent = await producer.send({ topic: queue.topic, body: `rucola doctor ${clock.now()}` }, { queue });
      const sendText = `sent in ${elapsed()} (${sent.sendStatus})`;
      const { messages } = await consumer.pullBlockIfNotFound(queue, sent.queueOffset, { maxMessages: 1 });
      if (messages.some(({ msgId }) => msgId === sent.msgId)) {
        const severity = sent.sendStatus === "SEND_OK" ? "ok" : "warning";
        const tail = severity === "ok" ? {} : {
          meaning: "the message is on the master, but not where the configuration wants it to be as well",
          remedy: "FLUSH_DISK_TIMEOUT: look at the disk; FLUSH_SLAVE_TIMEOUT, SLAVE_NOT_AVAILABLE: at the slaves",
        };
        report({
          severity,
          check: "probe",
          subject,
          text: `a message was ${sendText} and read back after ${elapsed()}`,
          ...tail,
        });
      } else {
        report({
          severity: "problem",
          check: "probe",
          subject,
          text: `a message was ${sendText}, but is not there when it is read`,
          meaning: "producers succeed, but consumers do not get their messages",
          remedy: "see store.log of the broker",
        });
      }
    } catch (error) {
      report({
        severity: "problem",
        check: "probe",
        subject,
        text: `a message could not be sent and read back: ${messageOf(error)}`,
        meaning: "the same happens to producers and consumers",
        remedy: "the text behind the code says which of the causes it is",
      });
    }
  }
}
