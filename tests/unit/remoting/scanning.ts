/**
 * The scanner and the general decoder, made comparable.
 *
 * @module
 */
import { utf8Text } from "../../../src/common/bytes.ts";
import { decodeHeader, type Frame } from "../../../src/remoting/frame.ts";
import { HeaderScanner } from "../../../src/remoting/header_scanner.ts";

/** What both read. Ext fields without a value are left out, as the binary encoding cannot tell them from missing ones. */
export interface ScannedFields {
  readonly opaque: number;
  readonly flag: number;
  readonly version: number;
  readonly ext: Record<string, string>;
}

/** What the scanner reads; null when it gives up. */
export function scannedFields(scanner: HeaderScanner, frame: Frame): ScannedFields | null {
  const ext = new Map<string, string>();
  scanner.start(frame);
  while (scanner.next()) {
    const { bytes, nameStart, nameEnd, valueStart, valueEnd } = scanner;
    const text = utf8Text(bytes.subarray(valueStart, valueEnd));
    const value = scanner.escaped ? JSON.parse(`"${raw(text)}"`) as string : text;
    ext.set(utf8Text(bytes.subarray(nameStart, nameEnd)), value);
  }
  if (scanner.failed) return null;
  return { opaque: scanner.opaque, flag: scanner.flag, version: scanner.version, ext: withoutEmpty(ext) };
}

/** What the general decoder reads. @throws {FrameError} */
export function generalFields(frame: Frame): ScannedFields {
  const { opaque, flag, version, ext } = decodeHeader(frame);
  return { opaque, flag, version, ext: withoutEmpty(new Map(Object.entries(ext))) };
}

/** Control characters stand raw in some versions' JSON. */
function raw(text: string): string {
  // deno-lint-ignore no-control-regex -- they are what it is about
  return text.replace(/[\x00-\x1f]/g, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
}

function withoutEmpty(ext: ReadonlyMap<string, string>): Record<string, string> {
  const entries = [...ext].filter(([, value]) => value !== "").sort(([a], [b]) => a < b ? -1 : 1);
  return Object.fromEntries(entries);
}
