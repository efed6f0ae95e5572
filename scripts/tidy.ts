/**
 * `deno task tidy`: the rules of CONTRIBUTING.md that a program can check. Fails on imports against the layers, import
 * cycles, modules and exported symbols without a docstring, files that nothing imports, clocks, files, sockets and
 * randomness reached past the four interfaces, paths of somebody's machine, and samples in `conf` with unknown options.
 * Sizes it only lists: they say where to look, not what to cut.
 *
 * The checks are pure functions over {@linkcode SourceTree}, so that tests can give them small trees.
 *
 * @module
 */
import { join } from "@std/path";
import { type Import, lineAt, listImports, maskSource } from "./source_text.ts";

/** Project files: path relative to the root, with `/`, to text. */
export type SourceTree = ReadonlyMap<string, string>;

/** One broken rule. */
export interface Problem {
  readonly path: string;
  /** 1-based; 0 where the whole file is meant. */
  readonly line: number;
  readonly message: string;
}

/** Folders of `src` from the bottom up. A file imports from its own folder and from lower layers only. */
const LAYERS: readonly (readonly string[])[] = [
  ["common"],
  ["protocol"],
  ["remoting", "store", "election"],
  ["namesrv", "broker", "client"],
  ["examples"],
  ["tools", "console"],
];

/** The implementations of Clock, Disk, Net and Random, which alone may use what the others may not. */
const WORLD_FILE = /^src\/common\/(?:clock|disk|net|random|http)\w*\.ts$/;

/** What only the world files use: pattern in the code, name in the message, interface to use instead. */
const WORLD_CALLS: readonly (readonly [pattern: RegExp, name: string, instead: string])[] = [
  [/\bDate\.now\b|\bnew Date\(\s*\)/g, "the time of day", "Clock"],
  [/\bperformance\.now\b/g, "performance.now", "Clock"],
  [/(?<![.\w])(?:setTimeout|setInterval|setImmediate)\s*\(/g, "a timer", "Clock"],
  [/\bMath\.random\b|\bcrypto\.(?:getRandomValues|randomUUID)\b/g, "unseeded randomness", "Random"],
  [
    /\bDeno\.(?:open|create|read(?:TextFile|File|Dir|Link)|write(?:TextFile|File)|stat|lstat|remove|rename|mkdir|truncate|copyFile|symlink|link|chmod|makeTemp(?:Dir|File))(?:Sync)?\b/g,
    "the file API",
    "Disk",
  ],
  [
    /\bDeno\.(?:connect|connectTls|listen|listenTls|listenDatagram|serve|networkInterfaces|hostname)\b/g,
    "sockets",
    "Net",
  ],
  [/(?<![.\w#])fetch\s*\(|\bDeno\.createHttpClient\b/g, "HTTP", "Http"],
];

/** Modules that only the world files import. */
const WORLD_MODULES = /^node:(?:fs|fs\/promises|net|tls|dgram|http|https|timers|timers\/promises)$/;

/** Exceptions, each with its reason. Keep this list short. */
const WORLD_EXCEPTIONS: Readonly<Record<string, string>> = {
  "src/common/environment.ts": "asks the process once, at start, for its variables, its host and its addresses",
};

/** Directories of somebody's machine, as opposed to those that RocketMQ's documentation uses in examples. */
const MACHINE_PATH = /(?<![\w.:/-])\/(?:root|work|Users\/\w+|home\/(?!nonroot\b|rocketmq\b|user\b)\w+)\//g;

const MODULE_DOCSTRING = /^\/\*\*(?:(?!\*\/)[\s\S])*@module\b/;
const EXPORT =
  /^export (?:declare )?(?:default )?(?:abstract )?(?:async )?(?:class|function\*?|interface|type|enum|const|let) (\w+)/gm;

/** All checks; problems in the order of paths and lines. */
export function checkTree(tree: SourceTree): Problem[] {
  const problems = [
    ...checkLayers(tree),
    ...checkBrokerHandlers(tree),
    ...checkCycles(tree),
    ...checkDocstrings(tree),
    ...checkUnused(tree),
    ...checkWorldCalls(tree),
    ...checkMachinePaths(tree),
    ...checkSamples(tree),
  ];
  return problems.sort((a, b) => a.path < b.path ? -1 : a.path > b.path ? 1 : a.line - b.line);
}

/** Imports inside `src` point to the own folder or to lower layers; `common` and `scripts` know nobody above them. */
export function checkLayers(tree: SourceTree): Problem[] {
  const problems: Problem[] = [];
  for (const [path, from] of productFiles(tree)) {
    for (const { target, line } of projectImports(tree, path)) {
      const to = folderOf(target);
      if (to === from) continue;
      if (to === null || layerOf(from) <= layerOf(to)) {
        problems.push({ path, line, message: `src/${from} may not import ${target}: dependencies point down only` });
      }
    }
  }
  return problems;
}

/** Handlers never use each other and nothing but the handler tables use handlers: they join them with what they need. */
export function checkBrokerHandlers(tree: SourceTree): Problem[] {
  const handlers = "src/broker/handlers/";
  const problems: Problem[] = [];
  for (const [path] of productFiles(tree)) {
    if (/^src\/broker\/(\w+_)?handler_table\.ts$/.test(path)) continue;
    for (const { target, line } of projectImports(tree, path)) {
      if (!target.startsWith(handlers)) continue;
      const reason = path.startsWith(handlers)
        ? "handlers never use each other"
        : "only handler tables join the handlers";
      problems.push({ path, line, message: `imports ${target}: ${reason}` });
    }
  }
  return problems;
}

/** No module of `src` reaches itself by imports that are evaluated when it is loaded. Reports each cycle once. */
export function checkCycles(tree: SourceTree): Problem[] {
  const problems: Problem[] = [];
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (path: string): void => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      const cycle = [...trail.slice(start), path].join(" → ");
      problems.push({ path, line: 0, message: `import cycle ${cycle}` });
    }
    if (start >= 0 || done.has(path)) return;
    trail.push(path);
    for (const { target, isTypeOnly, isDynamic } of projectImports(tree, path)) {
      if (!isTypeOnly && !isDynamic && tree.has(target)) visit(target);
    }
    trail.pop();
    done.add(path);
  };
  for (const [path] of productFiles(tree)) visit(path);
  return problems;
}

/** Each file of `src` opens with an `@module` docstring, and what it exports has one right above it. */
export function checkDocstrings(tree: SourceTree): Problem[] {
  const problems: Problem[] = [];
  for (const [path] of productFiles(tree)) {
    const source = tree.get(path)!;
    if (!MODULE_DOCSTRING.test(source)) {
      problems.push({ path, line: 1, message: "does not open with an @module docstring" });
    }
    const masked = maskSource(source);
    let overloaded = "";
    for (const match of masked.matchAll(EXPORT)) {
      const name = match[1]!;
      const before = source.slice(0, match.index).replace(/(?:\/\/[^\n]*\n)+$/, "").trimEnd();
      if (name !== overloaded && !before.endsWith("*/")) {
        problems.push({ path, line: lineAt(source, match.index), message: `exported ${name} has no docstring` });
      }
      overloaded = name;
    }
  }
  return problems;
}

/** Each file of `src` is imported by something: the product, a script or a test. */
export function checkUnused(tree: SourceTree): Problem[] {
  const used = new Set<string>();
  for (const path of tree.keys()) {
    if (path.endsWith(".ts")) { for (const { target } of projectImports(tree, path)) used.add(target); }
  }
  return productFiles(tree)
    .filter(([path]) => !used.has(path) && !/_worker\.ts$/.test(path))
    .map(([path]) => ({ path, line: 0, message: "nothing imports this file" }));
}

/** Time, files, sockets and randomness are reached through Clock, Disk, Net and Random. */
export function checkWorldCalls(tree: SourceTree): Problem[] {
  const problems: Problem[] = [];
  for (const [path] of productFiles(tree)) {
    if (WORLD_FILE.test(path) || path in WORLD_EXCEPTIONS) continue;
    const source = tree.get(path)!;
    const masked = maskSource(source);
    for (const [pattern, name, instead] of WORLD_CALLS) {
      for (const match of masked.matchAll(pattern)) {
        const line = lineAt(source, match.index);
        problems.push({ path, line, message: `uses ${name} (${match[0].trim()}); take a ${instead} instead` });
      }
    }
    for (const { specifier, line, isTypeOnly } of listImports(source, masked)) {
      if (!isTypeOnly && WORLD_MODULES.test(specifier)) {
        problems.push({ path, line, message: `imports ${specifier}; take a Clock, Disk or Net instead` });
      }
    }
  }
  return problems;
}

/** No text names a directory of the machine it was written on. */
export function checkMachinePaths(tree: SourceTree): Problem[] {
  const problems: Problem[] = [];
  for (const [path, source] of tree) {
    if (path === "scripts/tidy.ts" || path === "tests/unit/scripts/tidy_test.ts") continue;
    for (const match of source.matchAll(MACHINE_PATH)) {
      problems.push({ path, line: lineAt(source, match.index), message: `names the machine's directory ${match[0]}` });
    }
  }
  return problems;
}

/** Each key of a sample in `conf`, also of a commented one, is in an option table of the server that reads the sample. */
export function checkSamples(tree: SourceTree): Problem[] {
  const problems: Problem[] = [];
  for (const [path, text] of tree) {
    if (!/^conf\/.*\.properties$/.test(path)) continue;
    const server = /(?:^|\/)namesrv[^/]*$/.test(path) ? "namesrv" : "broker";
    const known = optionNames(tree, server === "namesrv" ? ["namesrv"] : ["broker", "store"]);
    text.split("\n").forEach((line, i) => {
      const key = SAMPLE_KEY.exec(line)?.[1];
      if (key === undefined || known.has(key)) return;
      problems.push({ path, line: i + 1, message: `${key} is no option of the ${server}` });
    });
  }
  return problems;
}

/** A setting in a sample, or one that is commented out; prose does not begin with a word and an equals sign. */
const SAMPLE_KEY = /^\s*(?:[#!]\s*)?([A-Za-z]\w*)\s?=/;

/** A row of an option table. */
const OPTION_ROW = /^ {2}(\w+): (?:bool|int|long|double|text|optionalText|choice)\(/gm;

/** Names in the option tables of the given folders and of those that all servers share. */
function optionNames(tree: SourceTree, folders: readonly string[]): Set<string> {
  const names = new Set<string>();
  for (const [path, folder] of productFiles(tree)) {
    if (!path.endsWith("options.ts") || ![...folders, "common", "remoting"].includes(folder)) continue;
    for (const match of tree.get(path)!.matchAll(OPTION_ROW)) names.add(match[1]!);
  }
  return names;
}

/** Lines about sizes: the median and the 95th percentile, and the files that ask for a look. */
export function describeSizes(tree: SourceTree): string[] {
  const sizes = productFiles(tree)
    .map(([path]) => ({
      path,
      lines: tree.get(path)!.split("\n").length - 1,
      imports: projectImports(tree, path).length,
    }))
    .sort((a, b) => a.lines - b.lines);
  if (sizes.length === 0) return [];
  const at = (share: number) => sizes[Math.min(sizes.length - 1, Math.floor(sizes.length * share))]!.lines;
  return [
    `${sizes.length} files in src: median ${at(0.5)} lines, 95th percentile ${at(0.95)}, longest ${at(1)}`,
    ...sizes.filter(({ lines }) => lines > 400).map(({ path, lines }) => `  ${path}: ${lines} lines`),
    ...sizes.filter(({ imports }) => imports > 12).map(({ path, imports }) => `  ${path}: ${imports} project imports`),
  ];
}

/** Paths and layer folders of the product's own modules, declarations of foreign types left out. */
function productFiles(tree: SourceTree): [path: string, folder: string][] {
  const files: [string, string][] = [];
  for (const path of tree.keys()) {
    const folder = folderOf(path);
    if (folder !== null && path.endsWith(".ts") && !path.endsWith(".d.ts")) files.push([path, folder]);
  }
  return files;
}

/** `store` for `src/store/commitlog.ts`; null outside `src`. */
function folderOf(path: string): string | null {
  return /^src\/(\w+)\//.exec(path)?.[1] ?? null;
}

/** Height of a folder; unknown ones are above all, so that nothing may import them before they are listed. */
function layerOf(folder: string): number {
  const layer = LAYERS.findIndex((folders) => folders.includes(folder));
  return layer < 0 ? LAYERS.length : layer;
}

/** Imports of project files, their specifiers resolved to paths from the root. */
function projectImports(tree: SourceTree, path: string): (Import & { target: string })[] {
  return listImports(tree.get(path)!)
    .filter(({ specifier }) => specifier.startsWith(".") && specifier.endsWith(".ts"))
    .map((found) => ({ ...found, target: join(path, "..", found.specifier).replaceAll("\\", "/") }));
}

const TEXT_FILE = /(?:\.(?:ts|js|json|md|html|css|sh|java|xml|properties|service)|^LICENSE|\.ci\/run)$/;
const SKIPPED_FOLDER = /^(?:\.git|\.cache|dist|data|coverage|node_modules|tests\/golden)$/;

/** Reads the text files below `root`, a directory path without `/` at its end. */
async function readTree(root: string): Promise<SourceTree> {
  const tree = new Map<string, string>();
  const walk = async (folder: string): Promise<void> => {
    for await (const entry of Deno.readDir(`${root}/${folder}`)) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory && !SKIPPED_FOLDER.test(path)) await walk(path);
      else if (entry.isFile && TEXT_FILE.test(path)) tree.set(path, await Deno.readTextFile(`${root}/${path}`));
    }
  };
  await walk("");
  return new Map([...tree].sort(([a], [b]) => a < b ? -1 : 1));
}

if (import.meta.main) {
  const tree = await readTree(new URL("..", import.meta.url).pathname.replace(/\/$/, ""));
  const problems = checkTree(tree);
  for (const line of describeSizes(tree)) console.log(line);
  for (const { path, line, message } of problems) console.error(`${path}${line === 0 ? "" : `:${line}`}: ${message}`);
  console.log(`tidy: ${tree.size} files, ${problems.length} problems`);
  if (problems.length > 0) Deno.exit(1);
}
