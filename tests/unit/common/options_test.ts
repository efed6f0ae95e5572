/**
 * Reading typed options: values, warnings, errors.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { createEnvironment } from "../../../src/common/environment.ts";
import {
  accepted,
  bool,
  choice,
  defaultOptions,
  double,
  important,
  int,
  later,
  long,
  optionalText,
  type OptionValues,
  text,
} from "../../../src/common/option.ts";
import { ConfigError, printOptions, readOptions } from "../../../src/common/options.ts";

const TABLE = {
  flag: bool(true, "A switch", important),
  port: int(1000, "", "A port", { min: 0, max: 65535 }),
  big: long(5, "bytes", "A size"),
  ratio: double(0.5, "ratio", "A ratio"),
  whole: double(8000, "", "A whole number with a fraction"),
  name: text((environment) => environment.hostName, "A name", { ...important, blankIsDefault: true }),
  note: optionalText("A note"),
  addresses: optionalText("Addresses", { isList: true }),
  directory: text("/data", "A path", { isPath: true }),
  mode: choice(["ASYNC", "SYNC"], "ASYNC", "A mode", { synonyms: { BOTH: "SYNC" } }),
  period: int(30, "ms", "A period", { clamp: [10, 60] }),
  fileSize: int(100, "bytes", "A size of entries of 20 bytes", { roundUpTo: 20 }),
  newName: int(7, "", "A number"),
  oldName: int(7, "", "Its name before", { aliasOf: "newName" }),
  threads: int((environment) => 2 * environment.cpuCount, "threads", "Threads", accepted),
  soon: bool(false, "Not there yet", later),
  dangerous: bool(false, "Not there yet", { ...later, refuse: "data would be lost" }),
};

const ENVIRONMENT = createEnvironment({ hostName: "host", cpuCount: 3, variables: { HOME: "/home/user" } });

function read(properties: string, overrides: Record<string, string> = {}) {
  const result = readOptions({ main: TABLE }, {
    properties,
    fileName: "x.properties",
    environment: ENVIRONMENT,
    overrides,
  });
  return { ...result, main: result.values.main };
}

function problemsOf(properties: string, overrides: Record<string, string> = {}): string[] {
  const error = assertThrows(() => read(properties, overrides), ConfigError);
  return error.problems.map(({ place, key, value, message }) => `${place} ${key}=${value} ${message}`);
}

Deno.test("without settings all options have their defaults, from the environment where they say so", () => {
  const { main, warnings, unknown } = read("");
  assertEquals(main, defaultOptions(TABLE, ENVIRONMENT));
  assertEquals([main.flag, main.name, main.note, main.threads], [true, "host", null, 6]);
  assertEquals([warnings, unknown], [[], []]);
  assertEquals(Object.isFrozen(main), true);
});

Deno.test("values have the types of their options", () => {
  const { main, warnings } = read("flag=FALSE\nport=+80\nbig=17179869184\nratio=.25d\nnote=a b\nmode=SYNC");
  const typed: OptionValues<typeof TABLE> = main;
  const mode: "ASYNC" | "SYNC" = typed.mode;
  const note: string | null = typed.note;
  assertEquals([main.flag, main.port, main.big, main.ratio, note, mode], [false, 80, 17179869184, 0.25, "a b", "SYNC"]);
  assertEquals(warnings, []);
});

Deno.test("a comment behind a value is cut with one warning, blanks without", () => {
  const { main, warnings } = read("port=80   \nflag = false # because\nmode=SYNC\t\n");
  assertEquals([main.port, main.flag, main.mode], [80, false, "SYNC"]);
  assertEquals(warnings, [
    `x.properties:2: flag=false: "# because" is taken for a comment; put it on a line of its own, for Java RocketMQ takes it as part of the value`,
  ]);
});

Deno.test("what can mean only one thing is read with a warning", () => {
  const { main, warnings } = read("mode=sync;\nport=80;\nperiod=5\nbig=9223372036854775807\n");
  assertEquals([main.mode, main.port, main.period, main.big], ["SYNC", 80, 10, Number.MAX_SAFE_INTEGER]);
  assertEquals(warnings.map((warning) => warning.split(": ").slice(0, 2).join(" ")), [
    "x.properties:1 mode=sync;",
    "x.properties:2 port=80;",
    "x.properties:3 period=5",
    "x.properties:4 big=9223372036854775807",
  ]);
  assertEquals(read("mode=BOTH").warnings, ["x.properties:1: mode=BOTH: it is read as SYNC"]);
});

Deno.test("an empty value keeps the default where nothing else makes sense", () => {
  const { main, warnings } = read("port=\nname=\nnote=\nflag = # off");
  assertEquals([main.port, main.name, main.note, main.flag], [1000, "host", "", true]);
  assertEquals(warnings.filter((warning) => warning.includes("it is empty")).length, 3);
});

Deno.test("all values that cannot be read are reported together, with file, line and what is allowed", () => {
  assertEquals(
    problemsOf("port=0x10\nflag=yes\n\nmode=NEVER\nbig=64K\nport2=1\nratio=half\nport=70000", { period: "1.5" }),
    [
      "x.properties:2 flag=yes true or false is expected",
      "x.properties:4 mode=NEVER one of ASYNC, SYNC is expected",
      "x.properties:5 big=64K an integer (bytes) is expected",
      "x.properties:7 ratio=half a number (ratio) is expected",
      "x.properties:8 port=70000 an integer from 0 to 65535 is expected",
      "command line period=1.5 an integer from -2147483648 to 2147483647 (ms) is expected",
    ],
  );
});

Deno.test("the message of the error names each problem on a line", () => {
  assertEquals(
    assertThrows(() => read("port=x"), ConfigError).message,
    "x.properties:1: port=x: an integer from 0 to 65535 is expected",
  );
  const { message, exitCode } = assertThrows(() => read("port=x\nflag=y"), ConfigError);
  assertEquals(message.split("\n").length, 3);
  assertEquals(exitCode, 1);
});

Deno.test("a malformed escape is an error with its line", () => {
  assertEquals(problemsOf("\nnote=C:\\users").length, 1);
});

Deno.test("the last of several settings counts, and the command line after the file", () => {
  const { main, warnings } = read("port=1\nport=x\nport=2");
  assertEquals(main.port, 2);
  assertEquals(warnings, [
    "x.properties:2: port is set again, line 1 does not count",
    "x.properties:3: port is set again, line 2 does not count",
  ]);
  assertEquals(read("port=1", { port: "3" }).main.port, 3);
});

Deno.test("another name of an option sets it, and the last one counts", () => {
  const values = (file: string) => {
    const { main } = read(file);
    return [main.newName, main.oldName];
  };
  assertEquals(values("oldName=1"), [1, 1]);
  assertEquals(values("newName=2"), [2, 2]);
  assertEquals(values("oldName=1\nnewName=2"), [2, 2]);
  assertEquals(values("newName=2\noldName=1"), [1, 1]);
  assertEquals(values("oldName=1\nnewName=2\noldName=3"), [3, 3]);
});

Deno.test("lists lose blanks and empty items, paths their tilde, sizes are rounded up", () => {
  const { main } = read("addresses= a:1 ; b:2;;\ndirectory=~/store\nfileSize=101");
  assertEquals([main.addresses, main.directory, main.fileSize], ["a:1;b:2", "/home/user/store", 120]);
});

Deno.test("an unknown key is kept, with one warning that names the nearest known one", () => {
  const { unknown, warnings } = read("Port=1\nsomethingElse=2\n");
  assertEquals(unknown.map(({ key, value }) => [key, value]), [["Port", "1"], ["somethingElse", "2"]]);
  assertEquals(warnings, [
    "x.properties:1: Port=1: unknown key, did you mean port?",
    "x.properties:2: somethingElse=2: unknown key",
  ]);
});

Deno.test("what is not supported yet gives a warning unless it is the default, and an error where data is at risk", () => {
  assertEquals(read("soon=false\ndangerous=false\nthreads=64").warnings, []);
  assertEquals(read("soon=true").warnings, ["x.properties:1: soon=true: this is not supported yet and has no effect"]);
  assertEquals(problemsOf("dangerous=true"), ["x.properties:1 dangerous=true data would be lost"]);
});

Deno.test("a key of two tables is read for both by their own rules, and complained of once", () => {
  const tables = { a: { port: int(1, "", "A port") }, b: { port: int(2, "", "A port", { clamp: [5, 9] }) } };
  const { values, assigned } = readOptions(tables, { properties: "port=20" });
  assertEquals([values.a.port, values.b.port, assigned.has("port")], [20, 9, true]);
  const error = assertThrows(() => readOptions(tables, { properties: "port=x" }), ConfigError);
  assertEquals(error.problems.length, 1);
});

Deno.test("retired keys have no effect and warn where their author would be surprised", () => {
  const retired = { oldPath: (value: string) => value === "/used" ? null : "no effect" };
  const warningsOf = (properties: string) => {
    const { warnings, unknown } = readOptions({ main: TABLE }, { properties, retired });
    assertEquals(unknown, []);
    return warnings;
  };
  assertEquals(warningsOf("oldPath=/used"), []);
  assertEquals(warningsOf("oldPath=/other"), ["configuration:1: oldPath=/other: no effect"]);
});

Deno.test("options are printed as Java prints them", () => {
  const { main } = read("note=");
  assertEquals(printOptions(TABLE, main, true), ["flag=true", "name=host"]);
  const all = printOptions(TABLE, defaultOptions(TABLE, ENVIRONMENT));
  assertEquals(all.length, Object.keys(TABLE).length);
  assertEquals(all.filter((line) => /^(ratio|whole|note|big)=/.test(line)), [
    "big=5",
    "ratio=0.5",
    "whole=8000.0",
    "note=",
  ]);
});

Deno.test("a secret is shown nowhere", () => {
  const tables = { main: { key: optionalText("A secret", { ...later, isSecret: true }) } };
  const { values, warnings } = readOptions(tables, { properties: "key=hunter2", fileName: "f" });
  assertEquals(values.main.key, "hunter2");
  assertEquals(printOptions(tables.main, values.main), ["key=***"]);
  assertEquals(warnings, ["f:1: key=***: this is not supported yet and has no effect"]);
});

Deno.test("what is printed is read back as the same values", () => {
  const values = defaultOptions(TABLE, ENVIRONMENT, {
    flag: false,
    port: 1,
    ratio: 0.125,
    note: "n",
    mode: "SYNC",
    newName: 1,
    oldName: 1,
  });
  const printed = printOptions(TABLE, values).filter((line) => !line.endsWith("=")).join("\n");
  assertEquals(read(printed).main, values);
});
