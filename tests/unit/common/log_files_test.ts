/**
 * Log files: buffering, rolling, limits, faults, and the choice between files and standard output.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { gunzipSync } from "node:zlib";
import { utf8Text } from "../../../src/common/bytes.ts";
import { SimClock } from "../../../src/common/clock_sim.ts";
import { readWhole } from "../../../src/common/disk.ts";
import { SimDisk } from "../../../src/common/disk_sim.ts";
import { createEnvironment } from "../../../src/common/environment.ts";
import { logDirectory, type LogFilesParts, LogFilesSink } from "../../../src/common/log_files.ts";
import { LOG_OPTIONS } from "../../../src/common/log_options.ts";
import { openLogging } from "../../../src/common/log_setup.ts";
import type { LogLevel } from "../../../src/common/logger.ts";
import { defaultOptions } from "../../../src/common/option.ts";
import { SeededRandom } from "../../../src/common/random.ts";

const DIRECTORY = "/logs";

function open(parts: Partial<LogFilesParts> = {}) {
  const clock = new SimClock();
  const disk = new SimDisk({ random: new SeededRandom(1), clock });
  const sink = new LogFilesSink({
    disk,
    clock,
    directory: DIRECTORY,
    format: (record) => `${record.text}\n`,
    ...parts,
  });
  const write = (text: string, log = "broker", level: LogLevel = "INFO") =>
    sink.write({ timeMs: clock.now(), level, log, thread: "main", text });
  const content = (path: string) => {
    const bytes = readWhole(disk, `${DIRECTORY}/${path}`);
    return bytes === null ? null : utf8Text(bytes);
  };
  return { clock, disk, sink, write, content };
}

/** Lines of exactly `bytes` bytes with newline. */
function line(name: string, bytes: number): string {
  return name.padEnd(bytes - 1, ".");
}

Deno.test("lines reach their file within a second, errors at once", async () => {
  const { clock, write, content, sink } = open();
  write("one");
  write("two", "store");
  assertEquals(content("broker.log") ?? "", "");
  await clock.advance(1000);
  assertEquals([content("broker.log"), content("store.log")], ["one\n", "two\n"]);
  write("three");
  write("four", "broker", "ERROR");
  assertEquals(content("broker.log"), "one\nthree\nfour\n");
  sink.close();
});

Deno.test("a burst is written before it takes much memory, and closing writes the rest", () => {
  const { write, content, sink } = open();
  for (let index = 0; index < 70; index++) write(line(`${index}`, 1024));
  assert(content("broker.log")!.length >= 64 * 1024);
  sink.close();
  assertEquals(content("broker.log")!.length, 70 * 1024);
  write("too late");
  sink.flush();
  assertEquals(content("broker.log")!.length, 70 * 1024);
});

Deno.test("a new process goes on where the file ends", () => {
  const { disk, clock, write, sink, content } = open();
  write("before");
  sink.close();
  const next = new LogFilesSink({ disk, clock, directory: DIRECTORY, format: (record) => `${record.text}\n` });
  next.write({ timeMs: 0, level: "ERROR", log: "broker", thread: "main", text: "after" });
  next.close();
  assertEquals(content("broker.log"), "before\nafter\n");
});

Deno.test("full files move up in otherdays, compressed, and the oldest goes", async () => {
  const { disk, write, sink, content } = open({ rules: { broker: { maxBytes: 100, keep: 3 } } });
  for (let index = 0; index < 12; index++) {
    write(line(`${index}`, 50));
    sink.flush();
    await sink.settled();
  }
  sink.close();
  assertEquals(content("broker.log"), `${line("10", 50)}\n${line("11", 50)}\n`);
  const names = disk.list(`${DIRECTORY}/otherdays`).map((entry) => entry.name);
  assertEquals(names.filter((name) => name !== "broker.lock"), [
    "broker.1.log.gz",
    "broker.2.log.gz",
    "broker.3.log.gz",
  ]);
  const unpacked = [1, 2, 3].map((number) =>
    utf8Text(gunzipSync(readWhole(disk, `${DIRECTORY}/otherdays/broker.${number}.log.gz`)!))
  );
  assertEquals(unpacked.map((text) => text.split("\n").map((each) => each.replaceAll(".", ""))), [
    ["8", "9", ""],
    ["6", "7", ""],
    ["4", "5", ""],
  ]);
});

Deno.test("files that become full faster than they are compressed lose nothing", async () => {
  const { disk, write, sink } = open({ rules: { broker: { maxBytes: 100, keep: 50 } } });
  for (let index = 0; index < 40; index++) {
    write(line(`${index}`, 50));
    sink.flush();
  }
  await sink.settled();
  sink.close();
  const texts: string[] = [];
  for (const entry of disk.list(`${DIRECTORY}/otherdays`)) {
    const bytes = readWhole(disk, `${DIRECTORY}/otherdays/${entry.name}`)!;
    if (entry.name.endsWith(".lock")) continue;
    texts.push(utf8Text(entry.name.endsWith(".gz") ? gunzipSync(bytes) : bytes));
  }
  texts.push(utf8Text(readWhole(disk, `${DIRECTORY}/broker.log`)!));
  const numbers = texts.join("").split("\n").filter((each) => each !== "").map((each) =>
    Number(each.replaceAll(".", ""))
  );
  assertEquals(numbers.sort((a, b) => a - b), Array.from({ length: 40 }, (_, index) => index));
});

Deno.test("two processes that share a directory keep each other's lines, also while files move", async () => {
  const rules = { broker: { maxBytes: 1000, keep: 50 } };
  const one = open({ rules });
  const other = open({ rules, disk: one.disk.anotherProcess() });
  const random = new SeededRandom(5);
  for (let index = 0; index < 300; index++) {
    const { write, sink } = random.int(2) === 0 ? one : other;
    write(line(`${index}`, 20 + random.int(100)));
    if (random.int(3) > 0) sink.flush();
    if (random.int(5) === 0) await Promise.all([one.sink.settled(), other.sink.settled()]);
  }
  await Promise.all([one.sink.settled(), other.sink.settled()]);
  for (const { sink } of [one, other]) sink.close();

  const texts = [one.content("broker.log")];
  for (const { name } of one.disk.list(`${DIRECTORY}/otherdays`).filter(({ name }) => name !== "broker.lock")) {
    const bytes = readWhole(one.disk, `${DIRECTORY}/otherdays/${name}`)!;
    texts.push(utf8Text(name.endsWith(".gz") ? gunzipSync(bytes) : bytes));
  }
  const numbers = texts.join("").trim().split("\n").filter((each) => each !== "").map((each) =>
    Number(each.replaceAll(".", ""))
  );
  assertEquals(numbers.sort((a, b) => a - b), Array.from({ length: 300 }, (_, index) => index));
});

Deno.test("all files together stay below the limit", async () => {
  const { disk, write, sink } = open({ maxTotalBytes: 40_000, rules: {} });
  const random = new SeededRandom(3);
  for (let index = 0; index < 400; index++) {
    let noise = "";
    while (noise.length < 700) noise += random.int(2 ** 30).toString(36);
    write(noise, index % 2 === 0 ? "broker" : "store");
    sink.flush();
    await sink.settled();
    const sizes = [...disk.list(DIRECTORY), ...disk.list(`${DIRECTORY}/otherdays`)].map((entry) => entry.sizeBytes);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    assert(total <= 40_000, `${total} bytes after ${index} lines`);
  }
  assert(disk.list(`${DIRECTORY}/otherdays`).length >= 3);
  sink.close();
});

Deno.test("a full disk costs lines, which are counted, and logging goes on when there is room", () => {
  const { disk, write, sink, content } = open();
  write("one", "broker", "ERROR");
  disk.setCapacity(0);
  for (let index = 0; index < 5; index++) write(line(`lost ${index}`, 5000), "broker", "ERROR");
  disk.setCapacity(2 ** 30);
  write("two", "broker", "ERROR");
  sink.close();
  assertEquals(content("broker.log"), "one\n(5 lines could not be written)\ntwo\n");
});

Deno.test("logs lie below the user's home unless a directory is named", () => {
  const environment = createEnvironment({ variables: { HOME: "/home/user" } });
  assertEquals(logDirectory(environment, null), "/home/user/logs/rocketmqlogs");
  assertEquals(logDirectory(environment, null, "broker-a_0"), "/home/user/logs/rocketmqlogs/broker-a_0");
  assertEquals(logDirectory(environment, "/var/log/rucola"), "/var/log/rucola");
});

Deno.test("auto means standard output under systemd and files elsewhere, and both can be asked for", () => {
  const outcome = (logTarget: "auto" | "files" | "stdout", isJournal: boolean, logFormat: "text" | "json" = "text") => {
    const clock = new SimClock();
    const disk = new SimDisk({ random: new SeededRandom(1), clock });
    const printed: string[] = [];
    const environment = createEnvironment({
      variables: { HOME: "/home/user", JOURNAL_STREAM: "1:2" },
      stdoutId: isJournal ? "1:2" : "3:4",
    });
    const options = defaultOptions(LOG_OPTIONS, environment, { logTarget, logFormat });
    const print = (text: string) => printed.push(text);
    const logging = openLogging({ options, environment, clock, disk, print });
    logging.logger("broker").info("hello");
    logging.close();
    const file = readWhole(disk, "/home/user/logs/rocketmqlogs/broker.log");
    return [printed.join(""), file === null ? "" : utf8Text(file)];
  };
  const text = "2024-01-01 08:00:00 INFO main - hello\n";
  assertEquals(outcome("auto", true), [text, ""]);
  assertEquals(outcome("auto", false), ["", text]);
  assertEquals(outcome("files", true), ["", text]);
  assertEquals(outcome("stdout", false), [text, ""]);
  assertEquals(JSON.parse(outcome("stdout", false, "json")[0]!).text, "hello");
});
