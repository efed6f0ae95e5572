/**
 * Java's properties grammar, and rewriting in place.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import {
  decodeProperties,
  encodeProperties,
  formatProperty,
  parseProperties,
  updateProperties,
} from "../../../src/common/properties.ts";
import { SeededRandom } from "../../../src/common/random.ts";

function pairs(text: string): [string, string][] {
  return parseProperties(text).entries.map((entry) => [entry.key, entry.rawValue]);
}

Deno.test("an equals sign, a colon or a blank separates key and value", () => {
  assertEquals(pairs("a=1\nb:2\nc 3\nd = 4\ne\t:\t5\nf   =  6\ng\n=h\ni==j\nk  l = m"), [
    ["a", "1"],
    ["b", "2"],
    ["c", "3"],
    ["d", "4"],
    ["e", "5"],
    ["f", "6"],
    ["g", ""],
    ["", "h"],
    ["i", "=j"],
    ["k", "l = m"],
  ]);
});

Deno.test("lines end with LF, CR or CRLF, and comments and blank lines do not count", () => {
  const text = "\uFEFF# first\r\n\r\n  ! second\ra=1\r\n \t\f\nb=2\n#c=3\\\nd=4";
  assertEquals(parseProperties(text).entries.map(({ key, value, line }) => [key, value, line]), [
    ["a", "1", 4],
    ["b", "2", 6],
    ["d", "4", 8],
  ]);
});

Deno.test("an odd number of backslashes at the end joins the next line without its leading blanks", () => {
  const text = "a=1\\\n   2\\\\\nb=3\\\n#4\nc=5\\\n\nd=6\\";
  assertEquals(
    parseProperties(text).entries.map(({ key, rawValue, line, lineCount }) => [key, rawValue, line, lineCount]),
    [
      ["a", "12\\", 1, 2],
      ["b", "3#4", 3, 2],
      ["c", "5", 5, 2],
      ["d", "6", 7, 1],
    ],
  );
});

Deno.test("escapes are resolved in keys and values", () => {
  assertEquals(pairs("a\\ b\\=c\\:d = \\t\\n\\r\\f\\\\\\=\\:\\#\\!\\x\\u4e2D"), [["a b=c:d", "\t\n\r\f\\=:#!x\u4e2d"]]);
  assertEquals(pairs("dir=C:\\store\\x"), [["dir", "C:storex"]]);
});

Deno.test("a malformed unicode escape is a problem with its line", () => {
  const { problems } = parseProperties("a=1\nhome=C:\\users\\me");
  assertEquals(problems.length, 1);
  assertEquals(problems[0]!.line, 2);
  assert(problems[0]!.message.includes("\\user"), problems[0]!.message);
});

Deno.test("a hash behind a blank begins a comment, which Java takes for a part of the value", () => {
  const [a, b, c, d, e] = parseProperties("a=SLAVE   #slave\nb=x#y\nc= # nothing\nd=x \\# y\nf=#z  ").entries;
  assertEquals([a!.value, a!.comment, a!.rawValue], ["SLAVE", "#slave", "SLAVE   #slave"]);
  assertEquals([b!.value, b!.comment], ["x#y", null]);
  assertEquals([c!.value, c!.comment], ["", "# nothing"]);
  assertEquals([d!.value, d!.comment], ["x # y", null]);
  assertEquals([e!.value, e!.rawValue, e!.comment], ["#z", "#z  ", null]);
});

Deno.test("bytes that are no UTF-8 are read as Latin-1, and both are written back unchanged", () => {
  const utf8 = new TextEncoder().encode("\uFEFF# 注释\nbrokerName=中文\n");
  assertEquals(decodeProperties(utf8), { text: "# 注释\nbrokerName=中文\n", charset: "utf-8" });
  const latin1 = Uint8Array.of(0x61, 0x3d, 0xe9, 0x0a);
  const decoded = decodeProperties(latin1);
  assertEquals(decoded, { text: "a=é\n", charset: "latin1" });
  assertEquals(encodeProperties(decoded), latin1);
  assertEquals(encodeProperties({ text: "a=中", charset: "latin1" }), new TextEncoder().encode("a=\\u4e2d"));
});

Deno.test("updating keeps comments, order and all other entries", () => {
  const text = "# head\r\n\r\na = 1\r\n! note\r\nb=2 # two\r\na=3\r\nlong=1\\\r\n  2\r\n";
  const updated = updateProperties(text, new Map([["a", "10"], ["b", "20"], ["long", "30"], ["new key", "x y"]]));
  assertEquals(
    updated,
    "# head\r\n\r\na = 1\r\n! note\r\n# two\r\nb=20\r\na=10\r\nlong=30\r\nnew\\ key=x y\r\n",
  );
});

Deno.test("updating to the value that is there changes nothing, and a text without a last newline gets one", () => {
  assertEquals(updateProperties("a = 1 ", new Map([["a", "1"]])), "a = 1 ");
  assertEquals(updateProperties("a=1", new Map([["b", "2"]])), "a=1\nb=2\n");
  assertEquals(updateProperties("", new Map([["b", "2"]])), "b=2\n");
  assertEquals(updateProperties("# only\n", new Map([["b", "2"]])), "# only\nb=2\n");
});

Deno.test("any key and value survive formatting and parsing, in any file", () => {
  const random = new SeededRandom(20250101);
  const alphabet = [..." \t\n\r\f\\=:#!abcXYZ09;/~\"'中é\u0000\u001f😀"].flatMap((character) => character.split(""));
  const randomText = (maxLength: number) =>
    Array.from({ length: random.int(maxLength + 1) }, () => alphabet[random.int(alphabet.length)]).join("");
  for (let round = 0; round < 3000; round++) {
    const key = randomText(6);
    const value = randomText(12);
    const line = formatProperty(key, value);
    assert(/^[\x20-\x7e]*$/.test(line), `not ASCII: ${JSON.stringify(line)}`);
    const [entry] = parseProperties(`${line}\nlast=1`).entries;
    assertEquals(
      [entry!.key, entry!.value, entry!.rawValue, entry!.comment],
      [key, value, value, null],
      JSON.stringify(line),
    );
  }
});

Deno.test("random updates agree with a map, and every line that was not changed stays", () => {
  const random = new SeededRandom(7);
  const values = ["1", "x # y", " lead", "trail ", "a\\b", "", "中文", "new\nline"];
  let text = "# a comment that stays\n\nk0 = zero   # why\nk1:one\\\n  more\n";
  const model = new Map(parseProperties(text).entries.map((entry) => [entry.key, entry.value]));
  for (let round = 0; round < 300; round++) {
    const changes = new Map<string, string>();
    for (let count = random.int(3); count >= 0; count--) {
      changes.set(`k${random.int(12)}`, values[random.int(values.length)]!);
    }
    text = updateProperties(text, changes);
    for (const [key, value] of changes) model.set(key, value);
    assertEquals(new Map(parseProperties(text).entries.map((entry) => [entry.key, entry.value])), model);
    assert(text.startsWith("# a comment that stays\n\n"));
  }
});
