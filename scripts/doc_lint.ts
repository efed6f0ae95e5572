/**
 * `deno task doc-lint`: `deno doc --lint` over the product, without what would only ask for repetition. Every exported
 * symbol and every method needs a docstring, every type that one can see must be exported; but
 *
 * - members of a class that implements an interface or extends a class have their docstrings there,
 * - constructors are described by their class,
 * - fields may leave it at a name with its unit and a type,
 * - constants may take their type from their value: a table says everything once.
 *
 * @module
 */

/** One complaint of `deno doc --lint`. */
export interface Finding {
  /** Rule, for instance `missing-jsdoc`. */
  readonly rule: string;
  readonly message: string;
  /** Absolute path. */
  readonly path: string;
  /** 1-based. */
  readonly line: number;
}

const FINDING = /^error\[([\w-]+)\]: (.*)\n\s*--> (.*):(\d+):\d+$/gm;

/** The complaints in what `deno doc --lint` printed to stderr without colours. */
export function parseFindings(printed: string): Finding[] {
  return [...printed.matchAll(FINDING)].map(([, rule, message, path, line]) => ({
    rule: rule!,
    message: message!,
    path: path!,
    line: Number(line),
  }));
}

const CLASS = /^export (?:default )?(?:abstract )?class\b/;
const METHOD = /^\s+(?:static |abstract |override |async |get |set |\*)*\[?[\w$.]+\]?\??(?:<.*>)?\(/;

/**
 * Whether a complaint counts.
 *
 * @param lines The lines of the file that it is about.
 */
export function counts(finding: Finding, lines: readonly string[]): boolean {
  if (finding.rule === "missing-explicit-type") return false;
  if (finding.rule !== "missing-jsdoc") return true;
  const line = lines[finding.line - 1] ?? "";
  if (/^\S/.test(line)) return true;
  if (/^\s+(?:private |protected )?constructor\(/.test(line) || !METHOD.test(line)) return false;
  let start = finding.line - 1;
  while (start >= 0 && !/^export\b/.test(lines[start]!)) start--;
  if (start < 0 || !CLASS.test(lines[start]!)) return true;
  const header = lines.slice(start, start + 6).join(" ").split("{")[0]!;
  return !/\b(?:implements|extends)\b/.test(header);
}

/** Paths of the modules below a folder, declarations of foreign types left out. */
async function modules(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) found.push(...await modules(path));
    else if (/(?<!\.d)\.ts$/.test(entry.name)) found.push(path);
  }
  return found.sort();
}

async function main(): Promise<number> {
  const root = new URL("..", import.meta.url).pathname.replace(/\/$/, "");
  const args = ["doc", "--lint", `${root}/main.ts`, ...await modules(`${root}/src`)];
  const command = new Deno.Command(Deno.execPath(), { args, env: { NO_COLOR: "1" }, cwd: root, stdout: "null" });
  const { success, stderr } = await command.output();
  const printed = new TextDecoder().decode(stderr);
  const found = parseFindings(printed);
  if (!success && found.length === 0) {
    console.error(printed);
    return 1;
  }
  const files = new Map<string, string[]>();
  for (const { path } of found) {
    if (!files.has(path)) files.set(path, (await Deno.readTextFile(path)).split("\n"));
  }
  const counted = found.filter((finding) => counts(finding, files.get(finding.path)!));
  for (const { rule, message, path, line } of counted) {
    console.error(`${path.slice(root.length + 1)}:${line}: ${message} (${rule})`);
    console.error(`    ${files.get(path)![line - 1]!.trim()}`);
  }
  console.log(`doc-lint: ${args.length - 2} files, ${counted.length} problems`);
  return counted.length === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
