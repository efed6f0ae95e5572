/**
 * The work that brokers are compared by, as a table. The runners (`wire_runner.ts`, `java_runner.ts`, …) do it; what each
 * must come to stands in `targets.ts`.
 *
 * @module
 */
import type { SetupName } from "./setup.ts";
import type { WireMode } from "./wire.ts";

interface Named {
  readonly name: string;
  readonly about: string;
  readonly setup: SetupName;
  /** Only our own broker does it. */
  readonly oursOnly?: boolean;
  /** Runs only when --only names it. */
  readonly extra?: boolean;
}

/** Raw frames over some connections. */
export interface WireScenario extends Named {
  readonly kind: "wire";
  readonly mode: WireMode;
  readonly conns: number;
  readonly window: number;
  readonly size: number;
  readonly serialize: "binary" | "json";
  readonly queues: number;
  readonly topics: number;
  /** Messages a second; 0 for as many as the broker takes. */
  readonly rate: number;
  readonly delayLevel: number;
  readonly groups: number;
  /** Further connections, which do nothing. */
  readonly idle: number;
  /** Messages that are stored before; 0 for none. */
  readonly backlog: number;
}

/** Java's benchmark Producer. */
export interface JavaProducerScenario extends Named {
  readonly kind: "javaProducer";
  readonly threads: number;
  readonly size: number;
}

/** A consumer far behind, reading files that are not in the page cache. */
export interface ColdScenario extends Named {
  readonly kind: "cold";
  readonly size: number;
}

/** Consumers that wait for messages which do not come. */
export interface IdleScenario extends Named {
  readonly kind: "idle";
  readonly consumers: number;
}

/** From the start of the process to the first send that is accepted. */
export interface StartScenario extends Named {
  readonly kind: "start";
  /** An empty store, or one that was killed while it was written. */
  readonly store: "empty" | "killed";
}

/** Everything that takes memory at once. */
export interface MemoryScenario extends Named {
  readonly kind: "memory";
  readonly idle: number;
  readonly topics: number;
  readonly queues: number;
  /** Consumers that read from the beginning. */
  readonly readers: number;
}

/** One kind of work. */
export type Scenario =
  | WireScenario
  | JavaProducerScenario
  | ColdScenario
  | IdleScenario
  | StartScenario
  | MemoryScenario;

/** Messages in a batch, and at most in the answer of a pull. */
export const BATCH = 32;

const WIRE = {
  kind: "wire",
  setup: "plain",
  mode: "send",
  conns: 1,
  window: 64,
  size: 10,
  serialize: "binary",
  queues: 4,
  topics: 1,
  rate: 0,
  delayLevel: 0,
  groups: 1,
  idle: 0,
  backlog: 0,
} as const;

/** Pulls, 32 at a time. What our broker keeps in memory by default holds some 300,000 of these messages. */
export const PULL = { ...WIRE, mode: "pull", window: 4, backlog: 200_000 } as const;
const PRODUCER = { kind: "javaProducer", setup: "plain", threads: 64 } as const;
const WIDE = { conns: 8, window: 32 } as const;

const SCALE = { ...WIRE, setup: "fresh", oursOnly: true, extra: true } as const;
const CORES = { ...SCALE, ...WIDE, conns: 12 } as const;

/** What a message costs as something grows: curves that are to stay flat. Each point has a broker of its own. */
const SCALES: readonly Scenario[] = [
  ...[1, 100, 1000, 6250].map((topics) => ({
    ...SCALE,
    name: `scale-queues-${topics * 8}`,
    about: `raw send, 1 × 64, to ${topics * 8} queues of ${topics} topics in turn`,
    topics,
    queues: 8,
  })),
  ...[1, 100, 1000].map((groups) => ({
    ...SCALE,
    name: `scale-groups-${groups}`,
    about: `raw pull of recent messages for ${groups} groups in turn, each committing its offsets`,
    mode: "pull" as const,
    window: 4,
    backlog: 200_000,
    groups,
  })),
  ...[0, 1000, 5000].map((idle) => ({
    ...SCALE,
    name: `scale-connections-${idle}`,
    about: `raw send, 1 × 64, beside ${idle} connections that do nothing`,
    idle,
  })),
  ...[0, 1_000_000, 4_000_000, 16_000_000].map((backlog) => ({
    ...SCALE,
    name: `scale-backlog-${backlog}`,
    about: `raw send, 1 × 64, behind ${backlog} messages that nobody has read`,
    backlog,
  })),
  { ...CORES, setup: "oneOnOne", name: "scale-cores-1-1", about: "one broker on one core, raw send, 12 × 32" },
  { ...CORES, setup: "twoOnOne", name: "scale-cores-2-1", about: "two brokers on one core" },
  {
    ...CORES,
    setup: "twoOnTwo",
    name: "scale-cores-2-2",
    about: "two brokers on two cores, shared with the generator",
  },
];

/** All scenarios, in the order in which they run; those of one setup follow each other. */
export const SCENARIOS: readonly Scenario[] = [
  {
    kind: "start",
    setup: "none",
    name: "start-empty",
    about: "start to the first accepted send, empty store",
    store: "empty",
  },
  { ...WIRE, name: "send-1x64", about: "raw send of 10 bytes, 1 connection with 64 requests in flight" },
  { ...WIRE, ...WIDE, name: "send-8x32", about: "raw send of 10 bytes, 8 connections with 32 each" },
  { ...WIRE, name: "send-256x1", about: "raw send of 10 bytes, 256 connections with 1 each", conns: 256, window: 1 },
  { ...WIRE, name: "batch-32", about: "raw send of batches of 32 messages of 10 bytes, 64 in flight", mode: "batch" },
  { ...PULL, name: "pull-tail", about: "raw pull of recent messages, 32 at a time, 4 in flight" },
  {
    ...PULL,
    name: "pull-cached",
    about: "raw pull of older messages, in the page cache",
    backlog: 2_000_000,
    extra: true,
  },
  { ...WIRE, name: "send-1x64-1k", about: "raw send of 1 KiB, 1 × 64", size: 1024 },
  {
    ...WIRE,
    name: "mixed-1k",
    about: "send and consume at once, 1 KiB, 1 × 64 and a consumer",
    mode: "mixed",
    size: 1024,
  },
  { ...WIRE, name: "transaction", about: "half message and commit, 64 in flight", mode: "transaction" },
  {
    ...WIRE,
    name: "delay-1s",
    about: "send with a delay of 1 s and consume, 64 in flight",
    mode: "mixed",
    delayLevel: 1,
  },
  { ...WIRE, name: "send-1x64-json", about: "raw send of 10 bytes, 1 × 64, JSON headers", serialize: "json" },
  { ...PULL, name: "pull-tail-json", about: "raw pull of recent messages, JSON headers", serialize: "json" },
  { ...WIRE, name: "latency-10k", about: "raw send of 10 bytes at 10,000 msg/s", conns: 8, window: 1024, rate: 10_000 },
  { ...PRODUCER, name: "java-producer-64", about: "Java's benchmark Producer, 64 threads, 10 bytes", size: 10 },
  {
    ...PRODUCER,
    name: "java-producer-64-1k",
    about: "Java's benchmark Producer, 64 threads, 1 KiB",
    size: 1024,
    extra: true,
  },
  {
    kind: "idle",
    setup: "fresh",
    name: "idle-100",
    about: "100 consumers connected and long-polling 4 queues each",
    consumers: 100,
  },
  { ...WIRE, setup: "syncFlush", name: "sync-flush-64", about: "SYNC_FLUSH, raw send of 10 bytes, 1 × 64" },
  { ...WIRE, ...WIDE, setup: "asyncPair", name: "pair-async", about: "ASYNC_MASTER with a slave, raw send, 8 × 32" },
  { ...WIRE, ...WIDE, setup: "syncPair", name: "pair-sync", about: "SYNC_MASTER with a slave, raw send, 8 × 32" },
  {
    ...WIRE,
    setup: "three",
    name: "three-brokers",
    about: "three brokers in one process, raw send, 12 connections with 32 each",
    conns: 12,
    window: 32,
    oursOnly: true,
  },
  {
    kind: "cold",
    setup: "none",
    name: "pull-cold",
    about: "catch-up of 1 KiB messages from files that are not cached",
    size: 1024,
  },
  {
    kind: "start",
    setup: "none",
    name: "start-killed",
    about: "start after kill -9 with a large store",
    store: "killed",
  },
  {
    kind: "memory",
    setup: "fresh",
    name: "memory-bound",
    about: "5,000 connections, 50,000 queues, 10 consumers far behind, 4 MB messages: memory against its bound",
    idle: 5000,
    topics: 6250,
    queues: 8,
    readers: 10,
    oursOnly: true,
    extra: true,
  },
  ...SCALES,
];
