/** Both header encodings against captured frames. @module */
import { assert, assertEquals } from "@std/assert";
import { utf8Text } from "../../../src/common/bytes.ts";
import { LANGUAGES } from "../../../src/protocol/codes.ts";
import { SERIALIZE_JSON } from "../../../src/remoting/command.ts";
import { decodeFrameBytes, encodeFrame, peekCode } from "../../../src/remoting/frame.ts";
import { HeaderScanner } from "../../../src/remoting/header_scanner.ts";
import { goldenFrames, readerOn } from "./golden_frames.ts";
import { generalFields, scannedFields } from "./scanning.ts";

const FRAMES = goldenFrames();

Deno.test("every captured frame decodes to the header that RocketMQ's peer meant", () => {
  assert(FRAMES.length > 200);
  for (const { name, bytes, serializeType, header } of FRAMES) {
    const command = decodeFrameBytes(bytes);
    const language = typeof header.language === "number" ? LANGUAGES[header.language] : header.language ?? "";
    assertEquals(
      [command.code, command.language, command.version, command.opaque, command.flag, command.serialize as number],
      [header.code, language, header.version, header.opaque, header.flag, serializeType],
      name,
    );
    if (serializeType !== SERIALIZE_JSON) continue;
    assertEquals(command.remark, header.remark ?? null, name);
    assertEquals({ ...command.ext }, header.extFields ?? {}, name);
  }
});

Deno.test("captured binary ext fields keep names, values and order", () => {
  const route = FRAMES.find(({ name }) => name === "000105-route-binary-header-4.9.7.json request")!;
  assertEquals(Object.entries(decodeFrameBytes(route.bytes).ext), [["topic", "TBW102"]]);
});

Deno.test("frames of Java peers encode again to the captured bytes", () => {
  let same = 0;
  for (const { name, bytes, header } of FRAMES) {
    const command = decodeFrameBytes(bytes);
    const isJavas = command.language === "JAVA" && (command.serialize !== 0 || "serializeTypeCurrentRPC" in header);
    const hasEmpty = Object.keys(header.extFields ?? { a: 1 }).length === 0 || Object.values(command.ext).includes("");
    if (!isJavas || hasEmpty || !isInJavasOrder(bytes)) continue;
    const again = encodeFrame(command, command.body, command.serialize);
    assertEquals(utf8Text(again.subarray(8)), utf8Text(bytes.subarray(8)), name);
    assertEquals(again, bytes, name);
    same++;
  }
  assert(same > 150, `only ${same} frames were compared`);
});

Deno.test("a command keeps its meaning when encoded the other way", () => {
  for (const { name, bytes } of FRAMES) {
    const command = decodeFrameBytes(bytes);
    if (command.code > 32767) continue;
    const other = decodeFrameBytes(encodeFrame(command, command.body, command.serialize === 0 ? 1 : 0));
    assertEquals([other.code, other.opaque, other.flag, other.version], [
      command.code,
      command.opaque,
      command.flag,
      command.version,
    ], name);
    assertEquals(other.remark || null, command.remark || null, name);
    const nonEmpty = Object.fromEntries(Object.entries(command.ext).filter(([, value]) => value !== ""));
    assertEquals(Object.fromEntries(Object.entries(other.ext).filter(([, value]) => value !== "")), nonEmpty, name);
    assertEquals(other.body, command.body, name);
  }
});

Deno.test("the code of every frame of RocketMQ's own is known without decoding", () => {
  for (const { name, bytes, header } of FRAMES) {
    if (name.endsWith("-probe.json request")) continue; // made by hand, with blanks
    assertEquals(peekCode(readerOn(bytes)) as unknown, header.code, name);
  }
});

Deno.test("the scanner reads captured requests as the general decoder does", () => {
  const scanner = new HeaderScanner();
  for (const { name, bytes } of FRAMES) {
    if (!name.endsWith(" request")) continue;
    const scanned = scannedFields(scanner, readerOn(bytes));
    assert(scanned !== null, `${name}: the scanner gave up`);
    assertEquals(scanned, generalFields(readerOn(bytes)), name);
  }
});

/** Java writes ext fields in the order of a hash map; older clients write other members first. */
function isInJavasOrder(bytes: Uint8Array): boolean {
  return bytes[4] !== 0 || utf8Text(bytes.subarray(8, 16)) === '{"code":';
}
