/**
 * Formatting as Java does it.
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { front, javaDouble, mapText, parseTime, printf, timeText, timeTextMs } from "../../../src/tools/printf.ts";

Deno.test("Texts are padded on the side that the format says, and never cut", () => {
  assertEquals(printf("%-6s|%6s|%-2s|", "ab", "cd", "long"), "ab    |    cd|long|");
});

Deno.test("Numbers take width, zeros and precision", () => {
  assertEquals(printf("%04d %-4d| %14d %9.2f %.1fw", 7, 12, -3, 2.005, 0), "0007 12  |             -3      2.01 0.0w");
});

Deno.test("Numbers are rounded half up as they are written, as in Java", () => {
  assertEquals(printf("%.2f %.2f %.0f %.1f %.2f", 0.125, -1.999, 2.5, 1e-9, 1234567.5), "0.13 -2.00 3 0.0 1234567.50");
});

Deno.test("A missing argument, null and undefined print as null, a per cent sign and a line end as themselves", () => {
  assertEquals(printf("%s %s %s%% %n", null, undefined), "null null null% \n");
});

Deno.test("A text where a number belongs is an error", () => {
  assertThrows(() => printf("%d", "12"), TypeError);
});

Deno.test("Doubles print as in Java", () => {
  const texts = [0, 1, 0.5, 100, 12345678, 1e-4, 1.5e10].map(javaDouble);
  assertEquals(texts, ["0.0", "1.0", "0.5", "100.0", "1.2345678E7", "1.0E-4", "1.5E10"]);
});

Deno.test("Times are printed in local time, and read in both forms", () => {
  const timeMs = new Date(2026, 0, 31, 8, 5, 9, 7).getTime();
  assertEquals(timeText(timeMs), "2026-01-31 08:05:09");
  assertEquals(timeTextMs(timeMs), "2026-01-31 08:05:09,007");
  assertEquals(parseTime("2026-01-31#08:05:09:007"), timeMs);
  assertEquals(parseTime("1795253783596"), 1795253783596);
  assertEquals(parseTime("-1"), -1);
  assertThrows(() => parseTime("yesterday"), TypeError, "yyyy-MM-dd#HH:mm:ss:SSS");
});

Deno.test("Maps and cut names", () => {
  assertEquals(mapText([[0, "127.0.0.1:10911"], [1, "127.0.0.1:10921"]]), "{0=127.0.0.1:10911, 1=127.0.0.1:10921}");
  assertEquals([front("abcdef", 3), front("ab", 3)], ["abc", "ab"]);
});
