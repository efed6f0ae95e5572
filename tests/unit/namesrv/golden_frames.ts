/**
 * Frames captured between RocketMQ's programs and its name server 5.5.0, from `tests/golden/namesrv`.
 *
 * @module
 */
import { type Command } from "../../../src/remoting/command.ts";
import { decodeFrame, FrameReader } from "../../../src/remoting/frame.ts";

/** One exchange. */
export interface GoldenExchange {
  /** The whole frame that the peer sent. */
  readonly requestBytes: Uint8Array;
  readonly request: Command;
  /** What RocketMQ answered; null when the request was one-way. */
  readonly response: Command | null;
  /** The same as text; empty without a body. */
  readonly responseBody: string;
}

/** The exchange in the file `name.json`. */
export function goldenExchange(name: string): GoldenExchange {
  const url = new URL(`../../golden/namesrv/${name}.json`, import.meta.url);
  const json = JSON.parse(Deno.readTextFileSync(url)) as { request: { hex: string }; response?: { hex: string } };
  const requestBytes = Uint8Array.fromHex(json.request.hex);
  const response = json.response === undefined ? null : readFrame(Uint8Array.fromHex(json.response.hex));
  return {
    requestBytes,
    request: readFrame(requestBytes),
    response,
    responseBody: new TextDecoder().decode(response?.body),
  };
}

/** The command in exactly one frame. */
export function readFrame(bytes: Uint8Array): Command {
  const reader = new FrameReader();
  for (let at = 0; at < bytes.length;) {
    const space = reader.space();
    const part = bytes.subarray(at, at + space.length);
    space.set(part);
    reader.received(part.length);
    at += part.length;
    if (reader.next()) return decodeFrame(reader);
  }
  throw new Error("no whole frame");
}
