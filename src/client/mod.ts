/**
 * A RocketMQ client for Deno: producers and consumers over the remoting protocol, for brokers from 4.4 to 5.x. The page with
 * examples is docs/client.md.
 *
 * ```ts
 * import { createClient } from "./mod.ts";
 *
 * await using client = createClient({ namesrvAddr: "127.0.0.1:9876" });
 * const consumer = client.pushConsumer({ group: "readers", consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET" });
 * consumer.subscribe("Topic", "TagA || TagB");
 * consumer.onMessages((messages) => {
 *   for (const message of messages) console.log(message.msgId, message.text());
 * });
 * await consumer.start();
 *
 * const producer = client.producer({ group: "writers" });
 * await producer.start();
 * await producer.send({ topic: "Topic", tags: "TagA", body: "hello" });
 * ```
 *
 * All producers and consumers of a {@link Client} share its connections. Errors say whether trying again may help:
 * {@linkcode isRetriable}.
 *
 * @module
 */
import { SystemClock } from "../common/clock.ts";
import { DenoDisk } from "../common/disk_deno.ts";
import { systemEnvironment } from "../common/environment.ts";
import { SILENT_LOG } from "../common/log.ts";
import { DenoNet } from "../common/net_deno.ts";
import { SystemRandom } from "../common/random.ts";
import { Client } from "./client.ts";
import type { ClientOptions, ClientWorld } from "./options.ts";

export * from "./allocation.ts";
export * from "./client.ts";
export * from "./errors.ts";
export * from "./hooks.ts";
export * from "./listener.ts";
export * from "./lite_pull_consumer.ts";
export * from "./message.ts";
export * from "./options.ts";
export * from "./producer.ts";
export * from "./push_consumer.ts";
export * from "./pull_consumer.ts";
export * from "./pull_schedule.ts";
export { createReply } from "./request_reply.ts";
export type { RpcHook, SessionCredentials } from "./rpc_hooks.ts";
export * from "./transaction_producer.ts";
export { AdminClient } from "./admin.ts";
export { ConnectionError } from "../common/errors.ts";
export type { ConsumeFromWhere, ConsumeType, MessageModel } from "../protocol/bodies/heartbeat.ts";
export type { MessageQueue } from "../protocol/message_queue.ts";
export { decodeTrace, type TraceRecord } from "../protocol/trace.ts";

/**
 * A client on this machine's clock, network and disk.
 *
 * @param options the name servers at least. @param world replaces parts of the machine, a log for instance; by default
 * nothing is logged.
 */
export function createClient(options: ClientOptions, world: Partial<ClientWorld> = {}): Client {
  const environment = systemEnvironment();
  return new Client(
    {
      clientIp: environment.hostAddress,
      homeDirectory: environment.userHome,
      processId: Deno.pid,
      ...options,
    },
    {
      clock: new SystemClock(),
      net: new DenoNet(),
      random: new SystemRandom(),
      log: SILENT_LOG,
      disk: new DenoDisk(),
      ...world,
    },
  );
}
