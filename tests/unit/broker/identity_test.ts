import { assertEquals, assertRejects } from "@std/assert";
import { addressAdvice } from "../../../src/broker/advertised_address.ts";
import { advertisedHostBytes, Identity } from "../../../src/broker/identity.ts";
import { defaultBrokerOptions } from "../../../src/broker/options.ts";
import { utf8Text } from "../../../src/common/bytes.ts";
import { SimClock } from "../../../src/common/clock_sim.ts";
import { ConfigError } from "../../../src/common/options.ts";
import { SeededRandom } from "../../../src/common/random.ts";
import { simWorld } from "../../support/world.ts";

Deno.test("ids begin with address and port, and every message gets region, trace switch and cluster", () => {
  const options = defaultBrokerOptions({ brokerClusterName: "C", regionId: "R", traceOn: false });
  const host = { hostBytes: Uint8Array.of(192, 0, 2, 7), port: 10911 };
  const identity = new Identity(options, host, new SimClock(), new SeededRandom(1));
  assertEquals(utf8Text(identity.hostHex), "C000020700002A9F");
  assertEquals(identity.ids.of(255), "C000020700002A9F00000000000000FF");
  assertEquals(utf8Text(identity.propertiesSuffix), "MSG_REGION\x01R\x02TRACE_ON\x01false\x02CLUSTER\x01C\x02");
  const keys = new Set(Array.from({ length: 1000 }, () => identity.uniqueKey()));
  assertEquals(keys.size, 1000);
  assertEquals([...keys].every((key) => /^C0000207[0-9A-F]{24}$/.test(key)), true);
});

Deno.test("an IPv6 address makes longer ids", () => {
  const hostBytes = new Uint8Array(16).fill(0xab);
  const identity = new Identity(defaultBrokerOptions(), { hostBytes, port: 1 }, new SimClock(), new SeededRandom(1));
  assertEquals(identity.ids.of(0), `${"AB".repeat(16)}${"00000001"}${"0".repeat(16)}`);
});

Deno.test("brokerIP1 may be an address, or a name that the network knows; another one is an error that names it", async () => {
  await simWorld(1).run(async (world) => {
    const { net } = world.machine("broker-host").boot();
    assertEquals([...await advertisedHostBytes(net, "192.0.2.7", "default")], [192, 0, 2, 7]);
    assertEquals((await advertisedHostBytes(net, "[2001:db8::1]", "default")).length, 16);
    assertEquals([...await advertisedHostBytes(net, "broker-host", "default")], [10, 0, 0, 1]);
    const error = await assertRejects(() => advertisedHostBytes(net, "nobody", "b.properties:2"), ConfigError);
    assertEquals(
      error.message,
      "b.properties:2: brokerIP1=nobody: Cannot find the address of nobody: no such host; " +
        "set an IP address or a name that can be resolved",
    );
  });
});

Deno.test("addresses that other machines may not reach are pointed out, with what to do", () => {
  for (const host of ["localhost", "127.0.0.1", "[::1]", "0.0.0.0", "169.254.1.1", "fe80::1", "172.17.0.2"]) {
    const advice = addressAdvice(host);
    assertEquals(advice?.startsWith(`brokerIP1=${host} `), true, host);
    assertEquals(advice?.includes("set brokerIP1 to an address"), true, host);
  }
  for (const host of ["192.0.2.7", "10.1.2.3", "172.20.0.1", "broker.example", "2001:db8::1"]) {
    assertEquals(addressAdvice(host), null, host);
  }
});
