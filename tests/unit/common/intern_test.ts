/** Interned names: the same text for the same bytes, whatever collides. @module */
import { assertEquals } from "@std/assert";
import { utf8 } from "../../../src/common/bytes.ts";
import { Interner } from "../../../src/common/intern.ts";

Deno.test("bytes give their text, also where names collide, repeat, are long or not ASCII", () => {
  const names = new Interner(4);
  const texts = Array.from({ length: 50 }, (_, i) => `topic-${i}`).concat("", "主题", "x".repeat(255), "x".repeat(300));
  for (let pass = 0; pass < 3; pass++) {
    for (const text of texts) {
      const bytes = utf8(`<${text}>`);
      assertEquals(names.text(bytes, 1, bytes.length - 1), text);
    }
  }
});

Deno.test("the bytes may change afterwards", () => {
  const names = new Interner();
  const bytes = utf8("abc");
  assertEquals(names.text(bytes, 0, 3), "abc");
  bytes[0] = 0x7a;
  assertEquals([names.text(bytes, 0, 3), names.text(utf8("abc"), 0, 3)], ["zbc", "abc"]);
});
