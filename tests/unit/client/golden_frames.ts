/**
 * Captured exchanges of `tests/golden/client`, decoded: what Java's clients sent, and what a 5.5.0 broker answered.
 *
 * @module
 */
import { type Command } from "../../../src/remoting/command.ts";
import { decodeFrameBytes } from "../../../src/remoting/frame.ts";

/** One exchange. */
export interface GoldenExchange {
  readonly request: Command;
  /** Null for a one-way request. */
  readonly response: Command | null;
}

/** Reads `tests/golden/client/<name>.json`. */
export function goldenExchange(name: string): GoldenExchange {
  const path = new URL(`../../golden/client/${name}.json`, import.meta.url);
  const file = JSON.parse(Deno.readTextFileSync(path)) as { request: { hex: string }; response?: { hex: string } };
  return { request: decode(file.request.hex), response: file.response ? decode(file.response.hex) : null };
}

function decode(hex: string): Command {
  return decodeFrameBytes(Uint8Array.from(hex.match(/../g)!, (pair) => parseInt(pair, 16)));
}
