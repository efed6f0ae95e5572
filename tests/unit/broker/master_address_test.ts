import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { readBrokerOptions } from "../../../src/broker/read_options.ts";
import { ConfigError } from "../../../src/common/options.ts";

const SLAVE = "brokerRole=SLAVE\nbrokerId=1\nbrokerIP1=10.0.0.2\nbrokerIP2=10.1.0.2\nlistenPort=20911\n";

function read(lines: string) {
  return readBrokerOptions({ properties: SLAVE + lines, fileName: "b.properties" });
}

function fault(lines: string): string {
  return assertThrows(() => read(lines), ConfigError).message;
}

Deno.test("a slave that is told to follow itself does not start: any of its addresses, with any of its ports", () => {
  const hosts = ["127.0.0.1", "localhost", "LOCALHOST", "127.0.0.9", "[::1]", "10.0.0.2", "10.1.0.2"];
  for (const host of hosts) {
    assertStringIncludes(
      fault(`haMasterAddress=${host}:20912\n`),
      `b.properties:6: haMasterAddress=${host}:20912: it is this slave's own address for slaves (haListenPort)`,
    );
  }
  assertStringIncludes(fault("haListenPort=7000\nhaMasterAddress=10.1.0.2:7000\n"), "b.properties:7: haMasterAddress=");
  assertStringIncludes(fault("haMasterAddress=10.0.0.2:20911\n"), "own address for clients (listenPort)");
  assertStringIncludes(fault("haMasterAddress=10.0.0.2:20909\n"), "own address for clients (its VIP port");
  assertStringIncludes(fault("haMasterAddress=10.0.0.2:20912\n"), "Set the master's brokerIP2 and haListenPort");
});

Deno.test("a master on the same machine, or elsewhere, is followed", () => {
  for (const address of ["127.0.0.1:10912", "10.0.0.2:10912", "10.0.0.1:20912", "master:20912"]) {
    assertEquals(read(`haMasterAddress=${address}\n`).store.haMasterAddress, address);
  }
  // It listens on one address of the machine only.
  assertEquals(
    read("bindAddress=127.0.0.2\nhaMasterAddress=127.0.0.1:20912\n").store.haMasterAddress,
    "127.0.0.1:20912",
  );
  assertStringIncludes(fault("bindAddress=127.0.0.2\nhaMasterAddress=127.0.0.2:20912\n"), "would follow itself");
});
