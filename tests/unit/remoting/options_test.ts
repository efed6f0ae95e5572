/**
 * Options of the remoting layer against RocketMQ's defaults.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { createEnvironment } from "../../../src/common/environment.ts";
import { defaultOptions } from "../../../src/common/option.ts";
import {
  defaultRemotingOptions,
  REMOTING_CLIENT_OPTIONS,
  REMOTING_SERVER_OPTIONS,
} from "../../../src/remoting/options.ts";
import golden from "../../golden/config-defaults-5.5.0.json" with { type: "json" };

const ENVIRONMENT = createEnvironment({ cpuCount: 8 });

Deno.test("every key of NettyServerConfig and NettyClientConfig is known, with its default", () => {
  const server: Record<string, unknown> = defaultOptions(REMOTING_SERVER_OPTIONS, ENVIRONMENT);
  const client: Record<string, unknown> = defaultOptions(REMOTING_CLIENT_OPTIONS, ENVIRONMENT);
  assertEquals(server, golden.NettyServerConfig);
  assertEquals(client, golden.NettyClientConfig);
});

Deno.test("keys of both tables mean the same, for they share one object", () => {
  const shared = Object.keys(REMOTING_SERVER_OPTIONS).filter((name) => name in REMOTING_CLIENT_OPTIONS);
  assertEquals(shared, ["writeBufferHighWaterMark", "writeBufferLowWaterMark"]);
  const { listenPort, connectTimeoutMillis } = defaultRemotingOptions({ connectTimeoutMillis: 5 });
  assertEquals([listenPort, connectTimeoutMillis], [0, 5]);
});

Deno.test("the backlog comes from Java's system property", () => {
  const environment = createEnvironment({ variables: { JAVA_OPT: "-Dcom.rocketmq.remoting.socket.backlog=64" } });
  assertEquals(defaultRemotingOptions({}, environment).serverSocketBacklog, 64);
});
