/** What load balancers put before the first frame. @module */
import { assertEquals, assertThrows } from "@std/assert";
import { concatBytes, utf8 } from "../../../src/common/bytes.ts";
import { FrameError } from "../../../src/remoting/frame.ts";
import { readProxyHeader } from "../../../src/remoting/proxy_header.ts";
import { simWorld } from "../../support/world.ts";
import { RawPeer, requestFrame, startServer } from "./rig.ts";

const HELLO = 4711;
const SIGNATURE = "0d0a0d0a000d0a515549540a";

function hex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g)!, (pair) => parseInt(pair, 16));
}

/** Headers as HAProxy 2.9 writes them, and where they say that the client is. */
const HEADERS: readonly (readonly [Uint8Array, string | undefined])[] = [
  [utf8("PROXY TCP4 10.1.1.1 10.1.1.2 1234 9876\r\n"), "10.1.1.1:1234"],
  [utf8("PROXY TCP6 2001:db8::1 2001:db8::2 65535 9876\r\n"), "2001:db8::1:65535"],
  [utf8("PROXY UNKNOWN\r\n"), undefined],
  [hex(`${SIGNATURE}2111000c0a0101010a01010204d22694`), "10.1.1.1:1234"],
  [hex(`${SIGNATURE}21110010 0a0101010a01010204d22694 04000100`.replaceAll(" ", "")), "10.1.1.1:1234"],
  [
    hex(`${SIGNATURE}21210024${"20010db8000000000000000000000001".repeat(2)}04d22694`),
    "2001:db8:0:0:0:0:0:1:1234",
  ],
  [hex(`${SIGNATURE}20000000`), undefined],
];

Deno.test("a header is read with its size and its source, and waited for while it is not whole", () => {
  for (const [header, source] of HEADERS) {
    for (let size = 1; size < header.length; size++) {
      assertEquals(readProxyHeader(header.subarray(0, size)), "incomplete");
    }
    const read = readProxyHeader(concatBytes([header, requestFrame(HELLO, 1)]));
    if (typeof read === "string") throw new Error(read);
    const { host, port } = read.source ?? {};
    assertEquals([read.size, host === undefined ? undefined : `${host}:${port}`], [header.length, source]);
  }
});

Deno.test("frames are none, and what only begins like a header is refused", () => {
  assertEquals(readProxyHeader(requestFrame(HELLO, 1)), "none");
  assertEquals(readProxyHeader(Uint8Array.of(0x0d, 0x0b)), "none");
  const texts = [
    "PROXY TCP4 here there 1 2\r\n",
    "PROXY TCP4 1.2.3.4 1.2.3.5 65536 1\r\n",
    "PROXY TCP4 1.2.3.4\r\n",
    `PROXY ${"x".repeat(200)}`,
  ];
  for (const text of texts) {
    assertThrows(() => readProxyHeader(utf8(text)), FrameError);
  }
  const { message } = assertThrows(() => readProxyHeader(utf8("PROXY x\n2026-01-01 INFO all is well\r\n")), FrameError);
  assertEquals(message.includes("\n"), false);
  assertThrows(() => readProxyHeader(hex(`${SIGNATURE}11110000`)), FrameError, "version 1");
  assertThrows(() => readProxyHeader(hex(`${SIGNATURE}2111000400000000`)), FrameError, "no room");
});

Deno.test("a client behind a load balancer is served, and known by its own address", () =>
  simWorld(1).run(async (world) => {
    const seen: string[] = [];
    const { server } = startServer(world, [[HELLO, ({ connection }) => {
      seen.push(connection.remoteText);
      return {};
    }]]);
    const [[header]] = HEADERS as unknown as [[Uint8Array]];
    for (const cut of [header.length, 3, header.length - 1]) {
      const peer = await RawPeer.connect(world);
      await peer.send(header.subarray(0, cut));
      await world.clock.sleep(10);
      await peer.send(concatBytes([header.subarray(cut), requestFrame(HELLO, 1), requestFrame(HELLO, 2)]));
      assertEquals([(await peer.receive())?.opaque, (await peer.receive())?.opaque], [1, 2]);
    }
    assertEquals(new Set(seen), new Set(["10.1.1.1:1234"]));
    await server.close();
  }));
