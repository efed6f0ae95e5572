/**
 * Every frame in `tests/golden`, captured between RocketMQ's programs.
 *
 * @module
 */
import { FrameReader } from "../../../src/remoting/frame.ts";

/** One captured frame. */
export interface GoldenFrame {
  /** File and direction. */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly serializeType: number;
  /** The header's members; only the fixed ones of a binary header. `language` is a number in a binary header. */
  readonly header: Readonly<Record<string, unknown>>;
}

interface Side {
  hex: string;
  serializeType: number;
  header: Record<string, unknown>;
}

/** All captured frames, requests and responses. */
export function goldenFrames(): GoldenFrame[] {
  const frames: GoldenFrame[] = [];
  for (const folder of ["frames", "namesrv"]) {
    const url = new URL(`../../golden/${folder}/`, import.meta.url);
    const names = [...Deno.readDirSync(url)].map(({ name }) => name).filter((name) => name.endsWith(".json")).sort();
    for (const name of names) {
      const exchange = JSON.parse(Deno.readTextFileSync(new URL(name, url))) as { request: Side; response?: Side };
      for (const direction of ["request", "response"] as const) {
        const side = exchange[direction];
        if (side === undefined) continue;
        const { hex, serializeType, header } = side;
        frames.push({ name: `${name} ${direction}`, bytes: Uint8Array.fromHex(hex), serializeType, header });
      }
    }
  }
  return frames;
}

/** A reader standing on the one frame in `bytes`, which may be malformed behind its lengths. @throws {FrameError} */
export function readerOn(bytes: Uint8Array): FrameReader {
  const reader = new FrameReader();
  feed(reader, bytes);
  if (!reader.next()) throw new Error("no whole frame");
  return reader;
}

/** Lets `bytes` arrive. */
export function feed(reader: FrameReader, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    const space = reader.space();
    const part = bytes.subarray(at, at + space.length);
    space.set(part);
    reader.received(part.length);
    at += part.length;
  }
}
