/**
 * Programs by name: RocketMQ's examples and benchmarks under their Java class names, with or without
 * `org.apache.rocketmq.example.`. Each is loaded when it is called.
 *
 * RocketMQ counterpart: tools.sh with these classes, benchmark/*.sh.
 *
 * @module
 */
import type { Example } from "../examples/example.ts";
import { option, type OptionSpec, required } from "./arguments.ts";
import type { Program } from "./program.ts";

const PACKAGE = "org.apache.rocketmq.example.";

interface ExampleEntry {
  readonly load: () => Promise<Example>;
  readonly options?: readonly OptionSpec[];
}

const OPERATION_PRODUCER_OPTIONS: readonly OptionSpec[] = [
  required("g", "producerGroup", "Producer Group Name"),
  required("t", "topic", "Topic Name"),
  required("a", "tags", "Tags Name"),
  required("k", "keys", "Keys Name"),
  required("c", "msgCount", "Message Count"),
];

const OPERATION_CONSUMER_OPTIONS: readonly OptionSpec[] = [
  required("g", "consumerGroup", "Consumer Group Name"),
  required("t", "topic", "Topic Name"),
  option("s", "subscription", "subscription"),
  required("f", "returnFailedHalf", "return failed result, for half message"),
];

const batch = () => import("../examples/batch.ts");
const filter = () => import("../examples/filter.ts");
const namespace = () => import("../examples/namespace.ts");
const operation = () => import("../examples/operation.ts");
const order = () => import("../examples/ordermessage.ts");
const rpc = () => import("../examples/rpc.ts");
const schedule = () => import("../examples/schedule.ts");
const senders = () => import("../examples/simple_producers.ts");
const readers = () => import("../examples/simple_consumers.ts");
const trace = () => import("../examples/tracemessage.ts");

const EXAMPLES: Readonly<Record<string, ExampleEntry>> = {
  "batch.SimpleBatchProducer": { load: async () => (await batch()).simpleBatchProducer },
  "batch.SplitBatchProducer": { load: async () => (await batch()).splitBatchProducer },
  "broadcast.PushConsumer": { load: async () => (await import("../examples/broadcast.ts")).broadcastPushConsumer },
  "filter.SqlFilterConsumer": { load: async () => (await filter()).sqlFilterConsumer },
  "filter.SqlFilterProducer": { load: async () => (await filter()).sqlFilterProducer },
  "filter.TagFilterConsumer": { load: async () => (await filter()).tagFilterConsumer },
  "filter.TagFilterProducer": { load: async () => (await filter()).tagFilterProducer },
  "namespace.ProducerWithNamespace": { load: async () => (await namespace()).producerWithNamespace },
  "namespace.PullConsumerWithNamespace": { load: async () => (await namespace()).pullConsumerWithNamespace },
  "namespace.PushConsumerWithNamespace": { load: async () => (await namespace()).pushConsumerWithNamespace },
  "operation.Consumer": {
    load: async () => (await operation()).operationConsumer,
    options: OPERATION_CONSUMER_OPTIONS,
  },
  "operation.Producer": {
    load: async () => (await operation()).operationProducer,
    options: OPERATION_PRODUCER_OPTIONS,
  },
  "ordermessage.Consumer": { load: async () => (await order()).orderConsumer },
  "ordermessage.Producer": { load: async () => (await order()).orderProducer },
  "quickstart.Consumer": { load: async () => (await import("../examples/quickstart.ts")).quickstartConsumer },
  "quickstart.Producer": { load: async () => (await import("../examples/quickstart.ts")).quickstartProducer },
  "rpc.AsyncRequestProducer": { load: async () => (await rpc()).asyncRequestProducer },
  "rpc.RequestProducer": { load: async () => (await rpc()).requestProducer },
  "rpc.ResponseConsumer": { load: async () => (await rpc()).responseConsumer },
  "schedule.ScheduledMessageConsumer": { load: async () => (await schedule()).scheduledMessageConsumer },
  "schedule.ScheduledMessageProducer": { load: async () => (await schedule()).scheduledMessageProducer },
  "schedule.TimerMessageConsumer": { load: async () => (await schedule()).timerMessageConsumer },
  "schedule.TimerMessageProducer": { load: async () => (await schedule()).timerMessageProducer },
  "simple.AclClient": { load: async () => (await import("../examples/acl_client.ts")).aclClient },
  "simple.AsyncProducer": { load: async () => (await senders()).asyncProducer },
  "simple.LitePullConsumerAssign": { load: async () => (await readers()).litePullConsumerAssign },
  "simple.LitePullConsumerAssignWithSubExpression": {
    load: async () => (await readers()).litePullConsumerAssignWithSubExpression,
  },
  "simple.LitePullConsumerSubscribe": { load: async () => (await readers()).litePullConsumerSubscribe },
  "simple.OnewayProducer": { load: async () => (await senders()).onewayProducer },
  "simple.Producer": { load: async () => (await senders()).simpleProducer },
  "simple.PullConsumer": { load: async () => (await readers()).pullConsumer },
  "simple.PullScheduleService": { load: async () => (await readers()).pullScheduleService },
  "simple.PushConsumer": { load: async () => (await readers()).simplePushConsumer },
  "simple.RandomAsyncCommit": {
    load: async () => (await import("../examples/random_async_commit.ts")).randomAsyncCommit,
  },
  "tracemessage.TraceProducer": { load: async () => (await trace()).traceProducer },
  "tracemessage.TracePushConsumer": { load: async () => (await trace()).tracePushConsumer },
  "transaction.TransactionProducer": {
    load: async () => (await import("../examples/transaction.ts")).transactionProducer,
  },
};

const BENCHMARKS: Readonly<Record<string, () => Promise<Program>>> = {
  "benchmark.BatchProducer": async () => (await import("./benchmark_batch_producer.ts")).benchmarkBatchProducer,
  "benchmark.Consumer": async () => (await import("./benchmark_consumer.ts")).benchmarkConsumer,
  "benchmark.Producer": async () => (await import("./benchmark_producer.ts")).benchmarkProducer,
  "benchmark.TransactionProducer": async () =>
    (await import("./benchmark_transaction_producer.ts")).benchmarkTransactionProducer,
  "benchmark.timer.TimerConsumer": async () => (await import("./benchmark_timer.ts")).benchmarkTimerConsumer,
  "benchmark.timer.TimerProducer": async () => (await import("./benchmark_timer.ts")).benchmarkTimerProducer,
};

/** Names of all programs, without their package, sorted. */
export function programNames(): string[] {
  return [...Object.keys(EXAMPLES), ...Object.keys(BENCHMARKS)].sort();
}

/** A Java class name without the package that all programs are in. */
export function shortProgramName(name: string): string {
  return name.startsWith(PACKAGE) ? name.slice(PACKAGE.length) : name;
}

/** The program of a Java class name in any case, with or without its package. */
export function findProgram(name: string): (() => Promise<Program>) | undefined {
  const wanted = shortProgramName(name).toLowerCase();
  const short = programNames().find((each) => each.toLowerCase() === wanted);
  if (short === undefined) return undefined;
  if (Object.hasOwn(BENCHMARKS, short)) return BENCHMARKS[short];
  const { load, options = [] } = EXAMPLES[short]!;
  return async () => (await import("./example_programs.ts")).exampleProgram(short, await load(), options);
}
