/**
 * Random and mutated bytes into every decoder: each either decodes or refuses with its own error, soon, in bounded memory.
 *
 * `FUZZ_COUNT=1000000 deno task fuzz` runs as many inputs (shared by all decoders) of another seed each time, `FUZZ_SEED`
 * repeats a run. A failure prints the seed and the smallest input found.
 *
 * @module
 */
import { assert, assertLess } from "@std/assert";
import { utf8Text } from "../../src/common/bytes.ts";
import { SeededRandom } from "../../src/common/random.ts";
import { goldenFrames } from "../unit/remoting/golden_frames.ts";
import { bodyDecoders, type Decoder, DECODERS } from "./decoders.ts";
import { anyBytes, shrunk } from "./mutate.ts";
import { FUZZ_SEED, fuzzCount } from "./seed.ts";

const COUNT = fuzzCount(30_000);
/** Real time that one input of a few kilobytes may take; it needs microseconds. */
const INPUT_MS_MAX = 2000;

const corpora = goldenCorpora();

/** What is mutated, by the kind of decoder. */
function goldenCorpora(): Record<Decoder["eats"], Uint8Array[]> {
  const frames = goldenFrames().map(({ bytes }) => bytes);
  const parts = frames.map((bytes) => {
    const headerSize = new DataView(bytes.buffer, bytes.byteOffset).getInt32(4) & 0xffffff;
    return { type: bytes[4]!, header: bytes.subarray(8, 8 + headerSize), body: bytes.subarray(8 + headerSize) };
  });
  const bodies = parts.map(({ body }) => body).filter((body) => body.length > 0);
  const texts = parts.map(({ header }) => utf8Text(header)).filter((text) => text.includes("UNIQ_KEY"));
  return {
    "frame": frames,
    "json header": parts.filter(({ type }) => type === 0).map(({ header }) => header),
    "binary header": parts.filter(({ type }) => type === 1).map(({ header }) => header),
    "json": bodies.filter((body) => body[0] === 0x7b),
    "properties": [...texts.map(propertiesIn), new TextEncoder().encode("KEYS\u0001a b\u0002TAGS\u0001t\u0002")],
    "record": bodies.filter((body) => body[4] === 0xda).map((body) =>
      body.slice(0, new DataView(body.buffer, body.byteOffset).getInt32(0))
    ),
    "body": bodies,
  };
}

function propertiesIn(header: string): Uint8Array {
  const ext = (header.startsWith("{") ? JSON.parse(header) : {}) as { extFields?: Record<string, string> };
  return new TextEncoder().encode(ext.extFields?.i ?? ext.extFields?.properties ?? "");
}

/** What is wrong with decoding `bytes`, or null. */
function fault(decoder: Decoder, bytes: Uint8Array): string | null {
  const copy = bytes.slice(); // some decoders may keep or reuse what they are given
  const startMs = performance.now();
  try {
    decoder.decode(copy);
  } catch (error) {
    if (!decoder.refusals.some((refusal) => error instanceof refusal)) {
      return error instanceof Error ? error.stack ?? error.message : String(error);
    }
  }
  const tookMs = performance.now() - startMs;
  return tookMs > INPUT_MS_MAX ? `took ${Math.round(tookMs)} ms` : null;
}

function fuzz(decoder: Decoder, count: number): void {
  const corpus = corpora[decoder.eats];
  const random = new SeededRandom(FUZZ_SEED);
  for (const bytes of corpus) check(decoder, bytes);
  for (let i = 0; i < count; i++) check(decoder, anyBytes(random, corpus));
}

function check(decoder: Decoder, bytes: Uint8Array): void {
  const found = fault(decoder, bytes);
  if (found === null) return;
  const kind = found.split("\n")[0];
  const smallest = shrunk(bytes, (smaller) => fault(decoder, smaller)?.split("\n")[0] === kind);
  const text = JSON.stringify(utf8Text(smallest));
  throw new Error(`${decoder.name}, FUZZ_SEED=${FUZZ_SEED}: ${found}\nsmallest input: ${smallest.toHex()} ${text}`);
}

const bodies = await bodyDecoders();
const all = [...DECODERS, ...bodies];
const share = Math.ceil(COUNT / all.length);

Deno.test("there is something to mutate for every decoder, and every body decoder is found", () => {
  for (const [kind, corpus] of Object.entries(corpora)) assert(corpus.length > 0, kind);
  assert(bodies.length > 25, `${bodies.length} body decoders`);
});

for (const decoder of all) {
  Deno.test(`any bytes are decoded or refused: ${decoder.name}`, () => fuzz(decoder, share));
}

Deno.test("shrinking finds the byte that matters", () => {
  const bytes = Uint8Array.from({ length: 200 }, (_, i) => i);
  assert(shrunk(bytes, (smaller) => smaller.includes(77)).length === 1);
});

Deno.test("memory after all of it is what it was, within reason", () => {
  assertLess(Deno.memoryUsage().heapUsed, 400 * 1024 * 1024);
});
