import { assertEquals, assertThrows } from "@std/assert";
import { concatBytes } from "../../../src/common/bytes.ts";
import { SeededRandom } from "../../../src/common/random.ts";
import {
  encodeReport,
  FRAME_HEAD_SIZE,
  FrameReader,
  HaProtocolError,
  putFrameHead,
  ReportReader,
} from "../../../src/store/ha_protocol.ts";

Deno.test("a report is the offset in eight bytes", () => {
  assertEquals(encodeReport(0x0001_0203_0405_0607), new Uint8Array([0, 1, 2, 3, 4, 5, 6, 7]));
});

Deno.test("of several reports the last whole one counts, wherever reads end", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = new SeededRandom(seed);
    const offsets = Array.from({ length: 20 }, () => random.int(1 << 30) * 1000);
    const bytes = concatBytes(offsets.map(encodeReport));
    const reader = new ReportReader();
    for (let at = 0; at < bytes.length;) {
      const end = Math.min(bytes.length, at + 1 + random.int(30));
      const whole = Math.floor(end / 8);
      const expected = whole > Math.floor(at / 8) ? offsets[whole - 1]! : null;
      assertEquals(reader.take(bytes.subarray(at, end)), expected, `seed ${seed}, bytes ${at} to ${end}`);
      at = end;
    }
  }
});

Deno.test("an offset that no log can have is refused", () => {
  assertThrows(() => new ReportReader().take(new Uint8Array(8).fill(0xff)), HaProtocolError);
});

Deno.test("frames come out as they went in, wherever reads end", () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = new SeededRandom(seed);
    const frames = Array.from({ length: 15 }, (_, i) => {
      const frame = new Uint8Array(FRAME_HEAD_SIZE + (i % 4 === 0 ? 0 : random.int(200))).fill(i);
      putFrameHead(frame, 0, i * 1000, frame.length - FRAME_HEAD_SIZE);
      return frame;
    });
    const bytes = concatBytes(frames);
    const reader = new FrameReader(16);
    const seen: [number, Uint8Array][] = [];
    for (let at = 0; at < bytes.length;) {
      const room = reader.room();
      const size = Math.min(room.length, bytes.length - at, 1 + random.int(60));
      room.set(bytes.subarray(at, at + size));
      reader.filled(size);
      at += size;
      for (let frame = reader.next(); frame !== null; frame = reader.next()) {
        seen.push([frame.physicalOffset, frame.body.slice()]);
      }
    }
    assertEquals(seen, frames.map((frame, i) => [i * 1000, frame.slice(FRAME_HEAD_SIZE)]));
  }
});

Deno.test("a frame with a size that cannot be is refused before it is waited for", () => {
  for (const size of [-1, 4 * 1024 * 1024 + 1, 0x7fffffff]) {
    const reader = new FrameReader();
    putFrameHead(reader.room(), 0, 0, size);
    reader.filled(FRAME_HEAD_SIZE);
    assertThrows(() => reader.next(), HaProtocolError);
  }
});
