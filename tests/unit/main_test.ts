/**
 * The executable's entry, run as a program: which subcommands there are is up to their own tests.
 * @module
 */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";

async function rucola(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const main = new URL("../../main.ts", import.meta.url).href;
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--allow-read", "--allow-env", "--no-prompt", main, ...args],
    env: { NO_COLOR: "1" },
  });
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

Deno.test("version prints the name and the version first", async () => {
  const { code, stdout } = await rucola("version");
  assertEquals(code, 0);
  assertMatch(stdout, /^rucola \d+\.\d+\.\d+\ncommit /);
});

Deno.test("help lists the subcommands, also as -h and --help", async () => {
  const outputs = await Promise.all([rucola("help"), rucola("-h"), rucola("--help")]);
  for (const { code, stdout } of outputs) {
    assertEquals(code, 0);
    assertStringIncludes(stdout, "usage: rucola SUBCOMMAND");
    assertMatch(stdout, /^ {2}version +\S/m);
  }
});

Deno.test("Without a subcommand the list is printed and the exit code is 1", async () => {
  const { code, stdout } = await rucola();
  assertEquals(code, 1);
  assertStringIncludes(stdout, "usage: rucola SUBCOMMAND");
});

Deno.test("An unknown subcommand is an error that names the nearest one", async () => {
  assertEquals(await rucola("versoin"), {
    code: 1,
    stdout: "",
    stderr: "rucola: there is no subcommand `versoin`; did you mean `version`?\n",
  });
});

Deno.test("An unknown subcommand near none is an error that points to the list, also when it is an object's member", async () => {
  for (const name of ["frobnicate", "constructor"]) {
    assertEquals(await rucola(name), {
      code: 1,
      stdout: "",
      stderr: `rucola: there is no subcommand \`${name}\`; \`rucola help\` lists them all\n`,
    });
  }
});
