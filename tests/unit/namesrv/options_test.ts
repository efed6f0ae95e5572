/**
 * Options of the name server against RocketMQ's defaults.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { createEnvironment } from "../../../src/common/environment.ts";
import { ConfigError } from "../../../src/common/options.ts";
import { defaultNamesrvOptions, readNamesrvOptions } from "../../../src/namesrv/options.ts";
import golden from "../../golden/config-defaults-5.5.0.json" with { type: "json" };

const environment = createEnvironment({ variables: { HOME: "/home/user" } });

Deno.test("every key of NamesrvConfig is known, with its default", () => {
  const defaults: Record<string, unknown> = { ...defaultNamesrvOptions({}, environment) };
  assertEquals(defaults, golden.NamesrvConfig);
});

Deno.test("a name server listens on 9876 unless it is told otherwise", () => {
  assertEquals(readNamesrvOptions({ environment }).remoting.listenPort, 9876);
  assertEquals(readNamesrvOptions({ environment, properties: "listenPort=0" }).remoting.listenPort, 0);
  assertEquals(readNamesrvOptions({ environment, properties: "listenPort = 19876  " }).remoting.listenPort, 19876);
});

Deno.test("one file fills the options of name server, remoting and logs", () => {
  const properties = "kvConfigPath=~/kv.json\nserverChannelMaxIdleTimeSeconds=60\nlogLevel=WARN\nwhat=ever";
  const { namesrv, remoting, log, warnings, unknown } = readNamesrvOptions({ environment, properties });
  assertEquals(
    [namesrv.kvConfigPath, remoting.serverChannelMaxIdleTimeSeconds, log.logLevel],
    ["/home/user/kv.json", 60, "WARN"],
  );
  assertEquals([warnings.length, unknown.map((entry) => entry.key)], [1, ["what"]]);
});

Deno.test("a controller inside the name server is refused", () => {
  assertThrows(() => readNamesrvOptions({ environment, properties: "enableControllerInNamesrv=true" }), ConfigError);
});

Deno.test("the home of RocketMQ comes from the environment", () => {
  const variables = { ROCKETMQ_HOME: "/opt/rocketmq" };
  assertEquals(defaultNamesrvOptions({}, createEnvironment({ variables })).rocketmqHome, "/opt/rocketmq");
});
