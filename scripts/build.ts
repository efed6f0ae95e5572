/**
 * `deno task compile`: makes `dist/rucola`, one executable with five permissions and nothing else: it can neither run
 * programs nor load native code.
 *
 * ```
 * deno task compile [--target x86_64-unknown-linux-gnu] [--output dist/rucola]
 * ```
 *
 * `deno compile` needs the runtime of the target, `denort`, and downloads it from Deno's own site. Where that site is out
 * of reach, `scripts/denort.ts` gets the same file from the npm registry.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { dirname, fromFileUrl, join, resolve } from "@std/path";
import { BUILD_FACTS_PATH, type BuildFacts } from "../src/tools/version.ts";
import { denortFromNpm } from "./denort.ts";

/** All that the product may do, compiled or from source. */
export const PERMISSIONS = ["--allow-net", "--allow-read", "--allow-write", "--allow-env", "--allow-sys"];

/** Flags for V8, without `--`: for instance `max-old-space-size=4096`. None has shown a gain so far. */
const V8_FLAGS: readonly string[] = [];

/** Files and folders embedded beside the modules that `main.ts` imports; left out when they do not exist. */
const EMBEDDED = [BUILD_FACTS_PATH, "LICENSE", "conf", "src/console/web"];

/** Modules of this name are started as workers by URL, which the compiler does not follow. */
const WORKER_MODULE = /_worker\.ts$/;

const ROOT = dirname(dirname(fromFileUrl(import.meta.url)));

async function main(args: string[]): Promise<number> {
  const options = parseArgs(args, {
    string: ["target", "output"],
    default: { target: Deno.build.target, output: "dist/rucola" },
  });
  const output = resolve(ROOT, options.output);
  await Deno.mkdir(join(ROOT, "dist"), { recursive: true });
  await Deno.mkdir(dirname(output), { recursive: true });
  await Deno.writeTextFile(join(ROOT, BUILD_FACTS_PATH), JSON.stringify(await gitFacts()) + "\n");

  const command = compileArguments(options.target, output, await embeddedPaths());
  let failure = await compile(command, Deno.env.get("DENORT_BIN"));
  if (failure !== null && isMissingRuntime(failure)) {
    console.error(`Cannot download the runtime from Deno's site (${lastCause(failure)}); trying the npm registry.`);
    failure = await compile(command, await denortFromNpm(options.target));
  }
  if (failure !== null) throw new Error(`deno compile failed\n${failure}`);
  await report(output);
  return 0;
}

/** Arguments of `deno` that compile `main.ts` for `target` to `output`, with the files `embedded`. */
export function compileArguments(target: string, output: string, embedded: string[]): string[] {
  return [
    "compile",
    "--quiet",
    ...PERMISSIONS,
    "--no-prompt",
    ...(V8_FLAGS.length === 0 ? [] : [`--v8-flags=${V8_FLAGS.map((flag) => `--${flag}`).join(",")}`]),
    ...embedded.flatMap((path) => ["--include", path]),
    ...(target === Deno.build.target ? [] : ["--target", target]),
    "--output",
    output,
    "main.ts",
  ];
}

/** Runs the compiler, told to use the runtime `denort` or to find its own; what it printed when it failed, or null. */
async function compile(args: string[], denort: string | undefined): Promise<string | null> {
  const env: Record<string, string> = denort === undefined ? {} : { DENORT_BIN: denort };
  const command = new Deno.Command(Deno.execPath(), { args, env: { NO_COLOR: "1", ...env }, cwd: ROOT });
  const { success, stderr } = await command.output();
  return success ? null : new TextDecoder().decode(stderr);
}

/** Whether the compiler failed because it could not download `denort`, and not for an error in the program. */
export function isMissingRuntime(failure: string): boolean {
  return /denort-[^ ]*\.zip/.test(failure);
}

/** The innermost of the numbered causes in an error of Deno. */
export function lastCause(failure: string): string {
  const causes = failure.split("Stack backtrace:")[0]!.match(/^ +\d+: .*$/gm) ?? [];
  return causes.at(-1)?.replace(/^ +\d+: /, "") ?? "no reason given";
}

async function embeddedPaths(): Promise<string[]> {
  const paths: string[] = [];
  for (const path of EMBEDDED) {
    if (await exists(join(ROOT, path))) paths.push(path);
  }
  return [...paths, ...await workerModules("src")];
}

async function workerModules(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(join(ROOT, folder))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) found.push(...await workerModules(path));
    else if (WORKER_MODULE.test(entry.name)) found.push(path);
  }
  return found.sort();
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** The commit that is being built; unknown where there is no git or no checkout. */
async function gitFacts(): Promise<BuildFacts> {
  const commit = await git("rev-parse", "HEAD");
  const status = commit === null ? null : await git("status", "--porcelain");
  return { commit, modified: status === null ? null : status !== "" };
}

async function git(...args: string[]): Promise<string | null> {
  try {
    const { success, stdout } = await new Deno.Command("git", { args, cwd: ROOT, stderr: "null" }).output();
    return success ? new TextDecoder().decode(stdout).trim() : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

async function report(output: string): Promise<void> {
  const bytes = await Deno.readFile(output);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  console.log(
    `${output}\nsize    ${bytes.length} bytes (${(bytes.length / 2 ** 20).toFixed(1)} MiB)\nsha256  ${digest}`,
  );
}

if (import.meta.main) {
  try {
    Deno.exit(await main(Deno.args));
  } catch (error) {
    console.error(`compile: ${error instanceof Error ? error.message : error}`);
    Deno.exit(1);
  }
}
