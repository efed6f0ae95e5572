/** Addresses as text. @module */
import { assertEquals, assertThrows } from "@std/assert";
import { formatAddress, parseAddress } from "../../../src/common/net.ts";

Deno.test("addresses are read from every form that configurations use", () => {
  const cases = [
    ["127.0.0.1:9876", "127.0.0.1", 9876],
    [" broker-a.example.com:10911 ", "broker-a.example.com", 10911],
    ["[::1]:80", "::1", 80],
    ["fe80::1:9876", "fe80::1", 9876],
    ["host:0", "host", 0],
    ["host:65535", "host", 65535],
  ] as const;
  for (const [text, host, port] of cases) assertEquals(parseAddress(text), { host, port }, text);
});

Deno.test("a missing port is the default one, when there is one", () => {
  assertEquals(parseAddress("host", 9876), { host: "host", port: 9876 });
  assertEquals(parseAddress("[::1]", 9876), { host: "::1", port: 9876 });
  assertEquals(parseAddress("host:1", 9876), { host: "host", port: 1 });
});

Deno.test("what is no address is refused by name", () => {
  for (const text of ["", "host", ":9876", "host:", "host:65536", "host:x", "host:-1", "host:123456"]) {
    assertThrows(() => parseAddress(text), TypeError, `"${text}" is not an address`);
  }
});

Deno.test("formatting brackets IPv6 hosts and reads back the same", () => {
  for (const text of ["10.0.0.1:9876", "[::1]:80", "host:1"]) assertEquals(formatAddress(parseAddress(text)), text);
});
