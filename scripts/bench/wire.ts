/**
 * The raw-frame generator: drives a broker over TCP with as little work of its own as possible, so that the broker and
 * not a client is what a benchmark measures. A program of its own, which prints one line of JSON (`WireResult`):
 *
 * ```
 * deno run -A scripts/bench/wire.ts --addr H:P[,H:P…] --mode MODE --topic T [--queues N] [--topics N] [--conns N]
 *   [--window N] [--size BYTES] [--batch N] [--n MESSAGES] [--seconds N] [--serialize binary|json] [--rate N]
 *   [--delay LEVEL] [--groups N] [--idle N] [--loop]
 * ```
 *
 * | mode          | each connection                                                                       |
 * |---------------|---------------------------------------------------------------------------------------|
 * | `send`        | sends; with `--rate` so many messages a second in all, whatever the answers do          |
 * | `batch`       | sends batches                                                                         |
 * | `transaction` | sends halves and commits them                                                         |
 * | `pull`        | pulls from the beginning to the end, with `--loop` again and again                    |
 * | `mixed`       | sends, and one more connection receives what comes                                    |
 * | `hold`        | is a consumer that waits for messages: heartbeats, and a pull that is held for 15 s    |
 *
 * `--idle` opens so many more connections that do nothing.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { WireConnection, type Work } from "./wire_connection.ts";
import { type HeaderEncoding, SendTemplate } from "./wire_frames.ts";
import { HoldWork } from "./wire_hold.ts";
import { pace } from "./wire_pace.ts";
import { Run } from "./wire_run.ts";
import { PullWork, SendWork, TransactionWork } from "./wire_work.ts";

/** What a generator does. */
export const WIRE_MODES = ["send", "batch", "transaction", "pull", "mixed", "hold"] as const;

/** One of {@link WIRE_MODES}. */
export type WireMode = typeof WIRE_MODES[number];

/** What the run does. */
interface WireOptions {
  readonly addresses: readonly string[];
  readonly mode: WireMode;
  readonly topic: string;
  readonly queues: number;
  readonly topics: number;
  /** Connections, spread over the addresses. */
  readonly conns: number;
  /** Requests in flight on each connection. */
  readonly window: number;
  readonly size: number;
  /** Messages in a batch request, or at most in a pull. */
  readonly batch: number;
  /** Messages after which the run ends. */
  readonly messages: number;
  readonly seconds: number;
  readonly encoding: HeaderEncoding;
  /** Messages a second; 0 for as many as the windows allow. */
  readonly rate: number;
  readonly delayLevel: number;
  readonly groups: number;
  readonly idle: number;
  readonly loop: boolean;
}

function readOptions(args: readonly string[]): WireOptions {
  const text = (value: string) => ({ type: "string" as const, default: value });
  const { values } = parseArgs({
    args: [...args],
    options: {
      addr: text("127.0.0.1:10911"),
      mode: text("send"),
      topic: text("WireLoad"),
      queues: text("4"),
      topics: text("1"),
      conns: text("1"),
      window: text("64"),
      size: text("10"),
      batch: text("32"),
      n: text("1000000000000"),
      seconds: text("10"),
      serialize: text("binary"),
      rate: text("0"),
      delay: text("0"),
      groups: text("1"),
      idle: text("0"),
      loop: { type: "boolean", default: false },
    },
  });
  const { serialize } = values;
  const mode = WIRE_MODES.find((known) => known === values.mode);
  if (mode === undefined) throw new TypeError(`--mode ${values.mode}: expected one of ${WIRE_MODES.join(", ")}`);
  if (serialize !== "binary" && serialize !== "json") {
    throw new TypeError(`--serialize ${serialize}: binary or json`);
  }
  const number = (name: Exclude<keyof typeof values, "addr" | "mode" | "topic" | "serialize" | "loop">) => {
    const value = Number(values[name]);
    if (!(value >= 0)) throw new TypeError(`--${name} ${values[name]}: expected a number`);
    return value;
  };
  return {
    addresses: values.addr.split(","),
    mode,
    topic: values.topic,
    queues: number("queues"),
    topics: number("topics"),
    conns: number("conns"),
    window: number("window"),
    size: number("size"),
    batch: number("batch"),
    messages: number("n"),
    seconds: number("seconds"),
    encoding: serialize,
    rate: number("rate"),
    delayLevel: number("delay"),
    groups: number("groups"),
    idle: number("idle"),
    loop: values.loop,
  };
}

function workFor(options: WireOptions, run: Run, template: SendTemplate): (index: number) => Work {
  const { mode, window } = options;
  if (mode === "hold") return (index) => new HoldWork(run, { ...options, clientId: `wireload@${index}` });
  if (mode === "pull") {
    return (index) => new PullWork(run, { ...options, follow: false }, index * window);
  }
  if (mode === "transaction") return () => new TransactionWork(run, template, window);
  return () => new SendWork(run, template);
}

async function main(options: WireOptions): Promise<Run> {
  const { addresses, mode, conns, window, rate, seconds } = options;
  const address = (index: number) => addresses[index % addresses.length]!;
  const idle: Deno.Conn[] = [];
  for (let index = 0; index < options.idle; index++) {
    const [hostname = "", port] = address(index).split(":");
    idle.push(await Deno.connect({ hostname, port: Number(port) }));
  }
  const template = new SendTemplate({
    ...options,
    bodySize: options.size,
    batch: mode === "batch" ? options.batch : 0,
    isHalf: mode === "transaction",
  });
  const run = new Run(options);
  const work = workFor(options, run, template);
  const connections: WireConnection[] = [];
  for (let index = 0; index < conns; index++) {
    connections.push(await WireConnection.open({ address: address(index), window }, run, work(index)));
  }
  const followers: WireConnection[] = [];
  if (mode === "mixed") {
    const follow = new PullWork(run, { ...options, follow: true }, 0);
    followers.push(await WireConnection.open({ address: address(0), window: options.queues }, run, follow));
  }
  run.begin();
  for (const follower of followers) void follower.drive();
  if (mode === "hold") {
    // Held pulls are not answered before they are over; nobody waits for those under way at the end.
    for (const connection of connections) void connection.drive();
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  } else if (rate > 0) await pace(run, connections, rate);
  else await Promise.all(connections.map((connection) => connection.drive()));
  for (const connection of [...connections, ...followers, ...idle]) connection.close();
  return run;
}

if (import.meta.main) {
  const run = await main(readOptions(Deno.args));
  console.log(JSON.stringify(run.result()));
  Deno.exit(0);
}
