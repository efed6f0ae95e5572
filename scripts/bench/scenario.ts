/**
 * The work that brokers are compared by, as a table. `wire_runner.ts` and `java_runner.ts` do it.
 *
 * @module
 */

/** Raw frames over some connections. */
export interface WireScenario {
  readonly kind: "wire";
  readonly name: string;
  readonly about: string;
  readonly mode: "send" | "batch" | "pull";
  readonly conns: number;
  readonly window: number;
  readonly size: number;
  readonly serialize: "binary" | "json";
  /** Runs only when --only names it. */
  readonly extra: boolean;
}

/** Java's benchmark Producer. */
export interface JavaProducerScenario {
  readonly kind: "javaProducer";
  readonly name: string;
  readonly about: string;
  readonly threads: number;
  readonly size: number;
  readonly extra: boolean;
}

/** One kind of work. */
export type Scenario = WireScenario | JavaProducerScenario;

/** Queues of every topic that the scenarios use. */
export const QUEUES = 4;

/** Messages in a batch, and at most in the answer of a pull. */
export const BATCH = 32;

/** Messages that are there to be pulled. */
export const PULL_MESSAGES = 1_000_000;

const WIRE = { kind: "wire", mode: "send", window: 64, conns: 1, size: 10, serialize: "binary", extra: false } as const;

/** All scenarios, in the order in which they run. */
export const SCENARIOS: readonly Scenario[] = [
  { ...WIRE, name: "send-1x64", about: "raw send of 10 bytes, 1 connection with 64 requests in flight" },
  { ...WIRE, name: "send-8x32", about: "raw send of 10 bytes, 8 connections with 32 each", conns: 8, window: 32 },
  { ...WIRE, name: "send-256x1", about: "raw send of 10 bytes, 256 connections with 1 each", conns: 256, window: 1 },
  { ...WIRE, name: "batch-32", about: "raw send of batches of 32 messages of 10 bytes, 64 in flight", mode: "batch" },
  { ...WIRE, name: "pull-tail", about: "raw pull of 32 recent messages, 4 in flight", mode: "pull", window: 4 },
  {
    kind: "javaProducer",
    name: "java-producer-64",
    about: "Java's benchmark Producer, 64 threads, 10 bytes",
    threads: 64,
    size: 10,
    extra: false,
  },
  { ...WIRE, name: "send-1x64-1k", about: "raw send of 1 KiB, 1 × 64", size: 1024, extra: true },
  {
    ...WIRE,
    name: "send-1x64-json",
    about: "raw send of 10 bytes, 1 × 64, JSON headers",
    serialize: "json",
    extra: true,
  },
  {
    kind: "javaProducer",
    name: "java-producer-64-1k",
    about: "Java's benchmark Producer, 64 threads, 1 KiB",
    threads: 64,
    size: 1024,
    extra: true,
  },
];
