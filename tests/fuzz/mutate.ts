/**
 * Random and mutated bytes from a seed, and smaller versions of bytes that made something fail.
 *
 * @module
 */
import { utf8 } from "../../src/common/bytes.ts";
import type { Random } from "../../src/common/random.ts";

/** Bytes that mean something in one of the formats. */
const INTERESTING = utf8('{}[]",:\\/u0123456789-+.eE truefalsn\u0001\u0002\u0000');
/** Numbers at which sizes and counts go wrong. */
const BOUNDARIES = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];
/** Largest input made here; decoders are linear, so more would only take longer. */
const SIZE_MAX = 4096;

/** An input: random bytes at times, else one of `corpus` with up to eight changes. */
export function anyBytes(random: Random, corpus: readonly Uint8Array[]): Uint8Array {
  if (corpus.length === 0 || random.int(16) === 0) {
    return Uint8Array.from({ length: random.int(random.int(4) === 0 ? 600 : 40) }, () => random.int(256));
  }
  let bytes: Uint8Array = corpus[random.int(corpus.length)]!.slice(0, SIZE_MAX);
  for (let i = 1 + random.int(8); i > 0; i--) bytes = changed(bytes, random, corpus);
  return bytes;
}

function changed(bytes: Uint8Array, random: Random, corpus: readonly Uint8Array[]): Uint8Array {
  const at = random.int(bytes.length + 1);
  switch (random.int(7)) {
    case 0: // a byte
      if (at < bytes.length) bytes[at] = random.int(256);
      return bytes;
    case 1: // a byte that means something
      if (at < bytes.length) bytes[at] = INTERESTING[random.int(INTERESTING.length)]!;
      return bytes;
    case 2: { // a number
      const size = 1 << random.int(3);
      let value = BOUNDARIES[random.int(BOUNDARIES.length)]!;
      for (let i = size - 1; i >= 0; i--, value = value >>> 8) if (at + i < bytes.length) bytes[at + i] = value;
      return bytes;
    }
    case 3: // cut off
      return bytes.slice(0, at);
    case 4: // taken out
      return spliced(bytes, at, at + random.int(16), new Uint8Array(0));
    case 5: // repeated
      return spliced(bytes, at, at, bytes.slice(at, at + random.int(64)));
    default: { // grown together with another
      const other = corpus[random.int(corpus.length)]!;
      const from = random.int(other.length + 1);
      return spliced(bytes, at, at + random.int(32), other.slice(from, from + random.int(64)));
    }
  }
}

function spliced(bytes: Uint8Array, start: number, end: number, middle: Uint8Array): Uint8Array {
  const tail = bytes.subarray(Math.min(end, bytes.length));
  const out = new Uint8Array(start + middle.length + tail.length);
  out.set(bytes.subarray(0, start));
  out.set(middle, start);
  out.set(tail, start + middle.length);
  return out.slice(0, SIZE_MAX);
}

/** A smallest input, as far as leaving pieces out and zeroing bytes goes, for which `fails` still holds. */
export function shrunk(bytes: Uint8Array, fails: (bytes: Uint8Array) => boolean): Uint8Array {
  let best = bytes;
  for (let size = Math.ceil(best.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < best.length;) {
      const smaller = spliced(best, at, at + size, new Uint8Array(0));
      if (fails(smaller)) best = smaller;
      else at += size;
    }
  }
  for (let at = 0; at < best.length; at++) {
    const plainer = best.slice();
    plainer[at] = 0x30;
    if (best[at] !== 0x30 && fails(plainer)) best = plainer;
  }
  return best;
}
