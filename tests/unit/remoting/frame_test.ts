/** The frame reader as a state machine, beside a plain model. @module */
import { assert, assertEquals, assertGreaterOrEqual, assertLess, assertThrows } from "@std/assert";
import { concatBytes, putI32, utf8 } from "../../../src/common/bytes.ts";
import { SeededRandom } from "../../../src/common/random.ts";
import { command, SERIALIZE_JSON, SERIALIZE_ROCKETMQ } from "../../../src/remoting/command.ts";
import {
  decodeFrame,
  decodeFrameBytes,
  encodeFrame,
  FrameError,
  FrameReader,
  peekCode,
} from "../../../src/remoting/frame.ts";
import { feed, readerOn } from "./golden_frames.ts";

/** A frame whose body is `size` bytes of `fill`. */
function frameOf(opaque: number, size: number, fill = opaque & 0xff): Uint8Array {
  return encodeFrame(command({ code: 310, opaque }), new Uint8Array(size).fill(fill), SERIALIZE_JSON);
}

function lengthWord(length: number): Uint8Array {
  const bytes = new Uint8Array(4);
  putI32(bytes, 0, length);
  return bytes;
}

function jsonFrame(header: string): Uint8Array {
  const bytes = utf8(header);
  const head = new Uint8Array(8);
  putI32(head, 0, 4 + bytes.length);
  putI32(head, 4, bytes.length);
  return concatBytes([head, bytes]);
}

Deno.test("a frame split at any byte arrives whole, and not before its last byte", () => {
  const bytes = frameOf(7, 20);
  for (let split = 0; split < bytes.length; split++) {
    const reader = new FrameReader();
    feed(reader, bytes.subarray(0, split));
    assertEquals(reader.next(), false);
    feed(reader, bytes.subarray(split));
    assertEquals(reader.next(), true);
    assertEquals(decodeFrame(reader), decodeFrameBytes(bytes));
    assertEquals([reader.next(), reader.pendingBytes], [false, 0]);
  }
});

Deno.test("several frames in one read are yielded one after the other", () => {
  const reader = new FrameReader();
  feed(reader, concatBytes([frameOf(1, 0), frameOf(2, 5), frameOf(3, 9), frameOf(4, 1).subarray(0, 30)]));

  const opaques = [];
  while (reader.next()) opaques.push(decodeFrame(reader).opaque);

  assertEquals(opaques, [1, 2, 3]);
  assertEquals(reader.pendingBytes, 30);
});

Deno.test("a decoded body is the command's own, whatever arrives later", () => {
  const reader = readerOn(frameOf(1, 4, 9));
  const { body } = decodeFrame(reader);
  feed(reader, new Uint8Array(2000).fill(1));
  assertEquals(body, new Uint8Array(4).fill(9));
});

Deno.test("random frames in random pieces come out as they went in, with busy and idle times between (property)", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = new SeededRandom(seed);
    const sizes = Array.from({ length: 40 }, () => random.int(10) === 0 ? random.int(400_000) : random.int(3000));
    const stream = concatBytes(sizes.map((size, i) => frameOf(i, size)));
    const reader = new FrameReader();
    const got: [number, number, boolean][] = [];
    for (let at = 0; at < stream.length;) {
      const space = reader.space();
      assertGreaterOrEqual(space.length, 1);
      // A read that began before the connection was found idle completes after it.
      if (random.int(8) === 0) reader.shrink();
      const count = Math.min(space.length, stream.length - at, 1 + random.int(random.int(4) === 0 ? 100_000 : 1500));
      space.set(stream.subarray(at, at + count));
      reader.received(count);
      at += count;
      while (reader.next()) {
        const { opaque, body } = decodeFrame(reader);
        got.push([opaque, body.length, body.every((byte) => byte === (opaque & 0xff))]);
      }
    }
    assertEquals(got, sizes.map((size, i) => [i, size, true]), `seed ${seed}`);
    assertEquals(reader.pendingBytes, 0, `seed ${seed}`);
  }
});

Deno.test("the buffer follows what has arrived, not what a peer announces", () => {
  const reader = new FrameReader();
  feed(reader, lengthWord(16_000_000));
  assertEquals(reader.next(), false);
  feed(reader, concatBytes([lengthWord(2), new Uint8Array(100_000)]));
  assertEquals(reader.next(), false);
  reader.space();
  assertLess(reader.bytes.length, 300_000);
});

Deno.test("a busy reader's buffer grows, and shrinks with the first read after it was idle", () => {
  const small = new FrameReader().bytes.length;
  const busy = new FrameReader();
  feed(busy, frameOf(1, 100_000));
  assert(busy.next());
  assertGreaterOrEqual(busy.bytes.length, 100_000);

  const pendingRead = busy.space();
  busy.shrink();
  const frame = frameOf(2, 10);
  pendingRead.set(frame);
  busy.received(frame.length);
  assert(busy.next());
  assertEquals(decodeFrame(busy).opaque, 2);

  busy.space();
  assertEquals(busy.bytes.length, small);
});

Deno.test("a buffer that reads fill grows to 256 KiB and no further, wherever frames lie and whatever size it began with", () => {
  for (const first of [0, 3000, 4000, 6000, 20_000, 40_000, 100_000]) {
    const reader = new FrameReader();
    // Grown for a frame that came in two pieces, it has any size.
    const frame = frameOf(1, first);
    for (const piece of [frame.subarray(0, 50), frame.subarray(50)]) feed(reader, piece);
    assert(reader.next());
    const frames = concatBytes(new Array(400).fill(frameOf(1, 3000)));
    let [at, reads, yielded] = [0, 0, 0];
    while (at < frames.length) {
      const space = reader.space();
      const part = frames.subarray(at, at + space.length);
      space.set(part);
      reader.received(part.length);
      at += part.length;
      reads++;
      while (reader.next()) yielded++;
    }
    assertEquals([yielded, reader.bytes.length], [400, 262144], `after a frame of ${first} bytes`);
    assert(reads <= 4 + frames.length / 200000, `${reads} reads for ${frames.length} bytes`);
  }
});

Deno.test("lengths that no frame can have are refused as soon as they are known", () => {
  const refused = (bytes: Uint8Array, what: string) => {
    const reader = new FrameReader();
    feed(reader, bytes);
    assertThrows(() => reader.next(), FrameError, what);
  };
  for (const length of [-1, 0, 1, 3, 16777213, 0x7fffffff]) {
    refused(lengthWord(length), `frame length ${length} is not between 4 and 16777212`);
  }
  const reader = new FrameReader();
  feed(reader, lengthWord(16777212)); // Java's largest
  assertEquals(reader.next(), false);
  refused(concatBytes([lengthWord(10), lengthWord(7)]), "header of 7 bytes in a frame of 10");
  refused(concatBytes([lengthWord(10), lengthWord(0x02000001)]), "unknown serialize type 2");
  refused(Uint8Array.of(0x16, 3, 1, 2), "a TLS handshake");
  refused(utf8("GET / HTTP/1.1\r\n"), "an HTTP request");
});

Deno.test("the limit counts the whole frame", () => {
  const bytes = frameOf(1, 100);
  const exact = new FrameReader(bytes.length);
  feed(exact, bytes);
  assert(exact.next());
  const smaller = new FrameReader(bytes.length - 1);
  feed(smaller, bytes);
  assertThrows(() => smaller.next(), FrameError);
});

Deno.test("decoding bytes wants exactly one frame", () => {
  const bytes = frameOf(1, 3);
  assertThrows(() => decodeFrameBytes(bytes.subarray(0, 9)), FrameError, "not exactly one frame");
  assertThrows(() => decodeFrameBytes(concatBytes([bytes, bytes])), FrameError, "not exactly one frame");
});

Deno.test("the code is peeked only where it certainly is the code", () => {
  const peek = (header: string) => peekCode(readerOn(jsonFrame(header)));
  assertEquals(peek('{"code":310,"flag":0}'), 310);
  assertEquals(peek('{"code":310}'), 310);
  assertEquals(peek('{"code":200050,"x":1}'), 200050);
  for (
    const header of [
      '{"cage":310}',
      '{"code":-5}',
      '{"code":}',
      '{"code":310.5}',
      '{"code": 310}',
      '{"code":310',
      "{",
      "",
    ]
  ) {
    assertEquals(peek(header), -1, header);
  }
  assertEquals(peek('{"code":99999999999}'), -1);
  const binary = (code: number) =>
    peekCode(readerOn(encodeFrame(command({ code }), new Uint8Array(0), SERIALIZE_ROCKETMQ)));
  assertEquals([binary(310), binary(-7)], [310, -1]);
});

Deno.test("a code beyond 16 bits is sent as JSON although binary was asked for", () => {
  const decoded = decodeFrameBytes(encodeFrame(command({ code: 200050 }), new Uint8Array(0), SERIALIZE_ROCKETMQ));
  assertEquals([decoded.code, decoded.serialize], [200050, SERIALIZE_JSON]);
});

Deno.test("no read is begun into a large frame's buffer, which serves the next large frame until the reader was idle", () => {
  const frame = frameOf(1, 1_000_000);
  const reader = new FrameReader();
  const waiting: number[] = [];
  const buffers = new Set<Uint8Array>();
  for (const isIdleAfter of [false, true, false]) {
    feed(reader, frame);
    buffers.add(reader.bytes);
    assert(reader.next());
    reader.space();
    waiting.push(reader.bytes.length);
    if (isIdleAfter) reader.shrink();
  }

  const small = new FrameReader().bytes.length;
  assertEquals(waiting, [small, small, small]);
  assertEquals(buffers.size, 2);
});
