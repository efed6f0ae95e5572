/**
 * Options of the store against RocketMQ's defaults.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { createEnvironment } from "../../../src/common/environment.ts";
import { printOptions, readOptions } from "../../../src/common/options.ts";
import {
  completeStoreOptions,
  defaultStoreOptions,
  retiredStoreKeys,
  STORE_OPTIONS,
  type StoreOptions,
} from "../../../src/store/options.ts";
import golden from "../../golden/config-defaults-5.5.0.json" with { type: "json" };

const ENVIRONMENT = createEnvironment({ variables: { HOME: "/home/user" }, cpuCount: 8 });

function read(properties: string): { store: StoreOptions; warnings: readonly string[] } {
  const retired = retiredStoreKeys("/home/user/store");
  const { values, warnings } = readOptions({ store: STORE_OPTIONS }, { properties, environment: ENVIRONMENT, retired });
  return { store: completeStoreOptions(values.store, 10911), warnings };
}

Deno.test("every key of MessageStoreConfig is known, with its default", () => {
  const defaults: Record<string, unknown> = { ...defaultStoreOptions({}, ENVIRONMENT) };
  for (const [name, option] of Object.entries(STORE_OPTIONS)) {
    if (option.doc.startsWith("Ours: ")) delete defaults[name];
  }
  assertEquals(defaults, golden.MessageStoreConfig);
});

Deno.test("paths follow the store root and the HA port the listen port", () => {
  const { store } = read("storePathRootDir=/r/");
  assertEquals(store.haListenPort, 10912);
  assertEquals([store.storePathRootDir, store.storePathCommitLog], ["/r", "/r/commitlog"]);
  const separate = read("storePathRootDir=/r\nstorePathCommitLog=/fast/log/").store;
  assertEquals(separate.storePathCommitLog, "/fast/log");
  assertEquals(completeStoreOptions({ ...store, haListenPort: 0 }, 20911).haListenPort, 20912);
  assertEquals(read("haListenPort=1").store.haListenPort, 1);
});

Deno.test("overrides of the defaults are completed too", () => {
  const store = defaultStoreOptions({ storePathRootDir: "/t", flushDiskType: "SYNC_FLUSH" });
  assertEquals([store.storePathCommitLog, store.flushDiskType], ["/t/commitlog", "SYNC_FLUSH"]);
});

Deno.test("both names of the largest gap set both", () => {
  const { store } = read("haSlaveFallbehindMax=10\nhaMaxGapNotInSync=20");
  assertEquals([store.haMaxGapNotInSync, store.haSlaveFallbehindMax], [20, 20]);
  assertEquals(read("haSlaveFallbehindMax=10").store.haMaxGapNotInSync, 10);
});

Deno.test("consume queue files hold whole entries", () => {
  const { store } = read("mappedFileSizeConsumeQueue=401\nmapperFileSizeBatchConsumeQueue=47");
  assertEquals([store.mappedFileSizeConsumeQueue, store.mapperFileSizeBatchConsumeQueue], [420, 92]);
});

Deno.test("ignored paths warn only when they name another place, and renamed keys always", () => {
  const same = read(
    "storePathConsumeQueue=/home/user/store/consumequeue/\nstorePathIndex=/home/user/store/index\nabortFile=/home/user/store/abort",
  );
  assertEquals(same.warnings, []);
  const other = read("storePathConsuQueue=/x\nmapedFileSizeCommitLog=1024");
  assertEquals(other.warnings.length, 2);
  assertEquals(other.store.mappedFileSizeCommitLog, 1073741824);
});

Deno.test("ratios come from system properties where Java takes them, and stay in Java's bounds", () => {
  const JAVA_OPT_EXT = "-Drocketmq.broker.diskSpaceWarningLevelRatio=0.8";
  const environment = createEnvironment({ variables: { JAVA_OPT_EXT } });
  assertEquals(defaultStoreOptions({}, environment).diskSpaceWarningLevelRatio, 80);
  const { store, warnings } = read("diskMaxUsedSpaceRatio=99\ndiskSpaceWarningLevelRatio=98");
  assertEquals([store.diskMaxUsedSpaceRatio, store.diskSpaceWarningLevelRatio, warnings.length], [95, 90, 2]);
});

Deno.test("hours and delay levels are checked", () => {
  const errorsOf = (properties: string) => {
    try {
      read(properties);
      return null;
    } catch (error) {
      return (error as Error).message;
    }
  };
  assertEquals(errorsOf("deleteWhen=04;22"), null);
  assertEquals(errorsOf("deleteWhen=4am")?.includes("hours from 00 to 23"), true);
  assertEquals(errorsOf("messageDelayLevel=1s 5s 1d"), null);
  assertEquals(errorsOf("messageDelayLevel=1s,5s")?.includes("separated by blanks"), true);
});

Deno.test("the important options are RocketMQ's", () => {
  const names = printOptions(STORE_OPTIONS, defaultStoreOptions(), true).map((line) => line.split("=")[0]);
  assertEquals(names.sort(), [
    "accessMessageInMemoryMaxRatio",
    "allAckInSyncStateSet",
    "brokerRole",
    "cleanFileForciblyEnable",
    "commitIntervalCommitLog",
    "deleteFileBatchMax",
    "deleteWhen",
    "disappearTimeAfterStart",
    "dispatchFromSenderThread",
    "enableAutoInSyncReplicas",
    "enableCleanExpiredOffset",
    "enableRunningFlagsInFlush",
    "fileReservedTime",
    "flushCommitLogTimed",
    "flushDiskType",
    "flushIntervalCommitLog",
    "haFlowControlEnable",
    "haMasterAddress",
    "inSyncReplicas",
    "maxTransferBytesOnMessageInDisk",
    "maxTransferBytesOnMessageInMemory",
    "maxTransferCountOnMessageInDisk",
    "maxTransferCountOnMessageInMemory",
    "messageIndexEnable",
    "messageIndexSafe",
    "minInSyncReplicas",
    "storePathBrokerIdentity",
    "storePathCommitLog",
    "storePathDLedgerCommitLog",
    "storePathEpochFile",
    "storePathRootDir",
    "storeType",
    "totalReplicas",
    "transientStorePoolEnable",
    "wakeCommitWhenPutMessage",
    "wakeFlushWhenPutMessage",
    "writeWithoutMmap",
  ]);
});
