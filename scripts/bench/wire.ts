/**
 * The raw-frame generator: drives a broker over TCP with as little work of its own as possible, so that the broker and
 * not a client is what a benchmark measures. A program of its own, which takes these options and prints one line:
 *
 * ```
 * deno run -A scripts/bench/wire.ts -addr H:P -mode send|batch|pull -topic T -queues N -conns N -window N -size BYTES
 *   -batch N -n MESSAGES -seconds N -serialize binary|json
 * send conns=1 window=64 size=10: 100000 req/s 100000 msg/s p50=600us p99=900us p99.9=2000us max=9000us failed=0
 * ```
 *
 * @module
 */
import { parseArgs } from "node:util";
import {
  countRecords,
  encodeRequest,
  FIRST_OPAQUE,
  type HeaderEncoding,
  nextBeginOffset,
  PULL_MESSAGE,
  PULL_NOT_FOUND,
  PULL_OFFSET_MOVED,
  PULL_RETRY_IMMEDIATELY,
  pullFields,
  readReply,
  type Reply,
  SendTemplate,
} from "./wire_frames.ts";
import { openSocket, type WireSocket } from "./wire_socket.ts";

/** What the run does. */
interface WireOptions {
  readonly addr: string;
  readonly mode: "send" | "batch" | "pull";
  readonly topic: string;
  readonly queues: number;
  readonly conns: number;
  /** Requests in flight on each connection. */
  readonly window: number;
  readonly size: number;
  /** Messages in a batch request, or at most in a pull. */
  readonly batch: number;
  /** Messages after which the run ends. */
  readonly n: number;
  readonly seconds: number;
  readonly serialize: HeaderEncoding;
}

/** Counts and times of the whole run, shared by its connections. */
class Run {
  readonly options: WireOptions;
  readonly template: SendTemplate;
  readonly #deadlineMs: number;
  messages = 0;
  failed = 0;
  #started = 0;
  #latenciesUs = new Float64Array(1 << 16);
  #requests = 0;

  constructor(options: WireOptions) {
    this.options = options;
    this.#deadlineMs = performance.now() + options.seconds * 1000;
    this.template = new SendTemplate({
      encoding: options.serialize,
      topic: options.topic,
      queues: options.queues,
      bodySize: options.size,
      ...(options.mode === "batch" ? { batch: options.batch } : {}),
    });
  }

  /** The number of the next request, or undefined when the run is over. */
  takeNumber(nowMs: number): number | undefined {
    if (nowMs > this.#deadlineMs) return undefined;
    const { mode, n } = this.options;
    if (mode === "pull" ? this.messages >= n : (this.#started + 1) * this.template.messages > n) return undefined;
    return ++this.#started;
  }

  addLatency(latencyUs: number): void {
    if (this.#requests === this.#latenciesUs.length) {
      const longer = new Float64Array(2 * this.#requests);
      longer.set(this.#latenciesUs);
      this.#latenciesUs = longer;
    }
    this.#latenciesUs[this.#requests++] = latencyUs;
  }

  summary(elapsedMs: number): string {
    const { mode, conns, window, size } = this.options;
    const sorted = this.#latenciesUs.subarray(0, this.#requests).sort();
    const at = (share: number) => Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? 0);
    const perSecond = (count: number) => Math.round(count * 1000 / elapsedMs);
    return `${mode} conns=${conns} window=${window} size=${size}: ${perSecond(this.#requests)} req/s ` +
      `${perSecond(this.messages)} msg/s p50=${at(0.5)}us p99=${at(0.99)}us p99.9=${at(0.999)}us max=${at(1)}us ` +
      `failed=${this.failed}`;
  }
}

/**
 * One connection with its window of requests. Requests that the bytes of one read gave rise to leave in one write.
 * Invariant: `#flying` slots have a request without an answer; the connection is done when there are none.
 */
class Connection {
  readonly #run: Run;
  readonly #index: number;
  readonly #sentAtMs: Float64Array;
  readonly #offsets: number[];
  readonly #done = Promise.withResolvers<void>();
  #socket: WireSocket | undefined;
  #out = new Uint8Array(1 << 16);
  #outLength = 0;
  #partial = new Uint8Array(0);
  #flying = 0;

  constructor(run: Run, index: number) {
    this.#run = run;
    this.#index = index;
    this.#sentAtMs = new Float64Array(run.options.window);
    this.#offsets = new Array<number>(run.options.queues).fill(0);
  }

  async open(): Promise<void> {
    const { addr, conns } = this.#run.options;
    this.#socket = await openSocket(addr, conns, {
      onBytes: (bytes) => this.#onBytes(bytes),
      onEnd: () => {
        this.#run.failed += this.#flying;
        this.#done.resolve();
      },
    });
  }

  /** Sends until the run is over and everything is answered. */
  async drive(): Promise<void> {
    const nowMs = performance.now();
    for (let slot = 0; slot < this.#run.options.window; slot++) this.#sendNext(slot, nowMs);
    await this.#flush();
    if (this.#flying > 0) await this.#done.promise;
    this.#flying = 0;
    this.#socket?.close();
  }

  async #onBytes(bytes: Uint8Array): Promise<void> {
    const nowMs = performance.now();
    let input = bytes;
    if (this.#partial.length > 0) {
      input = new Uint8Array(this.#partial.length + bytes.length);
      input.set(this.#partial);
      input.set(bytes, this.#partial.length);
    }
    const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
    let at = 0;
    while (at + 4 <= input.length) {
      const end = at + 4 + view.getUint32(at);
      if (end > input.length) break;
      this.#onReply(readReply(input.subarray(at, end)), nowMs);
      at = end;
    }
    this.#partial = input.slice(at);
    await this.#flush();
    if (this.#flying === 0) this.#done.resolve();
  }

  #onReply(reply: Reply, nowMs: number): void {
    const slot = reply.opaque - FIRST_OPAQUE;
    this.#flying--;
    this.#run.addLatency((nowMs - (this.#sentAtMs[slot] ?? nowMs)) * 1000);
    if (this.#accept(reply, slot)) this.#sendNext(slot, nowMs);
  }

  /** Counts what the answer brought. Returns whether the slot goes on. */
  #accept(reply: Reply, slot: number): boolean {
    if (this.#run.options.mode !== "pull") {
      if (reply.code === 0) this.#run.messages += this.#run.template.messages;
      else this.#run.failed++;
      return true;
    }
    if (reply.code === 0) {
      this.#offsets[this.#queueOf(slot)] = nextBeginOffset(reply);
      this.#run.messages += countRecords(reply);
      return true;
    }
    if (reply.code !== PULL_NOT_FOUND && reply.code !== PULL_OFFSET_MOVED && reply.code !== PULL_RETRY_IMMEDIATELY) {
      this.#run.failed++;
    }
    return reply.code === PULL_RETRY_IMMEDIATELY;
  }

  #sendNext(slot: number, nowMs: number): void {
    const number = this.#run.takeNumber(nowMs);
    if (number === undefined) return;
    const opaque = FIRST_OPAQUE + slot;
    if (this.#run.options.mode === "pull") {
      const request = this.#pullRequest(slot, opaque);
      this.#reserve(request.length);
      this.#out.set(request, this.#outLength);
      this.#outLength += request.length;
    } else {
      this.#reserve(this.#run.template.size);
      this.#outLength = this.#run.template.write(this.#out, this.#outLength, { opaque, number, nowMs: Date.now() });
    }
    this.#sentAtMs[slot] = nowMs;
    this.#flying++;
  }

  #pullRequest(slot: number, opaque: number): Uint8Array {
    const { topic, batch, serialize } = this.#run.options;
    const queueId = this.#queueOf(slot);
    const queueOffset = this.#offsets[queueId] ?? 0;
    const fields = pullFields({ topic, queueId, queueOffset, maxMessages: batch });
    return encodeRequest(serialize, { code: PULL_MESSAGE, opaque, fields });
  }

  #queueOf(slot: number): number {
    return (this.#index * this.#run.options.window + slot) % this.#run.options.queues;
  }

  #reserve(size: number): void {
    if (this.#outLength + size <= this.#out.length) return;
    const longer = new Uint8Array(2 * (this.#outLength + size));
    longer.set(this.#out.subarray(0, this.#outLength));
    this.#out = longer;
  }

  async #flush(): Promise<void> {
    if (this.#outLength === 0) return;
    const length = this.#outLength;
    this.#outLength = 0;
    await this.#socket?.write(this.#out.subarray(0, length));
  }
}

function readOptions(args: readonly string[]): WireOptions {
  const text = (value: string) => ({ type: "string" as const, default: value });
  const { values } = parseArgs({
    args: args.map((arg) => arg.replace(/^-(?=[a-z])/, "--")), // One dash or two.
    options: {
      addr: text("127.0.0.1:10911"),
      mode: text("send"),
      topic: text("WireLoad"),
      queues: text("4"),
      conns: text("1"),
      window: text("64"),
      size: text("10"),
      batch: text("32"),
      n: text("1000000"),
      seconds: text("60"),
      serialize: text("binary"),
      pid: text("0"),
    },
  });
  const { mode, serialize } = values;
  if (mode !== "send" && mode !== "batch" && mode !== "pull") throw new TypeError(`-mode ${mode}: send, batch or pull`);
  if (serialize !== "binary" && serialize !== "json") throw new TypeError(`-serialize ${serialize}: binary or json`);
  const number = (name: "queues" | "conns" | "window" | "size" | "batch" | "n" | "seconds") => {
    const value = Number(values[name]);
    if (!(value >= 0)) throw new TypeError(`-${name} ${values[name]}: expected a number`);
    return value;
  };
  return {
    addr: values.addr,
    mode,
    topic: values.topic,
    queues: number("queues"),
    conns: number("conns"),
    window: number("window"),
    size: number("size"),
    batch: number("batch"),
    n: number("n"),
    seconds: number("seconds"),
    serialize,
  };
}

if (import.meta.main) {
  const run = new Run(readOptions(Deno.args));
  const connections = Array.from({ length: run.options.conns }, (_, index) => new Connection(run, index));
  await Promise.all(connections.map((connection) => connection.open()));
  const startMs = performance.now();
  await Promise.all(connections.map((connection) => connection.drive()));
  console.log(run.summary(performance.now() - startMs));
  Deno.exit(run.failed > 0 || run.messages === 0 ? 1 : 0);
}
