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

const OWN_HOSTS = ["127.0.0.1", "localhost", "LOCALHOST", "127.0.0.9", "[::1]", "10.0.0.2", "10.1.0.2"];

Deno.test("a slave that is told to follow itself does not start: any of its addresses, with any port that it listens on", () => {
  for (const host of OWN_HOSTS) {
    assertStringIncludes(
      fault(`haMasterAddress=${host}:20911\n`),
      `b.properties:6: haMasterAddress=${host}:20911: it is this slave's own address for clients (listenPort)`,
    );
  }
  assertStringIncludes(fault("haMasterAddress=10.0.0.2:20909\n"), "own address for clients (its VIP port");
  assertStringIncludes(fault("haMasterAddress=10.0.0.2:20911\n"), "Set the master's brokerIP2 and haListenPort");
});

Deno.test("its own haListenPort, where its master or a tunnel may listen and it does not, is warned of", () => {
  for (const host of OWN_HOSTS) {
    const { store, warnings } = read(`haMasterAddress=${host}:20912\n`);
    assertEquals(store.haMasterAddress, `${host}:20912`);
    assertEquals(warnings.length, 1);
    assertStringIncludes(
      warnings[0]!,
      `b.properties:6: haMasterAddress=${host}:20912: it is this slave's own address with its haListenPort, where a slave ` +
        "does not listen",
    );
  }
  const { warnings } = read("haListenPort=7000\nhaMasterAddress=10.1.0.2:7000\n");
  assertStringIncludes(warnings.join(), "b.properties:7: haMasterAddress=10.1.0.2:7000: it is this slave's own");
});

Deno.test("a master on the same machine, or elsewhere, is followed", () => {
  for (const address of ["127.0.0.1:10912", "10.0.0.2:10912", "10.0.0.1:20912", "master:20912"]) {
    const { store, warnings } = read(`haMasterAddress=${address}\n`);
    assertEquals([store.haMasterAddress, ...warnings], [address]);
  }
  // It listens on one address of the machine only.
  const elsewhere = read("bindAddress=127.0.0.2\nhaMasterAddress=127.0.0.1:20911\n");
  assertEquals(elsewhere.store.haMasterAddress, "127.0.0.1:20911");
  assertStringIncludes(fault("bindAddress=127.0.0.2\nhaMasterAddress=127.0.0.2:20911\n"), "would follow itself");
});
