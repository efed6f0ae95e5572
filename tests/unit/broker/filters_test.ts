import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { utf8 } from "../../../src/common/bytes.ts";
import { SimClock } from "../../../src/common/clock_sim.ts";
import type { Log } from "../../../src/common/log.ts";
import type { SubscriptionData } from "../../../src/protocol/bodies/heartbeat.ts";
import { ResponseCode } from "../../../src/protocol/codes.ts";
import { parseJsonObject } from "../../../src/protocol/json.ts";
import { encodeProperties } from "../../../src/protocol/message.ts";
import { encodeRecord, recordSize } from "../../../src/protocol/record.ts";
import { ResponseError } from "../../../src/protocol/response_error.ts";
import { buildSubscription } from "../../../src/protocol/subscription.ts";
import type { DocumentFile } from "../../../src/broker/persisted.ts";
import { ConsumerFilters } from "../../../src/broker/filters.ts";

const DAY_MS = 86_400_000;

/** A document in memory. */
class MemoryFile implements DocumentFile {
  readonly path = "config/consumerFilter.json";
  constructor(public text: string | null = null) {}

  load<T>(parse: (text: string) => T): { value: T; backupReason: null } | null {
    return this.text === null ? null : { value: parse(this.text), backupReason: null };
  }

  save(text: string): Promise<void> {
    this.text = text;
    return Promise.resolve();
  }

  saveNow(text: string): void {
    this.text = text;
  }
}

interface Setup {
  readonly filters: ConsumerFilters;
  readonly clock: SimClock;
  readonly file: MemoryFile;
  readonly lines: string[];
}

function setUp(
  options: { text?: string; enablePropertyFilter?: boolean; filterSupportRetry?: boolean } = {},
): Setup {
  const clock = new SimClock(1_795_238_300_000);
  const file = new MemoryFile(options.text ?? null);
  const lines: string[] = [];
  const take = (line: string) => void lines.push(line);
  const log: Log = { info: take, warn: take, error: take };
  const filters = new ConsumerFilters({
    clock,
    file,
    log,
    options: {
      enablePropertyFilter: options.enablePropertyFilter ?? true,
      filterSupportRetry: options.filterSupportRetry ?? false,
      filterDataCleanTimeSpan: DAY_MS,
    },
  });
  filters.load();
  return { filters, clock, file, lines };
}

function sql(expression: string, version: bigint, topic = "T"): SubscriptionData {
  return buildSubscription(topic, expression, "SQL92", version);
}

/** A stored record with these properties. */
function record(properties: Readonly<Record<string, string>>): Uint8Array {
  const bytes = encodeProperties(new Map(Object.entries(properties)));
  const none = new Uint8Array(0);
  const fields = {
    queueId: 1,
    flag: 0,
    sysFlag: 0,
    bornTimestamp: 1,
    bornHost: new Uint8Array(4),
    bornPort: 1,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: utf8("idx\x0110\x02"),
    bodyStart: 0,
    bodyEnd: 7,
    properties: bytes,
    propertiesStart: 0,
    propertiesEnd: bytes.length,
    propertiesSuffix: none,
  };
  const topic = utf8("T");
  const size = recordSize(fields, topic.length, 4);
  const out = new Uint8Array(size);
  const stamp = {
    topic,
    queueOffset: 0,
    physicalOffset: 0,
    storeTimestamp: 1,
    storeHost: new Uint8Array(4),
    storePort: 1,
  };
  encodeRecord(out, 0, size, fields, stamp);
  return out;
}

function refusal(fn: () => unknown): [code: number, remark: string] {
  const error = assertThrows(fn, ResponseError);
  return [error.code, error.remark];
}

Deno.test("a group's expression chooses stored records by their properties", () => {
  const { filters } = setUp();
  const subscription = sql("TAGS = 'Tag2' AND idx > 5", 7n);
  filters.register("G", [subscription]);
  const filter = filters.ofGroup(subscription, "G", 7n);
  assert(filter.matchesCode(123));
  assertEquals(filter.matchesRecord?.(record({ TAGS: "Tag2", idx: "6", other: "é" })), true);
  assertEquals(filter.matchesRecord?.(record({ TAGS: "Tag2", idx: "5" })), false);
  assertEquals(filter.matchesRecord?.(record({ TAGS: "Tag2" })), false);
  assertEquals(filter.matchesRecord?.(record({ TAGS: "Tag2", idx: "six" })), false);
  assertEquals(filter.matchesRecord?.(record({})), false);
});

Deno.test("a record's value may be in any script, and of two equal names the last counts", () => {
  const { filters } = setUp();
  const filter = filters.compile(sql("a = 'größer als zwanzig Zeichen, 日本😀' OR b = 'ü'", 1n));
  assertEquals(filter.matchesRecord?.(record({ a: "größer als zwanzig Zeichen, 日本😀" })), true);
  assertEquals(filter.matchesRecord?.(record({ b: "ü" })), true);
  assertEquals(filter.matchesRecord?.(record({ b: "ü\x02b\x01x" })), false);
  assertEquals(filter.matchesRecord?.(record({ b: "x\x02b\x01ü" })), true);
  assertEquals(filter.matchesRecord?.(record({ bb: "ü", ab: "ü" })), false);
  assertEquals(filter.matchesRecord?.(new Uint8Array(100)), false);
});

Deno.test("the newest subscription of a group counts, an older or equal one does not", () => {
  const { filters } = setUp();
  filters.register("G", [sql("a = 1", 10n)]);
  filters.register("G", [sql("a = 2", 9n)]);
  filters.register("G", [sql("a = 3", 10n)]);
  assertEquals(filters.filterFor("T", "G")?.expression, "a = 1");
  filters.register("G", [sql("a = 4", 9_007_199_254_740_993n)]);
  assertEquals(filters.filterFor("T", "G")?.expression, "a = 4");
  assertEquals(filters.filterFor("T", "G")?.clientVersion, 9_007_199_254_740_993n);
});

Deno.test("a newer subscription with the same expression only moves the version", () => {
  const { filters } = setUp();
  filters.register("G", [sql("a = 1", 10n)]);
  const before = filters.filterFor("T", "G");
  filters.register("G", [sql("a = 1", 11n)]);
  assert(filters.filterFor("T", "G") === before);
  assertEquals(before?.clientVersion, 11n);
});

Deno.test("a pull is refused without an expression, with a newer version, and with expressions switched off", () => {
  const { filters } = setUp();
  const remark = "The broker's consumer filter data is not exist!Your expression may be wrong!";
  assertEquals(refusal(() => filters.ofGroup(sql("a = 1", 1n), "G", 1n)), [ResponseCode.FILTER_DATA_NOT_EXIST, remark]);
  assertEquals(refusal(() => filters.ofGroup(sql("a = = 1", 1n), "G", 1n)), [
    ResponseCode.FILTER_DATA_NOT_EXIST,
    `${remark} Wrong SQL92 expression at line 1, column 5: expected a property, a literal, NOT or "(", found "="`,
  ]);
  filters.register("G", [sql("a = 1", 1n)]);
  assertEquals(refusal(() => filters.ofGroup(sql("a = 1", 1n), "G", 2n))[0], ResponseCode.FILTER_DATA_NOT_LATEST);
  const off = setUp({ enablePropertyFilter: false }).filters;
  off.register("G", [sql("a = 1", 1n)]);
  assertEquals(refusal(() => off.ofGroup(sql("a = 1", 1n), "G", 1n))[0], ResponseCode.SYSTEM_ERROR);
  assertEquals(refusal(() => off.compile(sql("a = 1", 1n)))[0], ResponseCode.SYSTEM_ERROR);
});

Deno.test("a wrong expression is refused with its place, ends the one before, and is logged once", () => {
  const { filters, lines } = setUp();
  const [code, remark] = refusal(() => filters.check(sql("a > 1 AND", 1n)));
  assertEquals(code, ResponseCode.SUBSCRIPTION_PARSE_FAILED);
  assertStringIncludes(remark, "line 1, column 10");
  assertEquals(
    refusal(() => filters.check({ ...sql("a = 1", 1n), expressionType: "XPATH" }))[0],
    ResponseCode.SUBSCRIPTION_PARSE_FAILED,
  );
  filters.register("G", [sql("a = 1", 1n)]);
  filters.register("G", [sql("a > 1 AND", 2n)]);
  filters.register("G", [sql("a > 1 AND", 2n)]);
  assertEquals(filters.filterFor("T", "G"), undefined);
  assertEquals(lines.filter((line) => line.includes("is refused")).length, 1);
});

Deno.test("a topic that is no longer subscribed to is dead, and alive again with its next subscription", () => {
  const { filters, clock } = setUp();
  filters.register("G", [sql("a = 1", 1n), sql("b = 1", 1n, "U")]);
  filters.register("G", [sql("a = 1", 1n), buildSubscription("%RETRY%G", "*", null, 1n)]);
  assertEquals(filters.filterFor("U", "G")?.deadTime, clock.now());
  assertEquals(filters.filterFor("T", "G")?.deadTime, 0);
  filters.register("G", [sql("a = 1", 1n), sql("b = 1", 1n, "U")]);
  assertEquals(filters.filterFor("U", "G")?.deadTime, 0);
  filters.unregister("G");
  assertEquals([...filters.entries()].map((filter) => filter.deadTime), [clock.now(), clock.now()]);
});

Deno.test("the expressions of a group that has left are kept for filterDataCleanTimeSpan", async () => {
  const { filters, clock, file } = setUp();
  const timer = filters.saveEvery(10_000);
  filters.register("G", [sql("a = 1", 1n)]);
  filters.register("H", [sql("a = 1", 1n)]);
  filters.unregister("G");
  await clock.advance(DAY_MS - 10_000);
  assertStringIncludes(file.text ?? "", '"G"');
  await clock.advance(20_000);
  timer.cancel();
  assertEquals([...filters.entries()].map((filter) => filter.consumerGroup), ["H"]);
  assert(!file.text?.includes('"G"'), file.text ?? "");
});

for (const version of ["4.9.7", "5.5.0"]) {
  Deno.test(`RocketMQ ${version}'s consumerFilter.json is read and written back as it was`, async () => {
    const text = await Deno.readTextFile(new URL(`../../golden/consumerFilter-${version}.json`, import.meta.url));
    const { filters } = setUp({ text });
    assertEquals(filters.filterFor("TopicA", "CG_sql")?.expression, "TAGS = 'Tag2' AND idx > 5");
    assertEquals(parseJsonObject(filters.text()), parseJsonObject(text));
  });
}

Deno.test("what is saved is loaded, and taken for dead until a heartbeat comes", () => {
  const first = setUp();
  first.filters.register("G", [sql("a = 1", 1_795_238_191_338_123_456n)]);
  first.filters.close();
  const { filters, clock } = setUp({ text: first.file.text! });
  assertEquals(filters.filterFor("T", "G")?.deadTime, clock.now());
  assertEquals(filters.filterFor("T", "G")?.clientVersion, 1_795_238_191_338_123_456n);
  filters.register("G", [sql("a = 1", 1_795_238_191_338_123_456n)]);
  assertEquals(filters.filterFor("T", "G")?.deadTime, 0);
});

Deno.test("an expression in the file that cannot be compiled is left out and told", () => {
  const text = setUpText("a = 1").replace("a = 1", "a = (1");
  const { filters, lines } = setUp({ text });
  assertEquals([...filters.entries()], []);
  assertStringIncludes(lines[0]!, "is left out: Wrong SQL92 expression at line 1, column 7");
});

function setUpText(expression: string): string {
  const { filters } = setUp();
  filters.register("G", [sql(expression, 1n)]);
  return filters.text();
}

Deno.test("with filterSupportRetry a retry topic is filtered by what the group wants of each message's own topic", () => {
  const { filters } = setUp({ filterSupportRetry: true });
  const retry = sql("TRUE", 1n, "%RETRY%G");
  filters.register("G", [sql("a = 1", 1n), retry]);
  const filter = filters.ofGroup(retry, "G", 1n);
  assertEquals(filter.matchesRecord?.(record({ RETRY_TOPIC: "T", a: "1" })), true);
  assertEquals(filter.matchesRecord?.(record({ RETRY_TOPIC: "T", a: "2" })), false);
  assertEquals(filter.matchesRecord?.(record({ RETRY_TOPIC: "V", a: "2" })), true);
  assertEquals(filter.matchesRecord?.(record({ a: "2" })), true);
});

Deno.test("without filterSupportRetry it is filtered by its own expression", () => {
  const { filters } = setUp();
  const retry = sql("b = 1", 1n, "%RETRY%G");
  filters.register("G", [sql("a = 1", 1n), retry]);
  const filter = filters.ofGroup(retry, "G", 1n);
  assertEquals(filter.matchesRecord?.(record({ RETRY_TOPIC: "T", b: "1" })), true);
  assertEquals(filter.matchesRecord?.(record({ RETRY_TOPIC: "T", a: "1" })), false);
});
