import { assertEquals } from "@std/assert";
import { hostOf } from "../../../src/broker/peer.ts";

Deno.test("a peer's address is what records carry: 4 bytes, 16 bytes, and zeros for a name", () => {
  assertEquals(hostOf({ host: "192.0.2.7", port: 80 }), { hostBytes: Uint8Array.of(192, 0, 2, 7), port: 80 });
  assertEquals(hostOf({ host: "::ffff:192.0.2.7", port: 80 }).hostBytes, Uint8Array.of(192, 0, 2, 7));
  const v6 = hostOf({ host: "2001:db8::ff", port: 1 }).hostBytes;
  assertEquals(v6.toHex(), "20010db80000000000000000000000ff");
  assertEquals(hostOf({ host: "fe80::1%eth0", port: 1 }).hostBytes.toHex(), "fe800000000000000000000000000001");
  assertEquals(hostOf({ host: "somebody", port: 1 }).hostBytes, new Uint8Array(4));
});
