/**
 * A configuration that changes while the process runs.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { utf8, utf8Text } from "../../../src/common/bytes.ts";
import { ConfigFile } from "../../../src/common/config_file.ts";
import { readWhole } from "../../../src/common/disk.ts";
import { DenoDisk } from "../../../src/common/disk_deno.ts";
import { SimDisk } from "../../../src/common/disk_sim.ts";
import { createEnvironment } from "../../../src/common/environment.ts";
import { DiskError } from "../../../src/common/errors.ts";
import { bool, int, later, optionalText, text } from "../../../src/common/option.ts";
import { ConfigError, type OptionsSource, readOptions } from "../../../src/common/options.ts";
import { parseProperties } from "../../../src/common/properties.ts";
import { SeededRandom } from "../../../src/common/random.ts";

const PATH = "/conf/broker.properties";
const TABLE = {
  flag: bool(true, "A switch"),
  port: int(10911, "", "A port", { min: 0 }),
  name: text("broker-a", "A name"),
  note: optionalText("A note"),
  secret: optionalText("A secret", { ...later, isSecret: true }),
};

function read(source: OptionsSource) {
  const { values, warnings, unknown, assigned } = readOptions({ main: TABLE }, source);
  return { main: values.main, warnings, unknown, assigned };
}

function open(
  content: string | Uint8Array | null,
  overrides: Record<string, string> = {},
  mustExist = content !== null,
) {
  const disk = new SimDisk({ random: new SeededRandom(1) });
  disk.makeDirectory("/conf");
  if (content !== null) {
    const file = disk.open(PATH, { create: true });
    file.write(typeof content === "string" ? utf8(content) : content, 0);
    file.close();
  }
  const parts = {
    disk,
    path: PATH,
    mustExist,
    read,
    partsOf: (settings: ReturnType<typeof read>) => [[TABLE, settings.main] as const],
    source: { environment: createEnvironment(), overrides },
  };
  const onDisk = () => utf8Text(readWhole(disk, PATH) ?? new Uint8Array(0));
  return { disk, config: new ConfigFile(parts), reopen: () => new ConfigFile(parts), onDisk };
}

Deno.test("a change is obeyed, told to those who listen, and written with comments kept", () => {
  const { config, onDisk, reopen } = open("# mine\nport = 1 # main\n\nother=x\n");
  const ports: number[] = [];
  const stop = config.subscribe((settings) => ports.push(settings.main.port));
  assertEquals(config.update(new Map([["port", "2"], ["flag", "false"]])), []);
  stop();
  config.update(new Map([["port", "3"]]));
  assertEquals([config.settings.main.port, config.settings.main.flag, ports], [3, false, [2]]);
  assertEquals(onDisk(), "# mine\n# main\nport=3\n\nother=x\nflag=false\n");
  assertEquals(reopen().settings.main, config.settings.main);
});

Deno.test("a change with a value that cannot be read changes nothing", () => {
  const { config, onDisk } = open("port=1\n");
  const error = assertThrows(() => config.update(new Map([["flag", "false"], ["port", "many"]])), ConfigError);
  assert(error.message.includes("port=many"), error.message);
  assertEquals([config.settings.main.flag, onDisk()], [true, "port=1\n"]);
});

Deno.test("a change that cannot be written changes nothing", () => {
  const { config, disk } = open("port=1\n");
  disk.faults.fail({ operation: "write", fault: "no-space" });
  assertThrows(() => config.update(new Map([["port", "2"]])), DiskError);
  assertEquals(config.settings.main.port, 1);
});

Deno.test("keys that nobody knows are left out, unless the file has them", () => {
  const { config, onDisk } = open("mine=1\n");
  assertEquals(config.update(new Map([["mine", "2"], ["theirs", "3"]])), ["theirs"]);
  assertEquals(onDisk(), "mine=2\n");
});

Deno.test("a change wins over the command line", () => {
  const { config } = open("port=1\n", { port: "2", name: "line" });
  assertEquals(config.settings.main.port, 2);
  config.update(new Map([["port", "3"]]));
  assertEquals([config.settings.main.port, config.settings.main.name], [3, "line"]);
});

Deno.test("a file that was named must be there, another one is made on the first change", () => {
  assertThrows(() => open(null, {}, true), DiskError);
  const { config, onDisk } = open(null);
  assertEquals(config.settings.main.port, 10911);
  config.update(new Map([["port", "1"]]));
  assertEquals(onDisk(), "port=1\n");
});

Deno.test("a file edited by hand is read again, and kept out while it is wrong", () => {
  const { config, disk, onDisk } = open("port=1\n");
  config.update(new Map([["port", "2"]]));
  const put = (content: string) => {
    const file = disk.open(PATH);
    file.truncate(0);
    file.write(utf8(content), 0);
    file.close();
  };
  put("port=5\n");
  config.reload();
  assertEquals(config.settings.main.port, 5);
  config.update(new Map([["port", "2"]]));
  assertEquals(onDisk(), "port=2\n");
  config.update(new Map([["port", "5"]]));
  put("port=x\n");
  assertThrows(() => config.reload(), ConfigError);
  assertEquals(config.settings.main.port, 5);
});

Deno.test("the text for operators reads back, without what is not set and without secrets", () => {
  const { config } = open("name=a \\# b\nsecret=hunter2\nmine=1\n");
  const pairs = parseProperties(config.format()).entries.map((entry) => [entry.key, entry.rawValue]);
  assertEquals(Object.fromEntries(pairs), { mine: "1", flag: "true", port: "10911", name: "a # b", secret: "***" });
});

Deno.test("a Latin-1 file stays one", () => {
  const { config, disk } = open(Uint8Array.of(...utf8("name="), 0xe9, 0x0a));
  assertEquals(config.settings.main.name, "é");
  config.update(new Map([["note", "中"]]));
  assertEquals(readWhole(disk, PATH), Uint8Array.of(...utf8("name="), 0xe9, ...utf8("\nnote=\\u4e2d\n")));
});

Deno.test("a configuration from a pipe is read once; changes and reloads are refused, and say why", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/pipe`;
  await new Deno.Command("mkfifo", { args: [path] }).output();
  // Opening a pipe waits for the other end, so that is another process's.
  const text = `port=7\n${"# a comment that makes it longer than one read of a pipe\n".repeat(3000)}flag=false\n`;
  await Deno.writeTextFile(`${directory}/text`, text);
  const writer = new Deno.Command("sh", { args: ["-c", 'cat "$1" > "$2"', "sh", `${directory}/text`, path] }).spawn();
  const config = new ConfigFile({
    disk: new DenoDisk(),
    path,
    mustExist: true,
    read,
    partsOf: (settings: ReturnType<typeof read>) => [[TABLE, settings.main] as const],
    source: { environment: createEnvironment() },
  });
  await writer.status;
  assertEquals([config.settings.main.port, config.settings.main.flag], [7, false]);
  assertThrows(
    () => config.update(new Map([["port", "8"]])),
    ConfigError,
    "is a pipe: a change cannot be written there",
  );
  assertThrows(() => config.reload(), ConfigError, "is a pipe, which cannot be read again");
  assertEquals(config.settings.main.port, 7);
  await Deno.remove(directory, { recursive: true });
});
