import { assert, assertEquals } from "@std/assert";
import project from "../../../deno.json" with { type: "json" };
import {
  checksumText,
  compileArguments,
  isMissingRuntime,
  lastCause,
  PERMISSIONS,
  RELEASE_TARGETS,
  releaseName,
} from "../../../scripts/build.ts";

const UNREACHABLE = `error: Writing deno compile executable to temporary file 'dist/rucola.tmp-6d76c6ab27c2a2b0'

Caused by:
    0: Setting up base binary.
    1: error sending request for url (https://dl.deno.land/release/v2.7.11/denort-x86_64-unknown-linux-gnu.zip): client error (Connect): dns error
    2: client error (Connect)
    3: dns error

Stack backtrace:
   0: <unknown>
`;

/** The permissions that a command line gives. */
function permissionsIn(words: readonly string[]): string[] {
  return words.filter((word) => /^(?:-A|--allow|--deny|-[RWNESI]$)/.test(word)).sort();
}

Deno.test("The executable and the tasks that run the product have the five permissions and no other", () => {
  const five = ["--allow-env", "--allow-net", "--allow-read", "--allow-sys", "--allow-write"];
  assertEquals(PERMISSIONS.toSorted(), five);
  assertEquals(permissionsIn(compileArguments(Deno.build.target, "dist/rucola", ["conf"])), five);
  for (const task of [project.tasks.start, project.tasks.demo]) {
    assertEquals(permissionsIn(task.command.split(" ")), five);
  }
});

Deno.test("The executable fails instead of asking for a permission on a terminal", () => {
  assert(compileArguments(Deno.build.target, "dist/rucola", []).includes("--no-prompt"));
});

Deno.test("Another target is named to the compiler, the machine's own is not", () => {
  const foreign = Deno.build.target === "aarch64-apple-darwin" ? "x86_64-apple-darwin" : "aarch64-apple-darwin";
  assertEquals(compileArguments(foreign, "o", []).join(" ").includes(`--target ${foreign}`), true);
  assertEquals(compileArguments(Deno.build.target, "o", []).includes("--target"), false);
});

Deno.test("Embedded files come before the entry, which comes last", () => {
  const args = compileArguments(Deno.build.target, "o", ["conf", "LICENSE"]);
  assertEquals(args.at(-1), "main.ts");
  assertEquals(args.filter((_, i) => args[i - 1] === "--include"), ["conf", "LICENSE"]);
});

Deno.test("A runtime that cannot be downloaded is told apart from an error in the program, with the reason", () => {
  assert(isMissingRuntime(UNREACHABLE));
  assertEquals(lastCause(UNREACHABLE), "dns error");
  assert(!isMissingRuntime("TS2322 [ERROR]: Type 'string' is not assignable to type 'number'.\n"));
});

Deno.test("Every dependency is pinned, the standard library to one version", () => {
  for (const [name, target] of Object.entries(project.imports)) {
    assert(/^npm:[@\w/-]+@\d+\.\d+\.\d+(?:\/|$)/.test(target), `${name}: ${target}`);
    if (name.startsWith("@std/")) assert(target.startsWith("npm:deno-std@1.4.0/"), target);
  }
});

Deno.test("Files of a release have names that follow from version and target", () => {
  assertEquals(RELEASE_TARGETS.map((target) => releaseName("1.2.3", target)), [
    "rucola-1.2.3-x86_64-unknown-linux-gnu",
    "rucola-1.2.3-aarch64-unknown-linux-gnu",
    "rucola-1.2.3-x86_64-apple-darwin",
    "rucola-1.2.3-aarch64-apple-darwin",
    "rucola-1.2.3-x86_64-pc-windows-msvc.exe",
  ]);
});

Deno.test("Checksums are those that sha256sum --check reads, in the order of names", () => {
  assertEquals(checksumText(new Map([["b", "22"], ["a", "11"]])), "11  a\n22  b\n");
});
