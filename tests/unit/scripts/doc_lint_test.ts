import { assertEquals } from "@std/assert";
import { counts, parseFindings } from "../../../scripts/doc_lint.ts";

const MISSING = { rule: "missing-jsdoc", message: "exported symbol is missing JSDoc documentation", path: "/a.ts" };

/** Which 1-based lines of `source` count when each of them is complained about. */
function countedLines(source: string): number[] {
  const lines = source.split("\n");
  return lines.map((_, i) => i + 1).filter((line) => counts({ ...MISSING, line }, lines));
}

Deno.test("Complaints are read with rule, message, path and line", () => {
  const printed =
    "error[missing-jsdoc]: exported symbol is missing JSDoc documentation\n  --> /a.ts:3:1\n  | \n3 | x\n\n" +
    "error[private-type-ref]: public type 'f' references private type 'T'\n   --> /b.ts:12:5\n";
  assertEquals(parseFindings(printed), [
    { ...MISSING, line: 3 },
    { rule: "private-type-ref", message: "public type 'f' references private type 'T'", path: "/b.ts", line: 12 },
  ]);
});

Deno.test("Exported symbols and methods count, fields and constructors do not", () => {
  assertEquals(
    countedLines(
      "export class A {\n  readonly sizeBytes: number;\n  constructor(a: number) {\n  close(): void {\n  get x(): number {\n  [Symbol.dispose](): void {",
    ),
    [1, 4, 5, 6],
  );
  assertEquals(countedLines("export interface B {\n  call: () => void;\n  read(into: Uint8Array): number;"), [1, 3]);
});

Deno.test("Methods of a class that implements an interface have their docstring there", () => {
  assertEquals(countedLines("export class A implements B {\n  close(): void {\n  async read(): Promise<void> {"), [1]);
  assertEquals(countedLines("export class A\n  implements B, C {\n  close(): void {").includes(3), false);
});

Deno.test("Types of constants may be inferred", () => {
  assertEquals(counts({ ...MISSING, rule: "missing-explicit-type", line: 1 }, ["export const T = header({});"]), false);
});

Deno.test("Other rules always count", () => {
  assertEquals(counts({ ...MISSING, rule: "private-type-ref", line: 1 }, ["  field: T;"]), true);
});
