import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { checkApart } from "../../../src/broker/broker_group_check.ts";
import { SimDisk } from "../../../src/common/disk_sim.ts";
import { SeededRandom } from "../../../src/common/random.ts";
import { ConfigError } from "../../../src/common/options.ts";
import { testBrokerConfiguration } from "../../support/broker_configuration.ts";

const A = { brokerName: "broker-a", listenPort: "10911", storePathRootDir: "/a" };
const B = { brokerName: "broker-b", listenPort: "20911", storePathRootDir: "/b" };

/** Checks two brokers; returns what is wrong. */
function problemOf(
  a: Record<string, string>,
  b: Record<string, string>,
  files = ["a.properties", "b.properties"],
): string {
  const settings = [a, b].map((each) =>
    testBrokerConfiguration(new SimDisk({ random: new SeededRandom(1) }), each).settings
  );
  return assertThrows(() => checkApart(files, settings), ConfigError).message;
}

Deno.test("brokers that share nothing are fine, a master and its slave among them", () => {
  const slave = { ...B, brokerName: "broker-a", brokerRole: "SLAVE", brokerId: "1", haListenPort: "10912" };
  for (const other of [B, slave]) {
    const settings = [A, other].map((each) =>
      testBrokerConfiguration(new SimDisk({ random: new SeededRandom(1) }), each).settings
    );
    checkApart(["a.properties", "b.properties"], settings);
  }
});

Deno.test("what two brokers of a process cannot both have is told with both files and settings", () => {
  assertMatch(
    problemOf(A, { ...B, listenPort: "10911" }),
    /^a\.properties and b\.properties both have port 10911: listenPort/,
  );
  assertMatch(
    problemOf(A, { ...B, listenPort: "10912" }),
    /both have port 10912: haListenPort=10912 \(.*\) and listenPort=10912/,
  );
  assertMatch(
    problemOf(A, { ...B, listenPort: "10913" }),
    /port 10911: listenPort=10911 and the VIP port of listenPort=10913/,
  );
  assertMatch(
    problemOf(A, { ...B, haListenPort: "10909" }),
    /port 10909: the VIP port of listenPort=10911 and haListenPort=10909/,
  );
  assertMatch(problemOf(A, { ...B, storePathRootDir: "/a/" }), /both have the directory \/a: storePathRootDir=\/a and/);
  assertMatch(problemOf(A, { ...B, storePathCommitLog: "/a/commitlog" }), /both have the directory \/a\/commitlog:/);
  assertMatch(
    problemOf(A, { ...B, brokerName: "broker-a" }),
    /both have the place broker-a with id 0 in DefaultCluster: brokerName=broker-a, brokerId=0/,
  );
});

Deno.test("a file that is given twice is called so", () => {
  assertEquals(problemOf(A, A, ["a.properties", "a.properties"]), "-c a.properties is given twice");
});
