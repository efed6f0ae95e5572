/**
 * Options of commands, against what RocketMQ's parser does and says.
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import {
  COMMON_OPTIONS,
  flag,
  oneOf,
  option,
  parseArguments,
  required,
  UsageError,
} from "../../../src/tools/arguments.ts";

const SPECS = [
  ...COMMON_OPTIONS,
  ...oneOf(option("b", "brokerAddr", "to which broker"), option("c", "clusterName", "to which cluster")),
  required("t", "topic", "topic name"),
  option("s", "timestamp", "when"),
  flag("l", "list", "as a list"),
];

function parse(...args: string[]): Record<string, string> {
  return Object.fromEntries(parseArguments(args, SPECS));
}

Deno.test("All spellings of an option mean the same", () => {
  for (
    const spelling of [["-t", "T"], ["-tT"], ["-t=T"], ["--topic", "T"], ["--topic=T"], ["--top", "T"], ["-topic", "T"]]
  ) {
    assertEquals(parse("-c", "C", ...spelling), { c: "C", t: "T" }, spelling.join(" "));
  }
});

Deno.test("Dashes that a text processor made longer are dashes", () => {
  assertEquals(parse("–c", "C", "−t", "T", "—list"), { c: "C", t: "T", l: "true" });
  assertEquals(parse("—c", "C", "—topic", "T"), { c: "C", t: "T" });
});

Deno.test("A negative number and an unknown word with a dash are values, another option is not", () => {
  assertEquals(parse("-c", "C", "-t", "T", "-s", "-1")["s"], "-1");
  assertEquals(parse("-c", "C", "-t", "-zzz")["t"], "-zzz");
  assertThrows(() => parse("-c", "C", "-t", "-l"), UsageError, "Missing argument for option: t");
  assertThrows(() => parse("-c", "C", "-t"), UsageError, "Missing argument for option: t");
});

Deno.test("Missing options are named in RocketMQ's words", () => {
  assertThrows(() => parse("-c", "C"), UsageError, "Missing required option: t");
  assertThrows(
    () => parse(),
    UsageError,
    "Missing required options: [-b to which broker, -c to which cluster], t",
  );
});

Deno.test("Two options of one group contradict each other, the same twice does not", () => {
  assertThrows(
    () => parse("-b", "B", "-c", "C", "-t", "T"),
    UsageError,
    "The option 'c' was specified but an option from this group has already been selected: 'b'",
  );
  assertEquals(parse("-c", "C", "-c", "D", "-t", "T"), { c: "D", t: "T" });
});

Deno.test("An unknown option is an error, help needs nothing else, and every command knows --json", () => {
  assertThrows(() => parse("-c", "C", "-t", "T", "-z"), UsageError, "Unrecognized option: -z");
  assertEquals(parse("-h"), { h: "true" });
  assertEquals(parse("-c", "C", "-t", "T", "--json")["json"], "true");
});
