/**
 * Messages and send results as lines of text, in the words in which RocketMQ's Java clients print them.
 * Source: RocketMQ `SendResult#toString`, `MessageExt#toString`, `Message#toString`, `MessageQueue#toString`.
 *
 * @module
 */
import type { MessageQueue } from "../protocol/message_queue.ts";
import type { ReceivedMessage, SendResult } from "../client/message.ts";
import type { PullResult } from "../client/pull_request.ts";

/** `MessageQueue [topic=…, brokerName=…, queueId=…]` */
export function queueText({ topic, brokerName, queueId }: MessageQueue): string {
  return `MessageQueue [topic=${topic}, brokerName=${brokerName}, queueId=${queueId}]`;
}

/** `SendResult [sendStatus=SEND_OK, msgId=…, …]` */
export function sendResultText(
  { sendStatus, msgId, offsetMsgId, queue, queueOffset, recallHandle }: SendResult,
): string {
  return `SendResult [sendStatus=${sendStatus}, msgId=${msgId}, offsetMsgId=${offsetMsgId}, ` +
    `messageQueue=${queueText(queue)}, queueOffset=${queueOffset}, recallHandle=${recallHandle}]`;
}

/** `MessageExt [brokerName=…, …]`; the body as signed bytes. */
export function messageText(message: ReceivedMessage): string {
  return `MessageExt [brokerName=${message.brokerName}, queueId=${message.queueId}, storeSize=${message.storeSize}, ` +
    `queueOffset=${message.queueOffset}, sysFlag=${message.sysFlag}, bornTimestamp=${message.bornTimestamp}, ` +
    `bornHost=/${message.bornHost}, storeTimestamp=${message.storeTimestamp}, storeHost=/${message.storeHost}, ` +
    `msgId=${message.offsetMsgId}, commitLogOffset=${message.physicalOffset}, bodyCRC=${message.bodyCrc}, ` +
    `reconsumeTimes=${message.reconsumeTimes}, preparedTransactionOffset=${message.preparedTransactionOffset}, ` +
    `toString()=Message{topic='${message.topic}', flag=${message.flag}, properties=${propertiesText(message)}, ` +
    `body=[${new Int8Array(message.body).join(", ")}], transactionId='${message.transactionId ?? null}'}]`;
}

/** `PullResult [pullStatus=FOUND, nextBeginOffset=…, …]` */
export function pullResultText({ status, nextBeginOffset, minOffset, maxOffset, messages }: PullResult): string {
  return `PullResult [pullStatus=${status}, nextBeginOffset=${nextBeginOffset}, minOffset=${minOffset}, ` +
    `maxOffset=${maxOffset}, msgFoundList=${messages.length}]`;
}

/** `{name=value, …}` */
export function propertiesText({ properties }: ReceivedMessage): string {
  return `{${Array.from(properties, ([name, value]) => `${name}=${value}`).join(", ")}}`;
}
