/**
 * Lines, levels and repeats of logs.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { SimClock } from "../../../src/common/clock_sim.ts";
import {
  formatLogJson,
  formatLogLine,
  Logging,
  type LogRecord,
  MemorySink,
  StreamSink,
} from "../../../src/common/logger.ts";

/** 2025-03-01T20:05:09.123Z, which is the next day in GMT+8. */
const TIME_MS = Date.UTC(2025, 2, 1, 20, 5, 9, 123);

function record(parts: Partial<LogRecord> = {}): LogRecord {
  return { timeMs: TIME_MS, level: "INFO", log: "broker", thread: "main", text: "hello", ...parts };
}

Deno.test("a line has RocketMQ's shape, in GMT+8", () => {
  assertEquals(formatLogLine(record()), "2025-03-02 04:05:09 INFO main - hello\n");
  assertEquals(
    formatLogLine(record({ level: "WARN", thread: "FlushRealTimeService", timeMs: 0 })),
    "1970-01-01 08:00:00 WARN FlushRealTimeService - hello\n",
  );
});

Deno.test("times may be in UTC or in the machine's zone", () => {
  assertEquals(formatLogLine(record(), "UTC"), "2025-03-01 20:05:09 INFO main - hello\n");
  assertEquals(formatLogLine(record()), "2025-03-02 04:05:09 INFO main - hello\n");
  const local = new Date(TIME_MS - new Date(TIME_MS).getTimezoneOffset() * 60_000).toISOString();
  assertEquals(formatLogLine(record(), "local").slice(0, 19), local.slice(0, 19).replace("T", " "));
});

Deno.test("protection and watermark lines have neither level nor thread", () => {
  for (const log of ["protection", "watermark"]) {
    assertEquals(formatLogLine(record({ log, level: "WARN" })), "2025-03-02 04:05:09 - hello\n");
  }
});

Deno.test("a thrown error follows with its stack and its causes", () => {
  const error = new Error("outer", { cause: new TypeError("inner") });
  const lines = formatLogLine(record({ error })).split("\n");
  assertEquals([lines[0], lines[1]], ["2025-03-02 04:05:09 INFO main - hello", "Error: outer"]);
  assert(lines.includes("Caused by: TypeError: inner"), lines.join("\n"));
  assertEquals(formatLogLine(record({ error: "text" })), "2025-03-02 04:05:09 INFO main - hello\ntext\n");
});

Deno.test("a record as JSON is one line, whatever is in its text", () => {
  const line = formatLogJson(record({ text: 'two\nlines "quoted"', error: "why" }));
  assertEquals(line.indexOf("\n"), line.length - 1);
  assertEquals(JSON.parse(line), {
    time: "2025-03-01T20:05:09.123Z",
    level: "INFO",
    log: "broker",
    thread: "main",
    text: 'two\nlines "quoted"',
    error: "why",
  });
});

function open(parts: { level?: "DEBUG" | "WARN"; repeatLimit?: number } = {}) {
  const clock = new SimClock();
  const sink = new MemorySink();
  const logging = new Logging({ clock, sink, ...parts });
  return { clock, sink, logging };
}

Deno.test("what is below the level is dropped, and the level can change", () => {
  const { sink, logging } = open();
  const logger = logging.logger("store", "Reput");
  logger.debug("1");
  logger.info("2");
  logging.setLevel("ERROR");
  logger.warn("3");
  logger.error("4");
  assertEquals([logger.isEnabled("WARN"), logger.isEnabled("ERROR")], [false, true]);
  logging.setLevel("DEBUG");
  logger.debug("5");
  assertEquals(sink.lines("store"), ["INFO store - 2", "ERROR store - 4", "DEBUG store - 5"]);
  assertEquals(sink.records[0]!.thread, "Reput");
});

Deno.test("like warnings are counted beyond the limit, and told of when their ten seconds are over", async () => {
  const { clock, sink, logging } = open({ repeatLimit: 3 });
  const logger = logging.logger("remoting");
  for (let port = 0; port < 10; port++) logger.warn(`connection from 10.0.0.1:${port} refused`);
  logger.warn("another fault");
  assertEquals(sink.records.length, 4);
  await clock.advance(10_001);
  logger.info("something else");
  assertEquals(sink.lines().slice(4), [
    "WARN remoting - connection from 10.0.0.1:9 refused [and 7 more like this within 1 s]",
    "INFO remoting - something else",
  ]);
  logger.warn("connection from 10.0.0.1:11 refused");
  assertEquals(sink.lines().at(-1), "WARN remoting - connection from 10.0.0.1:11 refused");
});

Deno.test("ordinary events that differ in a number are all written", () => {
  const { sink, logging } = open({ repeatLimit: 3 });
  for (let topic = 0; topic < 50; topic++) logging.logger("namesrv").info(`new topic registered, t${topic}`);
  assertEquals(sink.records.length, 50);
});

Deno.test("closing tells of everything that was only counted", () => {
  const { sink, logging } = open({ repeatLimit: 1 });
  logging.logger("broker").error("disk 1 is full");
  logging.logger("broker").error("disk 2 is full");
  logging.close();
  assertEquals(sink.lines(), [
    "ERROR broker - disk 1 is full",
    "ERROR broker - disk 2 is full [and 1 more like this within 1 s]",
  ]);
});

Deno.test("many kinds of faults are forgotten, not collected without end", () => {
  const { sink, logging } = open({ repeatLimit: 1 });
  const word = (index: number) =>
    String.fromCharCode(97 + index % 26, 97 + Math.floor(index / 26) % 26, 97 + Math.floor(index / 676));
  for (let index = 0; index < 3000; index++) logging.logger("broker").warn(`fault ${word(index)}`);
  assertEquals(sink.records.length, 3000);
});

Deno.test("a stream gets whole lines at once, and memory keeps the last records", () => {
  const printed: string[] = [];
  new StreamSink((line) => printed.push(line)).write(record());
  assertEquals(printed, ["2025-03-02 04:05:09 INFO main - hello\n"]);
  const memory = new MemorySink(2);
  for (const text of ["1", "2", "3"]) memory.write(record({ text }));
  assertEquals(memory.lines(), ["INFO broker - 2", "INFO broker - 3"]);
});
