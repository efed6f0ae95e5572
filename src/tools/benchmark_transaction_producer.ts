/**
 * RocketMQ's benchmark TransactionProducer: sends half messages whose outcomes are in their bodies, and counts the broker's
 * checks, those that nobody should have made, and those that were made twice.
 *
 * ```text
 * body: i64 batch id · i64 message id · u8 outcome at the send · 20 × u8 outcome at the 1st, 2nd, … check · random bytes
 * ```
 *
 * RocketMQ counterpart: `org.apache.rocketmq.example.benchmark.TransactionProducer`, benchmark/tproducer.sh.
 *
 * @module
 */
import type { ReceivedMessage } from "../client/message.ts";
import type { LocalTransactionState, TransactionListener } from "../client/transaction_producer.ts";
import { getI64, putI64 } from "../common/bytes.ts";
import { stopSignal } from "../common/stop_signal.ts";
import { runningUntil } from "../examples/example.ts";
import { Property } from "../protocol/message.ts";
import { option } from "./arguments.ts";
import {
  BENCHMARK_TOPIC,
  benchmarkClientOptions,
  BenchmarkReport,
  perSecond,
  SHARED_OPTIONS,
} from "./benchmark_report.ts";
import { bodyBytes } from "../client/message.ts";
import { timeTextMs } from "./printf.ts";
import { program, type ProgramRun } from "./program.ts";

const OPTIONS = [
  option("w", "threadCount", "Thread count, Default: 32"),
  option("s", "messageSize", "Message Size, Default: 2048"),
  option("t", "topic", "Topic name, Default: BenchmarkTest"),
  option("sr", "send rollback rate", "Send rollback rate, Default: 0.0"),
  option("su", "send unknown rate", "Send unknown rate, Default: 0.0"),
  option("cr", "check rollback rate", "Check rollback rate, Default: 0.0"),
  option("cu", "check unknown rate", "Check unknown rate, Default: 0.0"),
  option("b", "test batch id", "test batch id, Default: System.currentMillis()"),
  option("i", "send interval", "sleep interval in millis between messages, Default: 0"),
  ...SHARED_OPTIONS,
];

/** In RocketMQ's order: a body has the index. */
const STATES: readonly LocalTransactionState[] = ["COMMIT_MESSAGE", "ROLLBACK_MESSAGE", "UNKNOW"];
const SEND_STATE_AT = 16;
const CHECK_STATES_AT = 17;
/** Checks whose outcomes are in a body; a broker makes 15 at most. */
const CHECKS_MAX = 20;
const BODY_SIZE_MIN = CHECK_STATES_AT + CHECKS_MAX;
/** Messages whose checks are remembered. */
const REMEMBERED_MAX = 200_000;

/** Makes bodies and knows what is in them; see the module's text. */
export class TransactionScript implements TransactionListener {
  readonly counters = { sent: 0, sendFailed: 0, costMsTotal: 0, checks: 0, unexpectedChecks: 0, duplicatedChecks: 0 };
  readonly #run: Pick<ProgramRun, "options" | "world" | "print">;
  readonly #batchId: number;
  readonly #checked = new Map<number, number>();
  #count = 0;

  constructor(run: Pick<ProgramRun, "options" | "world" | "print">) {
    this.#run = run;
    this.#batchId = run.options.int("b", run.world.clock.now());
  }

  /** The next message's body. */
  makeBody(): Uint8Array {
    const { options, world: { random } } = this.#run;
    const rate = (key: string) => Number(options.optional(key) ?? 0);
    const body = new Uint8Array(Math.max(BODY_SIZE_MIN, options.int("s", 2048)));
    for (let i = BODY_SIZE_MIN; i < body.length; i++) body[i] = random.int(256);
    putI64(body, 0, this.#batchId);
    putI64(body, 8, this.#count++);
    body[SEND_STATE_AT] = this.#draw(rate("sr"), rate("su"));
    for (let i = 0; i < CHECKS_MAX; i++) body[CHECK_STATES_AT + i] = this.#draw(rate("cr"), rate("cu"));
    return body;
  }

  #draw(rollbackRate: number, unknownRate: number): number {
    const { random } = this.#run.world;
    const state = random.next() < rollbackRate
      ? "ROLLBACK_MESSAGE"
      : random.next() < unknownRate
      ? "UNKNOW"
      : "COMMIT_MESSAGE";
    return STATES.indexOf(state);
  }

  /** @inheritdoc */
  executeLocalTransaction(message: { readonly body: Uint8Array | string }): LocalTransactionState {
    return STATES[bodyBytes(message.body)[SEND_STATE_AT]!] ?? "UNKNOW";
  }

  /** @inheritdoc */
  checkLocalTransaction(message: ReceivedMessage): LocalTransactionState {
    const { body } = message;
    if (body.length < BODY_SIZE_MIN || getI64(body, 0) !== this.#batchId) return "ROLLBACK_MESSAGE"; // of another run
    this.counters.checks++;
    const timesText = message.properties.get(Property.TRANSACTION_CHECK_TIMES);
    if (timesText === undefined) return "ROLLBACK_MESSAGE";
    const times = Math.min(CHECKS_MAX, Math.max(1, Number(timesText) || 1));
    this.#noteCheck(getI64(body, 8), times);
    const sendState = STATES[body[SEND_STATE_AT]!]!;
    if (sendState !== "UNKNOW") return this.#unexpected(message, `sendResult=${sendState}`, sendState);
    for (let i = 0; i < times - 1; i++) {
      const state = STATES[body[CHECK_STATES_AT + i]!]!;
      if (state !== "UNKNOW") return this.#unexpected(message, `sendResult,lastCheckResult=${state}`, state);
    }
    return STATES[body[CHECK_STATES_AT + times - 1]!]!;
  }

  #noteCheck(messageId: number, times: number): void {
    const before = this.#checked.get(messageId) ?? 0;
    const after = before | (1 << (times - 1));
    if (before === after) this.counters.duplicatedChecks++;
    this.#checked.delete(messageId);
    this.#checked.set(messageId, after);
    if (this.#checked.size > REMEMBERED_MAX) this.#checked.delete(this.#checked.keys().next().value!);
  }

  #unexpected(message: ReceivedMessage, why: string, state: LocalTransactionState): LocalTransactionState {
    const { world: { clock }, print } = this.#run;
    this.counters.unexpectedChecks++;
    const checkTimes = message.properties.get(Property.TRANSACTION_CHECK_TIMES);
    print(
      `${timeTextMs(clock.now()).slice(11)} unexpected check: msgId=${message.msgId},txId=${message.transactionId},` +
        `checkTimes=${checkTimes},${why}`,
    );
    return state;
  }
}

/** Sends until the process is told to end. */
export const benchmarkTransactionProducer = program("benchmark.TransactionProducer", OPTIONS, async (run) => {
  const { options, world: { clock }, print } = run;
  const topic = options.optional("t") ?? BENCHMARK_TOPIC;
  const intervalMs = options.int("i", 0);
  const script = new TransactionScript(run);
  const { counters } = script;
  let costMsMax = 0;
  await using client = run.connect(benchmarkClientOptions(run));
  const producer = client.transactionProducer({
    group: "benchmark_transaction_producer",
    enableMsgTrace: options.bool("m", false),
    defaultTopicQueueNums: 1000,
  }, script);
  const stop = stopSignal();
  const running = runningUntil(stop.promise);
  const send = async () => {
    while (running()) {
      const beginMs = clock.now();
      let sent = false;
      try {
        sent = (await producer.sendMessageInTransaction({ topic, body: script.makeBody() })).sendStatus === "SEND_OK";
      } catch {
        // Counted below, as everything that was not stored.
      }
      const costMs = clock.now() - beginMs;
      counters.costMsTotal += costMs;
      costMsMax = Math.max(costMsMax, costMs);
      counters[sent ? "sent" : "sendFailed"]++;
      if (intervalMs > 0 || !sent) await clock.sleep(Math.max(intervalMs, sent ? 0 : 10));
    }
  };
  const report = new BenchmarkReport(clock, counters, {
    intervalMs: options.int("ri", 10_000),
    report(begin, end, now) {
      const sent = end.counters.sent - begin.counters.sent;
      const since = (name: keyof typeof counters) => end.counters[name] - begin.counters[name];
      const average = since("costMsTotal") / sent;
      print(
        `Current Time: ${now} | Send TPS: ${String(perSecond(begin, end, (each) => each.sent)).padStart(5)} | ` +
          `Max RT(ms): ${String(costMsMax).padStart(5)} | ` +
          `AVG RT(ms): ${Number.isFinite(average) ? average.toFixed(1) : "NaN"} | Send Failed: ${
            since("sendFailed")
          } | ` +
          `Check: ${since("checks")} | UnexpectedCheck: ${since("unexpectedChecks")} | ` +
          `DuplicatedCheck: ${since("duplicatedChecks")}`,
      );
      costMsMax = 0;
    },
  });
  try {
    await producer.start();
    await Promise.all(Array.from({ length: options.int("w", 32) }, send));
  } finally {
    report.stop();
    stop.ignore();
  }
});
