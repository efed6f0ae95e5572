/**
 * The declarations in `src/types` must reject wrong calls and must not promise what the package does not have. The
 * wrong calls carry `@ts-expect-error`, so this file fails to compile as soon as one of them is accepted.
 * @module
 */
import * as std from "@std/assert";
import { assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { parseArgs } from "@std/cli/parse-args";
import * as path from "@std/path";
import * as streams from "@std/streams";

/** Never called: compiling it is the test. */
export function wrongCallsThatMustNotCompile(): void {
  // @ts-expect-error One argument is missing.
  assertEquals(1);
  // @ts-expect-error A number never equals text.
  assertEquals(1, "1");
  // @ts-expect-error The body must return a promise.
  std.assertRejects(() => 1);
  // @ts-expect-error The second argument is a class or a message.
  std.assertThrows(() => {}, 5);
  // @ts-expect-error The package has no such assertion.
  std.assertNonsense();
  // @ts-expect-error Parts of a path are text.
  path.join("a", 1);
  // @ts-expect-error The package calls it SEPARATOR.
  path.SEP;
  // @ts-expect-error Not a stream.
  streams.toText("text");
  // @ts-expect-error Arguments are a list.
  parseArgs("-h");
  // @ts-expect-error The option was not declared.
  parseArgs([], { string: ["port"] }).prot;
  // @ts-expect-error A text option may be absent.
  parseArgs([], { string: ["port"] }).port.length;
  // @ts-expect-error A boolean option has no text default.
  parseArgs([], { boolean: ["help"], default: { help: "no" } });
  // @ts-expect-error A default for an option that was not declared.
  parseArgs([], { boolean: ["help"], default: { hlep: true } });
}

Deno.test("A wrong call of a std function does not pass the type check", async () => {
  const file = await Deno.makeTempFile({ dir: import.meta.dirname!, prefix: "wrong_call_", suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, `import { assertEquals } from "@std/assert";\nassertEquals(1, "1", 2, 3);\n`);
    const check = new Deno.Command(Deno.execPath(), { args: ["check", file], env: { NO_COLOR: "1" } });
    const { code, stderr } = await check.output();
    assertNotEquals(code, 0);
    assertStringIncludes(new TextDecoder().decode(stderr), "TS2554");
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("Every std name that is declared exists in the package", async () => {
  const modules: [string, Record<string, unknown>][] = [
    ["std_assert.d.ts", std],
    ["std_path.d.ts", path],
    ["std_streams.d.ts", streams],
    ["std_cli.d.ts", { parseArgs }],
  ];
  for (const [file, module] of modules) {
    const text = await Deno.readTextFile(new URL(`../../../src/types/${file}`, import.meta.url));
    const declared = [...text.matchAll(/export (?:const|class|function) (\w+)/g)].map((match) => match[1]!);
    assertNotEquals(declared.length, 0);
    assertEquals(declared.filter((name) => module[name] === undefined), [], file);
  }
});

Deno.test("Parsed arguments have the declared types", () => {
  const args = parseArgs(["-c", "a", "-c", "b", "--port=8080", "-h", "topicList", "--", "-x"], {
    boolean: ["help", "m"],
    string: ["c", "port", "n", "_"],
    collect: ["c"],
    alias: { help: "h" },
    default: { n: "localhost:9876" },
    "--": true,
  });
  const help: boolean = args.help;
  const configs: string[] = args.c;
  const port: string | undefined = args.port;
  const namesrv: string = args.n;
  const rest: string[] = args._;
  assertEquals({ help, configs, port, namesrv, rest, m: args.m, behind: args["--"] }, {
    help: true,
    configs: ["a", "b"],
    port: "8080",
    namesrv: "localhost:9876",
    rest: ["topicList"],
    m: false,
    behind: ["-x"],
  });
});
