import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  checkBrokerHandlers,
  checkCycles,
  checkDocstrings,
  checkLayers,
  checkMachinePaths,
  checkSamples,
  checkTree,
  checkUnused,
  checkWorldCalls,
  describeSizes,
  type Problem,
} from "../../../scripts/tidy.ts";

type Check = (tree: ReadonlyMap<string, string>) => Problem[];

/** What `check` says about `files`, as `path:line message`. */
function findings(check: Check, files: Record<string, string>): string[] {
  return check(new Map(Object.entries(files))).map(({ path, line, message }) => `${path}:${line} ${message}`);
}

Deno.test("An import from a lower layer or the own folder is right", () => {
  const files = {
    "src/store/a.ts": 'import { b } from "./b.ts";\nimport { c } from "../common/c.ts";\n',
    "src/store/b.ts": "",
    "src/common/c.ts": 'import project from "../../deno.json" with { type: "json" };\n',
    "main.ts": 'import { a } from "./src/store/a.ts";\n',
  };
  assertEquals(findings(checkLayers, files), []);
});

Deno.test("An import from a higher layer is wrong, also of types and also when it is loaded later", () => {
  const files = {
    "src/store/a.ts": 'import type { Broker } from "../broker/broker.ts";\nawait import("../broker/broker.ts");\n',
    "src/broker/broker.ts": "",
  };
  const message = "src/store may not import src/broker/broker.ts: dependencies point down only";
  assertEquals(findings(checkLayers, files), [`src/store/a.ts:1 ${message}`, `src/store/a.ts:2 ${message}`]);
});

Deno.test("Folders of one layer do not import each other, and src imports nothing from outside", () => {
  const files = {
    "src/namesrv/a.ts": 'export { b } from "../broker/b.ts";\n',
    "src/broker/b.ts": 'import { help } from "../../tests/support/help.ts";\n',
  };
  assertEquals(findings(checkLayers, files), [
    "src/namesrv/a.ts:1 src/namesrv may not import src/broker/b.ts: dependencies point down only",
    "src/broker/b.ts:1 src/broker may not import tests/support/help.ts: dependencies point down only",
  ]);
});

Deno.test("An import over several lines is seen, one in a comment or a text is not", () => {
  const files = {
    "src/common/a.ts": 'import {\n  b,\n  c,\n} from "../store/b.ts";\n',
    "src/common/b.ts":
      '// import { x } from "../store/x.ts";\nconst text = `import { x } from "../store/x.ts"`;\n/* "../store/x.ts" */\n',
  };
  assertEquals(findings(checkLayers, files), [
    "src/common/a.ts:4 src/common may not import src/store/b.ts: dependencies point down only",
  ]);
});

Deno.test("Only handler tables import handlers", () => {
  const files = {
    "src/broker/handler_table.ts": 'import { send } from "./handlers/send.ts";\n',
    "src/broker/topics.ts": 'import { send } from "./handlers/send.ts";\n',
    "src/broker/handlers/send.ts": 'import { Topics } from "../topics.ts";\n',
    "src/broker/handlers/pull.ts": 'import { send } from "./send.ts";\n',
  };
  assertEquals(findings(checkBrokerHandlers, files), [
    "src/broker/topics.ts:1 imports src/broker/handlers/send.ts: only handler tables join the handlers",
    "src/broker/handlers/pull.ts:1 imports src/broker/handlers/send.ts: handlers never use each other",
  ]);
});

Deno.test("A cycle of modules is reported once, with its way", () => {
  const files = {
    "src/store/a.ts": 'import { b } from "./b.ts";\n',
    "src/store/b.ts": 'import { c } from "./c.ts";\n',
    "src/store/c.ts": 'import { a } from "./a.ts";\n',
    "src/store/d.ts": 'import { a } from "./a.ts";\n',
  };
  assertEquals(findings(checkCycles, files), [
    "src/store/a.ts:0 import cycle src/store/a.ts → src/store/b.ts → src/store/c.ts → src/store/a.ts",
  ]);
});

Deno.test("Imports of types alone make no cycle, because they are gone at run time", () => {
  const files = {
    "src/store/a.ts": 'import { b } from "./b.ts";\n',
    "src/store/b.ts": 'import type { A } from "./a.ts";\nimport { type A2, type A3 } from "./a.ts";\n',
  };
  assertEquals(findings(checkCycles, files), []);
});

Deno.test("A module and what it exports need docstrings; overloads share one", () => {
  const files = {
    "src/common/good.ts": "/**\n * What it holds.\n *\n * @module\n */\n\n/** One. */\nexport const ONE = 1;\n\n" +
      "/** Two. */\n// deno-lint-ignore no-explicit-any -- why\nexport function two(a: string): void;\n" +
      "export function two(a: number): void;\n",
    "src/common/bad.ts": "import { ONE } from './good.ts';\n\nexport async function* three() {}\n",
    "src/types/foreign.d.ts": 'declare module "x" { export const y: number; }\n',
  };
  assertEquals(
    findings(checkDocstrings, files),
    [
      "src/common/bad.ts:1 does not open with an @module docstring",
    ].concat("src/common/bad.ts:3 exported three has no docstring"),
  );
});

Deno.test("A docstring that is not the module's does not pass for it", () => {
  const files = { "src/common/a.ts": "/** Something. */\nconst a = 1;\n/** Not first. @module */\n" };
  assertEquals(findings(checkDocstrings, files), ["src/common/a.ts:1 does not open with an @module docstring"]);
});

Deno.test("A file is used when a module, a script or a test imports it, statically, later or as a worker's URL", () => {
  const files = {
    "main.ts": 'await import("./src/tools/a.ts");\n',
    "src/tools/a.ts": 'new Worker(new URL("./b.ts", import.meta.url), { type: "module" });\n',
    "src/tools/b.ts": "",
    "src/tools/c.ts": "",
    "src/tools/d.ts": "",
    "tests/unit/tools/c_test.ts": 'import { c } from "../../../src/tools/c.ts";\n',
  };
  assertEquals(findings(checkUnused, files), ["src/tools/d.ts:0 nothing imports this file"]);
});

Deno.test("Clock, files, sockets and randomness are refused outside the four interfaces", () => {
  const source = [
    'import { readFileSync } from "node:fs";',
    "const now = Date.now();",
    "const began = performance.now(), day = new Date();",
    "setTimeout(() => {}, 1);",
    "const chance = Math.random();",
    'Deno.openSync("a");',
    "await Deno.connect({ port: 1 });",
    "const path = `${Deno.readTextFileSync('x')}`;",
  ].join("\n");
  const lines = findings(checkWorldCalls, { "src/store/a.ts": source, "src/common/disk_deno.ts": source });
  assertEquals(lines.length, 9);
  for (const line of lines) assertStringIncludes(line, "src/store/a.ts:");
  assertEquals(new Set(lines.map((line) => line.split(" ")[0])).size, 8);
});

Deno.test("Names in comments and texts, members of other objects and dates made from a number are no clock calls", () => {
  const source = [
    "// Date.now() is forbidden",
    'const text = "Math.random() and setTimeout(f)";',
    "const pattern = /Deno.openSync(.*)/;",
    "clock.setTimeout(1);",
    "const date = new Date(clock.now());",
    'import type { Server } from "node:net";',
  ].join("\n");
  assertEquals(findings(checkWorldCalls, { "src/store/a.ts": source }), []);
});

Deno.test("Directories of a machine are found in every text, the documentation's are not", () => {
  const files = {
    "README.md": "Unpack it to /opt/rucola.\nI use /home/alice/rucola.\n",
    "conf/broker.properties": "storePathRootDir=/home/rocketmq/store\n",
    ".ci/run": "cd /root/checkout/\nsee https://example.org/work/here/\n",
  };
  assertEquals(findings(checkMachinePaths, files), [
    "README.md:2 names the machine's directory /home/alice/",
    ".ci/run:1 names the machine's directory /root/",
  ]);
});

Deno.test("A sample sets only options that its server knows, also where they are commented out", () => {
  const files = {
    "conf/broker.properties": "# The name=of it all, in prose.\nbrokerName=a\n#flushDiskTyp=SYNC\n",
    "conf/2m-2s-sync/broker-a-s.properties": "listenPort = 1\n# kvConfigPath=/a\n",
    "conf/namesrv.properties": "kvConfigPath=/a\nlistenPort=9876\nbrokerName=a\n",
    "src/broker/options.ts": 'export const A = {\n  brokerName: text("a", "Name"),\n};\n',
    "src/store/options.ts": "export const A = {\n  flushDiskType: choice(\n    []),\n};\n",
    "src/remoting/options.ts": 'export const A = {\n  listenPort: int(0, "", "Port"),\n};\n',
    "src/namesrv/options.ts": 'export const A = {\n  kvConfigPath: optionalText("Where"),\n};\n',
  };
  assertEquals(findings(checkSamples, files), [
    "conf/broker.properties:3 flushDiskTyp is no option of the broker",
    "conf/2m-2s-sync/broker-a-s.properties:2 kvConfigPath is no option of the broker",
    "conf/namesrv.properties:3 brokerName is no option of the namesrv",
  ]);
});

Deno.test("Problems come in the order of paths and lines", () => {
  const files = new Map([
    ["src/store/b.ts", "/** B. @module */\nDate.now();\n"],
    ["src/common/a.ts", "export const a = 1;\n"],
    ["tests/unit/x_test.ts", 'import "../../src/store/b.ts";\nimport "../../src/common/a.ts";\n'],
  ]);
  assertEquals(checkTree(files).map(({ path, line }) => `${path}:${line}`), [
    "src/common/a.ts:1",
    "src/common/a.ts:1",
    "src/store/b.ts:2",
  ]);
});

Deno.test("Long files are listed and not counted as problems", () => {
  const tree = new Map([["src/store/long.ts", "/** Long. @module */\n" + "//\n".repeat(500)]]);
  assertEquals(describeSizes(tree), [
    "1 files in src: median 501 lines, 95th percentile 501, longest 501",
    "  src/store/long.ts: 501 lines",
  ]);
});
