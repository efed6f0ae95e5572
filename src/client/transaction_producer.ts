/**
 * Sends messages that consumers see only when the sender's own transaction has succeeded. The message is stored out of
 * sight (half message), the local transaction runs, and its outcome commits the message or takes it back. When no outcome
 * reaches the broker, it asks the group's producers what became of the transaction, until one knows.
 *
 * ```ts
 * const producer = client.transactionProducer({ group: "orders" }, {
 *   executeLocalTransaction: async (message) => (await pay(message)) ? "COMMIT_MESSAGE" : "ROLLBACK_MESSAGE",
 *   checkLocalTransaction: async (message) => (await isPaid(message)) ? "COMMIT_MESSAGE" : "UNKNOW",
 * });
 * ```
 *
 * Source: RocketMQ `TransactionMQProducer`, `TransactionListener`.
 *
 * @module
 */
import { messageOf } from "../common/errors.ts";
import { RequestCode } from "../protocol/codes.ts";
import { writeHeader } from "../protocol/header.ts";
import { parseOffsetMessageId } from "../protocol/ids.ts";
import { Property, SysFlag } from "../protocol/message.ts";
import { ClientError } from "./errors.ts";
import type { ClientInstance } from "./instance.ts";
import type { TransactionCheck } from "./members.ts";
import type { Message, ReceivedMessage, SendResult } from "./message.ts";
import type { ProducerOptions } from "./options.ts";
import { Producer } from "./producer.ts";

/** Outcome of a local transaction; `UNKNOW` (RocketMQ's spelling) when it is not decided: the broker will ask. */
export type LocalTransactionState = "COMMIT_MESSAGE" | "ROLLBACK_MESSAGE" | "UNKNOW";

/** The sender's own side of its transactions. What either function throws means `UNKNOW`. */
export interface TransactionListener {
  /** Runs the local transaction; the half message is stored already. */
  executeLocalTransaction(
    message: Message,
    transactionId: string,
    arg: unknown,
  ): LocalTransactionState | Promise<LocalTransactionState>;
  /** A broker asks what became of a transaction, perhaps one of another producer of the group. */
  checkLocalTransaction(message: ReceivedMessage): LocalTransactionState | Promise<LocalTransactionState>;
}

/** What became of the half message and of the transaction. */
export interface TransactionSendResult extends SendResult {
  readonly localTransactionState: LocalTransactionState;
}

const DECISION: Readonly<Record<LocalTransactionState, number>> = {
  COMMIT_MESSAGE: SysFlag.TRANSACTION_COMMIT,
  ROLLBACK_MESSAGE: SysFlag.TRANSACTION_ROLLBACK,
  UNKNOW: SysFlag.TRANSACTION_NOT,
};

/** See the module's text. */
export class TransactionProducer extends Producer {
  readonly #listener: TransactionListener;

  /** Made by `Client.transactionProducer`. @throws {ClientError} when the group cannot have this name. */
  constructor(instance: ClientInstance, options: ProducerOptions, listener: TransactionListener) {
    super(instance, options);
    this.#listener = listener;
  }

  /**
   * Sends a half message, runs the local transaction, and tells the broker its outcome.
   *
   * @param arg for the listener.
   * @throws as `Producer.send`, when the half message could not be stored; the local transaction was not run then.
   */
  sendMessageInTransaction(message: Message, arg?: unknown): Promise<TransactionSendResult> {
    return this.track(async () => {
      if (message.delayLevel || message.delayMs !== undefined || message.deliverAtMs !== undefined) {
        throw new ClientError("a message in a transaction cannot be delayed");
      }
      const properties = { ...message.properties, [Property.TRAN_MSG]: "true", [Property.PGROUP]: this.group };
      const send = this.prepare({ ...message, properties });
      const result = await this.sender.send(send, this.settings.sendMsgTimeoutMs);
      const state = result.sendStatus === "SEND_OK"
        ? await this.#run(() => this.#listener.executeLocalTransaction(message, send.msgId, arg), send.msgId)
        : "ROLLBACK_MESSAGE";
      await this.#endSent(result, { ...message, topic: send.topic, properties }, state);
      return { ...result, transactionId: result.transactionId ?? send.msgId, localTransactionState: state };
    });
  }

  async #run(
    work: () => LocalTransactionState | Promise<LocalTransactionState>,
    transactionId: string,
  ): Promise<LocalTransactionState> {
    try {
      return await work();
    } catch (error) {
      this.instance.world.log.warn(`the outcome of transaction ${transactionId} is not known: ${messageOf(error)}`);
      return "UNKNOW";
    }
  }

  async #endSent(result: SendResult, message: Message, state: LocalTransactionState): Promise<void> {
    const { routes, world } = this.instance;
    try {
      await this.#end(await routes.findMasterAddress(message.topic, result.queue.brokerName), state, message, {
        brokerName: result.queue.brokerName,
        commitLogOffset: parseOffsetMessageId(result.offsetMsgId)?.physicalOffset ?? 0,
        tranStateTableOffset: result.queueOffset,
        msgId: result.msgId,
        transactionId: result.transactionId ?? result.msgId,
        topic: message.topic,
        fromTransactionCheck: false,
      });
    } catch (error) {
      world.log.warn(`the broker will ask for transaction ${result.msgId}: cannot end it: ${messageOf(error)}`);
    }
  }

  /** For the client: see {@link ProducerMember}. */
  override checkTransaction(check: TransactionCheck): void {
    this.track(async () => {
      const { topic } = check.message;
      check.message.topic = this.instance.namespace.unwrap(topic);
      const work = () => this.#listener.checkLocalTransaction(check.message);
      const state = await this.#run(work, check.transactionId);
      await this.#end(check.brokerAddress, state, check.message, {
        brokerName: check.brokerName,
        commitLogOffset: check.commitLogOffset,
        tranStateTableOffset: check.tranStateTableOffset,
        msgId: check.transactionId,
        transactionId: check.transactionId,
        topic,
        fromTransactionCheck: true,
      });
    }).catch((error) =>
      this.instance.world.log.warn(`cannot answer for transaction ${check.transactionId}: ${messageOf(error)}`)
    );
  }

  #end(
    address: string,
    state: LocalTransactionState,
    message: Message | ReceivedMessage,
    ended: EndedTransaction,
  ): Promise<void> {
    const { brokerName, ...header } = ended;
    this.hooks.endTransaction({
      producerGroup: this.group,
      message,
      brokerAddress: address,
      msgId: ended.msgId,
      transactionId: ended.transactionId,
      transactionState: state,
      fromTransactionCheck: ended.fromTransactionCheck,
    });
    const ext = writeHeader({
      producerGroup: this.group,
      commitOrRollback: DECISION[state],
      bname: brokerName,
      ...header,
    });
    return this.instance.calls.oneway(address, { code: RequestCode.END_TRANSACTION, ext });
  }
}

interface EndedTransaction {
  readonly brokerName: string;
  readonly commitLogOffset: number;
  readonly tranStateTableOffset: number;
  readonly msgId: string;
  readonly transactionId: string;
  readonly topic: string;
  readonly fromTransactionCheck: boolean;
}
