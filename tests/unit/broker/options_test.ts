/**
 * Options of a broker: RocketMQ's defaults, the files users write, and the samples in `conf/`.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { BROKER_TABLES, readBrokerOptions } from "../../../src/broker/read_options.ts";
import { defaultBrokerOptions } from "../../../src/broker/options.ts";
import { createEnvironment } from "../../../src/common/environment.ts";
import { ConfigError, printOptions } from "../../../src/common/options.ts";
import { NAMESRV_TABLES, readNamesrvOptions } from "../../../src/namesrv/options.ts";
import defaults from "../../golden/config-defaults-5.5.0.json" with { type: "json" };
import binding from "../../golden/properties-binding.json" with { type: "json" };

const environment = createEnvironment({
  variables: { HOME: "/home/user" },
  hostName: "host",
  interfaces: [{ name: "eth0", family: "IPv4", address: "192.0.2.1" }],
  cpuCount: 8,
});

function read(properties: string, overrides: Record<string, string> = {}) {
  return readBrokerOptions({ properties, fileName: "b.properties", environment, overrides });
}

Deno.test("every key of BrokerConfig is known, with its default", () => {
  const { rmqAddressServerDomain: _, rmqAddressServerSubGroup: __, ...known } = defaultBrokerOptions({}, environment);
  const isOurs = (key: string) => key === "brokerAddresses" || key === "haReplicaId" || key.startsWith("haElection");
  const [ours, values] = [true, false].map((wanted) =>
    Object.fromEntries(Object.entries(known).filter(([key]) => isOurs(key) === wanted))
  );
  assertEquals(values, defaults.BrokerConfig);
  assertEquals([ours!["brokerAddresses"], ours!["haElection"], ours!["haReplicaId"]], ["", "", 0]);
});

/** What a file's text makes of the options that the golden cases look at. */
function observed(properties: string): Record<string, unknown> {
  const { broker, store, remoting } = read(properties);
  const { autoCreateTopicEnable, namesrvAddr, brokerName, brokerId } = broker;
  const { brokerRole, storePathRootDir, storePathCommitLog, flushDiskType, maxMessageSize } = store;
  const { mappedFileSizeCommitLog, mappedFileSizeConsumeQueue } = store;
  return {
    brokerRole,
    listenPort: remoting.listenPort,
    autoCreateTopicEnable,
    namesrvAddr,
    brokerName,
    storePathRootDir,
    storePathCommitLog,
    mappedFileSizeCommitLog,
    mappedFileSizeConsumeQueue,
    flushDiskType,
    brokerId,
    maxMessageSize,
  };
}

/** Where we read what the author meant and Java takes its default; "error" where nothing sensible can be read. */
const DELIBERATE_DIFFERENCES: Readonly<Record<string, Record<string, unknown> | "error">> = {
  "brokerRole=MASTER      #comment": { brokerRole: "SYNC_MASTER" },
  "brokerRole=SLAVE   #slave": "error", // a slave, but without an id
  "listenPort=20911  ": { listenPort: 20911 },
  "listenPort=20911 #x": { listenPort: 20911 },
  "autoCreateTopicEnable=true ": {},
  "namesrvAddr=a:9876;b:9876 #x": { namesrvAddr: "a:9876;b:9876" },
  "brokerRole = SLAVE": "error", // Java leaves this check to a later step
  "brokerId=1.0": "error",
  "maxMessageSize=0x10": "error",
  "flushDiskType=sync_flush": { flushDiskType: "SYNC_FLUSH" },
};

Deno.test("files are bound as RocketMQ 5.5.0 binds them, except where it would not do what their authors meant", () => {
  const seen = new Set<string>();
  const base = observed("");
  assertEquals(base, {
    ...binding.defaults,
    brokerName: "host",
    storePathRootDir: "/home/user/store",
    storePathCommitLog: "/home/user/store/commitlog",
  });
  for (const { text, "5.5.0": java } of binding.cases) {
    const expected = DELIBERATE_DIFFERENCES[text] ?? java;
    seen.add(text);
    if (expected === "error") assertThrows(() => read(text), ConfigError, "", text);
    else assertEquals(observed(text), { ...base, ...expected }, text);
  }
  assertEquals(Object.keys(DELIBERATE_DIFFERENCES).filter((text) => !seen.has(text)), []);
});

Deno.test("whatever Java would drop in silence gives a warning", () => {
  const cases = [
    "brokerRole=MASTER",
    "listenPort=20911 #x",
    "namesrvAddr=a:9876;b:9876 #x",
    "mapedFileSizeCommitLog=1024",
    "storePathConsuQueue=/x",
    "flushDiskType=SYNC_FLUSH;",
    "brokerRol=SLAVE",
  ];
  for (const text of cases) assertEquals(read(text).warnings.length, 1, text);
  assertEquals(read("namesrvAddr=a:9876; b:9876;").warnings, []);
  assertEquals(read("namesrvAddr=a:9876; b:9876;").broker.namesrvAddr, "a:9876;b:9876");
});

Deno.test("a master has id 0 and a slave must have another", () => {
  const slave = read("brokerRole=SLAVE # the copy\nbrokerId=1");
  assertEquals([slave.store.brokerRole, slave.broker.brokerId], ["SLAVE", 1]);
  const master = read("brokerId=3");
  assertEquals([master.broker.brokerId, master.warnings.length], [0, 1]);
  for (
    const [text, place] of [
      ["brokerRole=SLAVE", "b.properties:1: brokerRole=SLAVE"],
      ["brokerRole=SLAVE\nbrokerId=-1", "b.properties:2: brokerId=-1"],
    ]
  ) {
    const error = assertThrows(() => read(text!), ConfigError);
    const words = "Slave's brokerId must be > 0; give each slave of a master one of its own, 1, 2, …";
    assertEquals([error.message, error.exitCode], [`${place}: ${words}`, 253]);
  }
});

Deno.test("name servers come from the command line, else the file, else the environment", () => {
  const surroundings = createEnvironment({ variables: { NAMESRV_ADDR: "env:1" } });
  const addressOf = (properties: string, overrides: Record<string, string> = {}) =>
    readBrokerOptions({ properties, overrides, environment: surroundings }).broker.namesrvAddr;
  assertEquals(addressOf(""), "env:1");
  assertEquals(addressOf("namesrvAddr=file:2"), "file:2");
  assertEquals(addressOf("namesrvAddr=file:2", { namesrvAddr: "line:3" }), "line:3");
});

Deno.test("a name server address without a port is refused in RocketMQ's words", () => {
  for (const address of ["localhost", "a:9876;b", "a:0", "a:70000", "a,b:x"]) {
    const error = assertThrows(() => read(`namesrvAddr=${address}`), ConfigError);
    const expected = `b.properties:1: namesrvAddr=${address}: ` +
      `The Name Server Address[${address}] illegal, please set it as follows, "127.0.0.1:9876;192.168.0.1:9876"`;
    assertEquals([error.message, error.exitCode], [expected, 253]);
  }
  assertEquals(read("namesrvAddr=[::1]:9876").broker.namesrvAddr, "[::1]:9876");
  const surroundings = createEnvironment({ variables: { NAMESRV_ADDR: "localhost" } });
  const fromVariable = assertThrows(() => readBrokerOptions({ environment: surroundings }), ConfigError);
  assertEquals(fromVariable.message.startsWith("NAMESRV_ADDR: namesrvAddr=localhost: The Name Server"), true);
});

Deno.test("what would endanger data is refused as long as it is not supported", () => {
  for (
    const text of [
      "enableDLegerCommitLog=true",
      "storeType=defaultRocksDB",
      "enableControllerMode=true",
      "configManagerVersion=v2",
    ]
  ) {
    const error = assertThrows(() => read(`\n${text}`), ConfigError);
    assert(error.message.startsWith(`b.properties:2: ${text}: `), error.message);
  }
});

Deno.test("the port that is printed is the one that is listened on", () => {
  assertEquals([read("").broker.listenPort, read("").remoting.listenPort], [10911, 10911]);
  assertEquals(read("listenPort=20911").broker.listenPort, 20911);
});

Deno.test("an empty port is the usual one, also behind a line that named another", () => {
  for (const text of ["listenPort=", "listenPort =  \n", "listenPort=20911\nlistenPort="]) {
    const { broker, remoting, store, assigned, warnings } = read(text);
    assertEquals([broker.listenPort, remoting.listenPort, store.haListenPort], [10911, 10911, 10912], text);
    assertEquals(assigned.has("listenPort"), false, text);
    assertEquals(warnings.filter((each) => each.includes("it is empty, so its default stays")).length, 1, text);
  }
});

Deno.test("unknown keys are kept for writing the file again", () => {
  const { unknown } = read("# x\nmyOwnKey = 1\n");
  assertEquals(unknown.map(({ key, value }) => [key, value]), [["myOwnKey", "1"]]);
});

Deno.test("the important options are RocketMQ's", () => {
  const { broker } = read("");
  assertEquals(printOptions(BROKER_TABLES.broker, broker, true).map((line) => line.split("=")[0]).sort(), [
    "aclEnable",
    "autoCreateSubscriptionGroup",
    "autoCreateTopicEnable",
    "brokerIP1",
    "fetchNameSrvAddrByDnsLookup",
    "fetchNamesrvAddrByAddressServer",
    "listenPort",
    "msgTraceTopicName",
    "namesrvAddr",
    "recoverConcurrently",
    "rejectTransactionMessage",
    "traceTopicEnable",
    "transactionCheckInterval",
    "transactionCheckMax",
    "transactionTimeOut",
  ]);
});

const CONF = new URL("../../../conf/", import.meta.url);

async function samples(directory = CONF): Promise<URL[]> {
  const found: URL[] = [];
  for await (const entry of Deno.readDir(directory)) {
    if (entry.isDirectory) found.push(...await samples(new URL(`${entry.name}/`, directory)));
    else if (entry.name.endsWith(".properties")) found.push(new URL(entry.name, directory));
  }
  return found;
}

Deno.test("every sample in conf/ is read without a warning, and names only keys that exist", async () => {
  const urls = await samples();
  assertEquals(urls.length, 13);
  for (const url of urls) {
    const isNamesrv = url.pathname.endsWith("namesrv.properties");
    const text = await Deno.readTextFile(url);
    const source = { properties: text, environment };
    assertEquals((isNamesrv ? readNamesrvOptions(source) : readBrokerOptions(source)).warnings, [], url.pathname);
    const known = new Set(
      Object.values(isNamesrv ? NAMESRV_TABLES : BROKER_TABLES).flatMap((table) => Object.keys(table)),
    );
    for (const [, key] of text.matchAll(/^#?(\w+)=/gm)) assert(known.has(key!), `${url.pathname}: unknown key ${key}`);
  }
});

Deno.test("the values that samples show as defaults are the defaults", async () => {
  for (const url of await samples()) {
    const isNamesrv = url.pathname.endsWith("namesrv.properties");
    const text = await Deno.readTextFile(url);
    const shown = [...text.matchAll(/^#(\w+)=(.+)$/gm)].map(([, key, value]) => [key!, value!]);
    const without = shown.filter(([key]) => key !== "namesrvAddr").map(([key, value]) => `${key}=${value}`).join("\n");
    if (isNamesrv) {
      const settings = ({ namesrv, remoting, log }: ReturnType<typeof readNamesrvOptions>) => ({
        namesrv,
        remoting,
        log,
      });
      assertEquals(
        settings(readNamesrvOptions({ properties: without, environment })),
        settings(readNamesrvOptions({ environment })),
      );
    } else {
      const settings = ({ broker, store, remoting, log }: ReturnType<typeof read>) => {
        const { listenPort: _, ...rest } = broker;
        return { rest, store, remoting, log };
      };
      assertEquals(settings(read(without)), settings(read("")));
    }
  }
});

Deno.test("addresses by network are checked when the file is read", () => {
  const { brokerAddresses } = read("brokerAddresses=10.0.0.0/8=10.1.2.3:10911; 0.0.0.0/0=host.example:30911;").broker;
  assertEquals(brokerAddresses, "10.0.0.0/8=10.1.2.3:10911;0.0.0.0/0=host.example:30911");
  assertThrows(() => read("brokerAddresses=10.0.0.0/8"), ConfigError, 'has no "="');
  assertThrows(() => read("brokerAddresses=lan=10.1.2.3:10911"), ConfigError, '"lan" is no network');
  assertThrows(() => read("brokerAddresses=10.0.0.0/8=10.1.2.3"), ConfigError, "expected host:port");
});

Deno.test("ports that cannot all be listened on are refused", () => {
  for (
    const [properties, what] of [
      ["listenPort=2", "configuration:1: listenPort=2: there is no room for the VIP port"],
      ["listenPort=10911\nhaListenPort=10911", "configuration:2: haListenPort=10911: it is taken by listenPort=10911"],
      ["listenPort=10911\nhaListenPort=10909", "configuration:2: haListenPort=10909: it is taken by listenPort=10911"],
      ["haMasterAddress=nobody", "configuration:1: haMasterAddress=nobody: host:port is expected"],
    ]
  ) {
    assertThrows(() => readBrokerOptions({ properties: properties! }), ConfigError, what);
  }
});
