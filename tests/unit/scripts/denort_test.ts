import { assertEquals, assertThrows } from "@std/assert";
import { cutOut, DENORT_SOURCES, findSource } from "../../../scripts/denort.ts";

Deno.test("The runtime that is known is found by version and target", () => {
  const source = DENORT_SOURCES[0]!;
  assertEquals(findSource(source.denoVersion, source.target), source);
});

Deno.test("A runtime that is not known is refused, because Deno and its runtime must be of the same version", () => {
  assertThrows(() => findSource("2.7.10", "x86_64-unknown-linux-gnu"), Error, "no runtime of Deno 2.7.10");
  assertThrows(() => findSource("2.7.11", "aarch64-apple-darwin"), Error, "aarch64-apple-darwin");
});

Deno.test("The runtime is the beginning of the executable that carries it", () => {
  const source = { ...DENORT_SOURCES[0]!, sizeBytes: 2 };
  assertEquals(cutOut(new Uint8Array([1, 2, 3]), source), new Uint8Array([1, 2]));
  assertThrows(() => cutOut(new Uint8Array([1]), source), Error, "1 bytes, expected at least 2");
});
