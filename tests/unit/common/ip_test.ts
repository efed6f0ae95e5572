import { assert, assertEquals, assertThrows } from "@std/assert";
import { ipBytes, isInNetwork, parseNetwork } from "../../../src/common/ip.ts";

function holds(network: string, address: string): boolean {
  return isInNetwork(parseNetwork(network), ipBytes(address)!);
}

Deno.test("an address belongs to a network when the bits of the prefix are the same", () => {
  assert(holds("10.1.0.0/16", "10.1.255.255"));
  assert(!holds("10.1.0.0/16", "10.2.0.0"));
  assert(holds("192.168.4.0/22", "192.168.7.255"));
  assert(!holds("192.168.4.0/22", "192.168.8.0"));
  assert(holds("0.0.0.0/0", "203.0.113.9"));
  assert(holds("127.0.0.1", "127.0.0.1") && !holds("127.0.0.1", "127.0.0.2"));
  assert(holds("fd00::/8", "fdff::1") && !holds("fd00::/8", "fe80::1"));
});

Deno.test("addresses of the other kind belong to no network, but one mapped into IPv6 is of IPv4", () => {
  assert(!holds("0.0.0.0/0", "::1"));
  assert(!holds("::/0", "10.0.0.1"));
  assert(holds("10.0.0.0/8", "::ffff:10.1.2.3"));
});

Deno.test("what is no network is refused with an example of one", () => {
  for (
    const text of ["", "10.0.0.0/33", "10.0.0/8", "host/8", "10.0.0.0/8/8", "10.0.0.0/", "fd00::/129", "10.0.0.0/-1"]
  ) {
    const { message } = assertThrows(() => parseNetwork(text), TypeError);
    assertEquals(message, `"${text}" is no network: expected something like 10.1.0.0/16 or fd00::/8`);
  }
});
