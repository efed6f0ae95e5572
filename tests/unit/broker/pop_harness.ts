/**
 * A client that pops, as RocketMQ's own does: it puts receipts together from the infos of an answer.
 *
 * @module
 */
import { utf8, utf8Text } from "../../../src/common/bytes.ts";
import { RequestCode } from "../../../src/protocol/codes.ts";
import { encodeProperties, Property } from "../../../src/protocol/message.ts";
import { RemotingClient } from "../../../src/remoting/client.ts";
import type { Command } from "../../../src/remoting/command.ts";
import { readStoredMessages } from "../../../src/broker/stored_message.ts";
import { type SimWorld, simWorld } from "../../support/world.ts";
import { type BenchBroker, startBenchBroker } from "./broker_bench.ts";

const PORT = 20911;
const TIMEOUT_MS = 60_000;

/** A popped message. */
export interface Popped {
  readonly body: string;
  readonly topic: string;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly reconsumeTimes: number;
  readonly receipt: string;
  readonly properties: ReadonlyMap<string, string>;
}

/** How to pop; what is left out has the values of a client that wants everything at once. */
export interface PopOptions {
  readonly topic?: string;
  readonly group?: string;
  readonly queueId?: number;
  readonly maxMsgNums?: number;
  readonly invisibleTime?: number;
  readonly pollTime?: number;
  readonly initMode?: number;
  readonly exp?: string;
  readonly expType?: string;
  readonly order?: boolean;
  readonly attemptId?: string;
  readonly bornTime?: number;
}

/** What a pop brought. */
export interface PopAnswer extends Pick<Command, "code" | "remark" | "ext"> {
  readonly messages: Popped[];
}

/** A popping client on a machine of its own. */
export class PopClient {
  readonly #client: RemotingClient;
  readonly #address: string;
  readonly #now: () => number;

  constructor(readonly world: SimWorld, machine: string, readonly defaults: PopOptions = {}) {
    const process = world.machine(machine).boot();
    const { net, clock, logging } = process;
    this.#client = new RemotingClient({ net, clock, log: logging.logger("remoting"), idleMs: 3_600_000 });
    this.#address = `${world.machine("broker").ip}:${PORT}`;
    this.#now = () => clock.now();
  }

  ask(code: number, ext: Readonly<Record<string, string>>, body: Uint8Array = new Uint8Array(0)): Promise<Command> {
    return this.#client.invoke(this.#address, { code, ext, body }, TIMEOUT_MS);
  }

  async makeTopic(topic: string, queueNums: number): Promise<void> {
    const nums = String(queueNums);
    await this.ask(RequestCode.UPDATE_AND_CREATE_TOPIC, {
      topic,
      defaultTopic: "TBW102",
      readQueueNums: nums,
      writeQueueNums: nums,
      perm: "6",
      topicFilterType: "SINGLE_TAG",
      topicSysFlag: "0",
      order: "false",
    });
  }

  async send(topic: string, text: string, options: { queueId?: number; properties?: Record<string, string> } = {}) {
    const properties = encodeProperties(new Map(Object.entries(options.properties ?? {})));
    const answer = await this.ask(RequestCode.SEND_MESSAGE, {
      producerGroup: "PG",
      topic,
      defaultTopic: "TBW102",
      defaultTopicQueueNums: "4",
      queueId: String(options.queueId ?? 0),
      sysFlag: "0",
      bornTimestamp: String(this.#now()),
      flag: "0",
      properties: utf8Text(properties),
      reconsumeTimes: "0",
      unitMode: "false",
      batch: "false",
    }, utf8(text));
    if (answer.code !== 0) throw new Error(`send: ${answer.code} ${answer.remark}`);
    return answer;
  }

  async pop(options: PopOptions = {}): Promise<PopAnswer> {
    const wish = {
      topic: "T",
      group: "G",
      queueId: -1,
      maxMsgNums: 32,
      invisibleTime: 10_000,
      pollTime: 0,
      initMode: 0,
    };
    const { group, ...rest } = { ...wish, bornTime: this.#now(), order: false, ...this.defaults, ...options };
    const entries = Object.entries({ consumerGroup: group, ...rest }).map(([key, value]) => [key, String(value)]);
    const { code, remark, ext, body } = await this.ask(RequestCode.POP_MESSAGE, Object.fromEntries(entries));
    return { code, remark, ext, messages: messagesOf(ext, body) };
  }

  ack(message: Popped, group = this.defaults.group ?? "G"): Promise<Command> {
    return this.ask(RequestCode.ACK_MESSAGE, this.#place(message, group));
  }

  change(message: Popped, invisibleTime: number, group = this.defaults.group ?? "G"): Promise<Command> {
    const ext = { ...this.#place(message, group), invisibleTime: String(invisibleTime) };
    return this.ask(RequestCode.CHANGE_MESSAGE_INVISIBLETIME, ext);
  }

  close(): void {
    this.#client.close();
  }

  #place({ receipt, topic, queueId, queueOffset }: Popped, group: string): Record<string, string> {
    const kind = receipt.split(" ")[4];
    const realTopic = kind === "0" ? topic : `%RETRY%${group}${kind === "1" ? "_" : "+"}${topic}`;
    return {
      consumerGroup: group,
      topic: realTopic,
      queueId: String(queueId),
      offset: String(queueOffset),
      extraInfo: receipt,
    };
  }
}

function messagesOf(ext: Readonly<Record<string, string>>, body: Uint8Array): Popped[] {
  const starts = new Map(
    (ext.startOffsetInfo ?? "").split(";").map((entry) => {
      const [kind, queueId, start] = entry.split(" ");
      return [`${kind} ${queueId}`, start];
    }),
  );
  return readStoredMessages([body]).map((message) => {
    const { topic, queueId, queueOffset, reconsumeTimes, properties } = message;
    const fallback = [
      starts.get(`0 ${queueId}`),
      ext.popTime,
      ext.invisibleTime,
      ext.reviveQid,
      "0",
      "broker-a",
      queueId,
      queueOffset,
    ].join(" ");
    const receipt = properties.get(Property.POP_CK) ?? fallback;
    return { body: utf8Text(message.body), topic, queueId, queueOffset, reconsumeTimes, receipt, properties };
  });
}

/** The bodies, in the order of their arrival. */
export function bodies(answer: PopAnswer): string[] {
  return answer.messages.map(({ body }) => body);
}

/** A world with a broker and a popping client. */
export interface PopBench {
  readonly world: SimWorld;
  readonly client: PopClient;
  bench: BenchBroker;
  /** Starts the broker again after it was stopped or killed. */
  restart(overrides?: Readonly<Record<string, string>>): Promise<void>;
}

/** Runs a test with a broker and a client. */
export async function withPopBroker(
  test: (bench: PopBench) => Promise<void>,
  overrides: Readonly<Record<string, string>> = {},
  seed = 3,
): Promise<void> {
  await simWorld(seed, { limitMs: 24 * 3_600_000 }).run(async (world) => {
    const bench: PopBench = {
      world,
      client: new PopClient(world, "client"),
      bench: await startBenchBroker(world, overrides),
      restart: async (others = {}) => {
        bench.bench = await startBenchBroker(world, { ...overrides, ...others });
      },
    };
    await test(bench);
    bench.client.close();
    await bench.bench.broker.stop();
  });
}
