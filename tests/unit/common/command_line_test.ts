import { assertEquals, assertThrows } from "@std/assert";
import { readCommandLine } from "../../../src/common/command_line.ts";

const OPTIONS = {
  file: { names: ["-c", "--configFile"], hasValue: true },
  logDir: { names: ["--log-dir"], hasValue: true },
  print: { names: ["-p", "--printConfigItem"], hasValue: false },
} as const;

Deno.test("options are read in both spellings, with values behind them or behind an equals sign", () => {
  assertEquals(readCommandLine(OPTIONS, ["-c", "f", "-p"]), { file: ["f"], print: [""] });
  assertEquals(readCommandLine(OPTIONS, ["--configFile=f", "--log-dir", "d", "--printConfigItem"]), {
    file: ["f"],
    logDir: ["d"],
    print: [""],
  });
});

Deno.test("values of an option that comes again are kept in their order", () => {
  assertEquals(readCommandLine(OPTIONS, ["-c", "a", "-p", "--configFile=b=c"]), { file: ["a", "b=c"], print: [""] });
});

Deno.test("dashes that a text processor made longer are dashes; an option that is near is suggested", () => {
  const dashed = readCommandLine(OPTIONS, ["–c", "f", "—printConfigItem", "––log-dir", "d"]);
  assertEquals(dashed, { file: ["f"], print: [""], logDir: ["d"] });
  const messageOf = (...args: string[]) => assertThrows(() => readCommandLine(OPTIONS, args), TypeError).message;
  assertEquals(messageOf("--log-dri=x"), "Unrecognized option: --log-dri=x; did you mean --log-dir?");
  assertEquals(messageOf("—configfile", "f"), "Unrecognized option: --configfile; did you mean --configFile?");
  assertEquals(messageOf("-c", "--log-dir", "d"), "Missing argument for option: c");
});

Deno.test("other arguments are errors in the words of RocketMQ's parser", () => {
  const messageOf = (args: string[]) => assertThrows(() => readCommandLine(OPTIONS, args), TypeError).message;
  assertEquals(messageOf(["constructor"]), "Unrecognized option: constructor");
  assertEquals(messageOf(["-x"]), "Unrecognized option: -x");
  assertEquals(messageOf(["-p=1"]), "Unrecognized option: -p=1");
  assertEquals(messageOf(["--printConfigItem=1"]), "Unrecognized option: --printConfigItem=1");
  assertEquals(messageOf(["-c"]), "Missing argument for option: c");
});
