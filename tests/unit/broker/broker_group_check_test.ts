import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { checkApart } from "../../../src/broker/broker_group_check.ts";
import { type BrokerSettings, readBrokerOptions } from "../../../src/broker/read_options.ts";
import { ConfigError } from "../../../src/common/options.ts";

const A = { brokerName: "broker-a", listenPort: "10911", storePathRootDir: "/a" };
const B = { brokerName: "broker-b", listenPort: "20911", storePathRootDir: "/b" };

/** What a file says whose lines are these. */
function settingsOf(lines: Readonly<Record<string, string>>, fileName: string): BrokerSettings {
  const properties = Object.entries(lines).map(([key, value]) => `${key}=${value}\n`).join("");
  return readBrokerOptions({ properties, fileName });
}

/** Checks two brokers; returns what is wrong. */
function problemOf(
  a: Record<string, string>,
  b: Record<string, string>,
  files = ["a.properties", "b.properties"],
): string {
  const settings = [a, b].map((each, at) => settingsOf(each, files[at]!));
  return assertThrows(() => checkApart(files, settings), ConfigError).message;
}

Deno.test("brokers that share nothing are fine, a master and its slave among them", () => {
  const slave = { ...B, brokerName: "broker-a", brokerRole: "SLAVE", brokerId: "1", haListenPort: "10912" };
  for (const other of [B, slave]) {
    const files = ["a.properties", "b.properties"];
    checkApart(files, [A, other].map((each, at) => settingsOf(each, files[at]!)));
  }
});

Deno.test("what two brokers of a process cannot both have is told with both files and settings", () => {
  const both = (what: string) => `a.properties and b.properties both have ${what}`;
  const assertProblem = (b: Record<string, string>, expected: string) =>
    assertEquals(problemOf(A, { ...B, ...b }), both(expected));
  assertProblem(
    { listenPort: "10911" },
    "port 10911: a.properties:2: listenPort=10911 and b.properties:2: listenPort=10911",
  );
  assertProblem(
    { listenPort: "10912" },
    "port 10912: a.properties:2: haListenPort=10912 (listenPort + 1, for it is not set) and b.properties:2: listenPort=10912",
  );
  assertProblem(
    { listenPort: "10913" },
    "port 10911: a.properties:2: listenPort=10911 and b.properties:2: the VIP port of listenPort=10913",
  );
  assertProblem(
    { haListenPort: "10909" },
    "port 10909: a.properties:2: the VIP port of listenPort=10911 and b.properties:4: haListenPort=10909",
  );
  assertProblem(
    { storePathRootDir: "/a/" },
    "the directory /a: a.properties:3: storePathRootDir=/a and b.properties:3: storePathRootDir=/a",
  );
  assertMatch(
    problemOf(A, { ...B, storePathCommitLog: "/a/commitlog" }),
    /both have the directory \/a\/commitlog: default: .* and b\.properties:4: storePathCommitLog=\/a\/commitlog$/,
  );
  assertProblem(
    { brokerName: "broker-a" },
    "the place broker-a with id 0 in DefaultCluster: a.properties:1: brokerName=broker-a, brokerId=0 and " +
      "b.properties:1: brokerName=broker-a, brokerId=0",
  );
});

Deno.test("a file that is given twice is called so", () => {
  assertEquals(problemOf(A, A, ["a.properties", "a.properties"]), "-c a.properties is given twice");
});
