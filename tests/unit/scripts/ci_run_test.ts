/**
 * `.ci/run` with stand-ins for every program it calls: what it counts, and when it fails.
 * @module
 */
import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";

/** What the stand-ins print and exit with, by step. `javac` and `etcd`: the version it claims, null for a machine without. */
interface Machine {
  test?: string;
  ok?: string;
  interop?: string;
  demo?: string;
  javac?: string | null;
  etcd?: string | null;
}

const GOOD: Required<Machine> = {
  test: "echo 'ok | 12 passed (3 steps) | 0 failed | 1 ignored (2s)'",
  ok: "echo 'ok | 10 passed | 0 failed (2s)'",
  interop: "echo 'checks: 1 passed, 9 failed in an older run'; echo '7 passed, 0 failed'",
  demo: "echo '1000 of 1000'",
  javac: "17.0.9",
  etcd: "3.4.23",
};

/** Runs a copy of the script on `machine`; resolves to its exit code and its last line. */
async function runOn(machine: Machine): Promise<[code: number, lastLine: string]> {
  const { test, ok, interop, demo, javac, etcd } = { ...GOOD, ...machine };
  const root = await Deno.makeTempDir();
  try {
    const program = async (path: string, body: string) => {
      await Deno.writeTextFile(`${root}/${path}`, `#!/usr/bin/env bash\n${body}\n`, { mode: 0o755 });
    };
    for (const folder of [".ci", "bin", "dist"]) await Deno.mkdir(`${root}/${folder}`);
    await Deno.copyFile(fromFileUrl(new URL("../../../.ci/run", import.meta.url)), `${root}/.ci/run`);
    await program(
      "bin/npx",
      `case "$*" in\n*"task test") ${test};;\n*"task ok") ${ok};;\n*interop) ${interop};;\nesac`,
    );
    await program("bin/javac", javac === null ? "exit 127" : `echo javac ${javac}`);
    await program("bin/etcd", etcd === null ? "exit 127" : `echo etcd Version: ${etcd}`);
    await program("bin/mvn", "echo Apache Maven");
    for (const installer of ["apt-get", "sudo"]) await program(`bin/${installer}`, "exit 1");
    await program("dist/rucola", demo);
    const env = { PATH: `${root}/bin:${Deno.env.get("PATH")}` };
    const { code, stdout } = await new Deno.Command("bash", { args: [`${root}/.ci/run`], env, stderr: "null" })
      .output();
    return [code, new TextDecoder().decode(stdout).trimEnd().split("\n").at(-1)!];
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

/** The script is written for the programs of a Linux machine. */
function ciTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, fn, ignore: Deno.build.os !== "linux" });
}

ciTest("CI counts tests and checks by their summaries and every other step as one", async () => {
  assertEquals(await runOn({}), [0, "22 passed, 0 failed"]);
});

ciTest("CI counts failed tests, goes on with the other steps, and fails", async () => {
  assertEquals(await runOn({ test: "echo 'FAILED | 11 passed | 2 failed (2s)'; exit 1" }), [1, "21 passed, 2 failed"]);
});

ciTest("CI reads coloured summaries", async () => {
  assertEquals(await runOn({ test: "printf '\\033[32mok\\033[0m | 3 passed | 0 failed\\n'" }), [
    0,
    "13 passed, 0 failed",
  ]);
});

ciTest("A step that ends with an error fails, whatever its summary says", async () => {
  assertEquals(await runOn({ test: `${GOOD.test}; exit 1` }), [1, "22 passed, 1 failed"]);
  assertEquals(await runOn({ ok: "exit 1" }), [1, "21 passed, 1 failed"]);
  assertEquals(await runOn({ demo: "exit 3" }), [1, "21 passed, 1 failed"]);
});

ciTest("Tests that should have run and printed no summary are a failure", async () => {
  assertEquals(await runOn({ interop: "echo skipped" }), [1, "15 passed, 1 failed"]);
});

ciTest("A missing or too old JDK that cannot be installed is a failure and no skip", async () => {
  assertEquals(await runOn({ javac: null }), [1, "22 passed, 1 failed"]);
  assertEquals(await runOn({ javac: "11.0.2" }), [1, "22 passed, 1 failed"]);
});

ciTest("So is a missing etcd", async () => {
  assertEquals(await runOn({ etcd: null }), [1, "22 passed, 1 failed"]);
});
