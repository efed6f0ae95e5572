import { assertEquals, assertNotEquals } from "@std/assert";
import { OffsetMessageIds, parseOffsetMessageId, UniqueIds } from "../../../src/protocol/ids.ts";

Deno.test("an offset message id is Java's and can be read back", () => {
  const ids = new OffsetMessageIds(new Uint8Array([127, 0, 0, 1]), 30911);
  assertEquals(ids.of(418), "7F000001000078BF00000000000001A2");
  const id = parseOffsetMessageId("7F000001000078BF00000000000001A2")!;
  assertEquals([[...id.host], id.port, id.physicalOffset], [[127, 0, 0, 1], 30911, 418]);
});

Deno.test("IPv6 brokers have longer ids", () => {
  const host = Uint8Array.from({ length: 16 }, (_, i) => i);
  const text = new OffsetMessageIds(host, 10911).of(2 ** 40);
  assertEquals(text.length, 56);
  assertEquals(parseOffsetMessageId(text)?.physicalOffset, 2 ** 40);
  assertEquals(parseOffsetMessageId(text)?.host, host);
});

Deno.test("unique ids and garbage are no offset message ids", () => {
  for (
    const text of ["", "xyz", "7F000001000078BF00000000000001A", "AC1F9B5E1A2318B4AAC2A1B2C3D40001", "Z".repeat(32)]
  ) {
    assertEquals(parseOffsetMessageId(text), null);
  }
});

Deno.test("unique ids differ, count up, and tell the time in the month", () => {
  let now = new Date(2026, 10, 21, 5, 9, 43, 87).getTime();
  const ids = new UniqueIds({ now: () => now }, new Uint8Array([253, 0, 0, 2]), 0x251, 0xc630946e | 0);
  const [first, second] = [ids.next(), ids.next()];
  assertNotEquals(first, second);
  assertEquals(first.slice(0, 20), "FD0000020251C630946E");
  assertEquals(parseInt(first.slice(20, 28), 16), now - new Date(2026, 10, 1).getTime());
  assertEquals([first.slice(28), second.slice(28)], ["0000", "0001"]);
  now = new Date(2026, 11, 1).getTime();
  assertEquals(ids.next().slice(20, 28), "00000000");
});
