/**
 * `rucola version`: what this executable is made of, for reports of bugs. A compiled executable carries the facts that
 * `scripts/build.ts` put into `dist/build_facts.json`; from source they are read from the checkout, as far as it has them.
 * Runs no program: the product may not.
 *
 * @module
 */
import { type Disk, readWhole } from "../common/disk.ts";
import { PRODUCT_NAME, PRODUCT_VERSION } from "../common/version.ts";

/** What is known about a build beside its version. Written by `scripts/build.ts` as JSON. */
export interface BuildFacts {
  /** Full git commit, or null where it could not be found out. */
  readonly commit: string | null;
  /** Whether files differed from that commit; null where it could not be found out. */
  readonly modified: boolean | null;
}

/** Where the build script leaves the facts, relative to the project's root. */
export const BUILD_FACTS_PATH = "dist/build_facts.json";

const NO_FACTS: BuildFacts = { commit: null, modified: null };

/**
 * Prints the version and its facts to stdout.
 *
 * @param disk Reads the checkout; untouched in a compiled executable.
 * @returns The exit code, always 0.
 */
export async function printVersion(disk: Disk): Promise<number> {
  const root = new URL("../../", import.meta.url);
  const facts = Deno.build.standalone ? await compiledFacts(root) : sourceFacts(disk, root.pathname);
  console.log(describeVersion(facts).join("\n"));
  return 0;
}

/** The lines of `rucola version`; the first is the name and the version alone. */
export function describeVersion(facts: BuildFacts): string[] {
  const state = facts.modified === null ? "" : facts.modified ? " with changes" : " unchanged";
  return [
    `${PRODUCT_NAME} ${PRODUCT_VERSION}`,
    `commit     ${facts.commit === null ? "unknown" : facts.commit + state}`,
    `deno       ${Deno.version.deno}`,
    `v8         ${Deno.version.v8}`,
    `typescript ${Deno.version.typescript}`,
    `target     ${Deno.build.target}${Deno.build.standalone ? "" : " (from source)"}`,
  ];
}

/** The facts embedded in this executable. A module load, because the file exists only in the executable. */
async function compiledFacts(root: URL): Promise<BuildFacts> {
  const specifier = new URL(BUILD_FACTS_PATH, root).href;
  const module: { default: BuildFacts } = await import(specifier, { with: { type: "json" } });
  return module.default;
}

/**
 * The commit that a checkout is at, from git's own files: `HEAD`, a loose ref, `packed-refs`.
 *
 * @param root Directory of the checkout, ending in `/`.
 * @returns Facts without `modified`, which only git itself can tell; no facts where there is no ordinary checkout.
 */
export function sourceFacts(disk: Disk, root: string): BuildFacts {
  const head = readText(disk, `${root}.git/HEAD`);
  if (head === null) return NO_FACTS;
  if (!head.startsWith("ref: ")) return { ...NO_FACTS, commit: head };
  const ref = head.slice("ref: ".length);
  const commit = readText(disk, `${root}.git/${ref}`) ?? packedCommit(readText(disk, `${root}.git/packed-refs`), ref);
  return { ...NO_FACTS, commit };
}

function packedCommit(packedRefs: string | null, ref: string): string | null {
  const line = packedRefs?.split("\n").find((line) => line.endsWith(` ${ref}`));
  return line?.split(" ")[0] ?? null;
}

function readText(disk: Disk, path: string): string | null {
  const bytes = readWhole(disk, path);
  return bytes === null ? null : new TextDecoder().decode(bytes).trim();
}
