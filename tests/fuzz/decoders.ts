/**
 * Every decoder of bytes that come from outside, with the errors that it may throw.
 *
 * @module
 */
import { utf8Text } from "../../src/common/bytes.ts";
import { readHeader } from "../../src/protocol/header.ts";
import { JsonError, parseJson, parseJsonObject, stringifyJson } from "../../src/protocol/json.ts";
import {
  decodeProperties,
  encodeProperties,
  findProperty,
  propertyName,
  valueEnd,
} from "../../src/protocol/message.ts";
import { RecordKind, RecordView } from "../../src/protocol/record.ts";
import { ResponseError } from "../../src/protocol/response_error.ts";
import { decodeHeader, FrameError, FrameReader, peekCode } from "../../src/remoting/frame.ts";
import { HeaderScanner } from "../../src/remoting/header_scanner.ts";
import { feed, readerOn } from "../unit/remoting/golden_frames.ts";
import { generalFields, scannedFields } from "../unit/remoting/scanning.ts";

/** A decoder under test. */
export interface Decoder {
  readonly name: string;
  /** Which bytes are worth mutating for it. */
  readonly eats: "frame" | "json header" | "binary header" | "json" | "properties" | "record" | "body";
  /** Classes of errors that say "malformed"; anything else is a fault. */
  readonly refusals: readonly (abstract new (...args: never[]) => Error)[];
  /** Decodes, and checks what must hold of the result. */
  decode(bytes: Uint8Array): void;
}

const scanner = new HeaderScanner();
const view = new RecordView();
const PROPERTY = propertyName("KEYS");
const SEND_TABLE = { b: "string!", e: "int!", g: "time!", m: "boolean", n: "wide", d: "double" } as const;

function headerFrame(bytes: Uint8Array, type: number): FrameReader {
  const frame = new Uint8Array(8 + bytes.length);
  const data = new DataView(frame.buffer);
  data.setInt32(0, 4 + bytes.length);
  data.setInt32(4, (type << 24) | bytes.length);
  frame.set(bytes, 8);
  return readerOn(frame);
}

function decodeHeaders(bytes: Uint8Array, type: number): void {
  const scanned = scannedFields(scanner, headerFrame(bytes, type));
  let general;
  try {
    const { ext, code } = decodeHeader(headerFrame(bytes, type));
    general = generalFields(headerFrame(bytes, type));
    const peeked = peekCode(headerFrame(bytes, type));
    holds(peeked === -1 || peeked === code || isRepeatedCode(bytes), "the peeked code is the code");
    try {
      readHeader(SEND_TABLE, ext);
    } catch (error) {
      if (!(error instanceof ResponseError)) throw error;
    }
  } catch (error) {
    holds(scanned === null, "what the general decoder refuses is not scanned");
    throw error;
  }
  holds(scanned === null || JSON.stringify(scanned) === JSON.stringify(general), "scanner and decoder agree");
}

/** The last of several codes counts, but the first is peeked: the scanner, which every fast handler asks, gives up. */
function isRepeatedCode(bytes: Uint8Array): boolean {
  return utf8Text(bytes).split(/"(?:c|\\u0063)/).length > 2;
}

function holds(condition: boolean, what: string): void {
  if (!condition) throw new Error(`does not hold: ${what}`);
}

/** The decoders of frames, headers, JSON, properties and records. */
export const DECODERS: readonly Decoder[] = [
  {
    name: "frame reader",
    eats: "frame",
    refusals: [FrameError],
    decode(bytes) {
      const reader = new FrameReader();
      feed(reader, bytes);
      while (reader.next()) {
        holds(reader.headerStart <= reader.bodyStart && reader.bodyStart <= reader.bodyEnd, "header before body");
        peekCode(reader);
        decodeHeader(reader);
      }
      holds(reader.bytes.length <= Math.max(16384, bytes.length * 3), "memory follows what has arrived");
    },
  },
  { name: "JSON header", eats: "json header", refusals: [FrameError], decode: (bytes) => decodeHeaders(bytes, 0) },
  { name: "binary header", eats: "binary header", refusals: [FrameError], decode: (bytes) => decodeHeaders(bytes, 1) },
  {
    name: "JSON",
    eats: "json",
    refusals: [JsonError],
    decode(bytes) {
      const value = parseJson(utf8Text(bytes));
      holds(stringifyJson(parseJson(stringifyJson(value))) === stringifyJson(value), "writing and reading is stable");
    },
  },
  {
    name: "JSON object",
    eats: "json",
    refusals: [JsonError],
    decode: (bytes) => void parseJsonObject(utf8Text(bytes)),
  },
  {
    name: "properties",
    eats: "properties",
    refusals: [],
    decode(bytes) {
      const properties = decodeProperties(bytes);
      holds(decodeProperties(encodeProperties(properties)).size === properties.size, "properties survive encoding");
      const at = findProperty(bytes, 0, bytes.length, PROPERTY);
      holds(at <= bytes.length && (at < 0 || valueEnd(bytes, at, bytes.length) <= bytes.length), "value lies inside");
    },
  },
  {
    name: "record",
    eats: "record",
    refusals: [],
    decode(bytes) {
      if (view.read(bytes, 0, bytes.length, -1, true) !== RecordKind.RECORD) return;
      const { bodyStart, bodyEnd, topicStart, topicEnd, propertiesStart, propertiesEnd } = view;
      const places = [0, bodyStart, bodyEnd, topicStart, topicEnd, propertiesStart, propertiesEnd, bytes.length];
      holds(places.every((place, i) => i === 0 || places[i - 1]! <= place), "the parts lie one behind the other");
    },
  },
];

/** One decoder for each exported `decode…`, `read…` and `parse…` of a body module that takes bytes alone. */
export async function bodyDecoders(): Promise<Decoder[]> {
  const url = new URL("../../src/protocol/bodies/", import.meta.url);
  const decoders: Decoder[] = [];
  for (const { name: file } of [...Deno.readDirSync(url)].sort((a, b) => a.name < b.name ? -1 : 1)) {
    const module = await import(new URL(file, url).href) as Record<string, unknown>;
    for (const [name, decode] of Object.entries(module)) {
      if (typeof decode !== "function" || !takesBytes(name)) continue;
      decoders.push({
        name: `${file} ${name}`,
        eats: "body",
        refusals: [JsonError, ResponseError],
        decode: (bytes) => void (decode as (bytes: Uint8Array, version: number) => unknown)(bytes, 413),
      });
    }
  }
  return decoders;
}

/** The others take texts or values that were parsed before. */
function takesBytes(name: string): boolean {
  return name.startsWith("decode") ||
    ["readHeartbeat", "readLockRequest", "readLockResponse", "readCheckClientConfig"].includes(name);
}
