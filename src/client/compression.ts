/**
 * Compressed message bodies. Producers compress with zlib, which every RocketMQ client reads, or when told so with
 * Zstandard or LZ4, which those from 4.9.4 on read; consumers read all three. Source: RocketMQ `CompressorFactory`, `CompressionType`.
 *
 * @module
 */
import { constants, deflateSync, inflateSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { messageOf } from "../common/errors.ts";
import { SysFlag } from "../protocol/message.ts";
import { ClientError } from "./errors.ts";
import { readLz4Frames, writeLz4Frame } from "./lz4.ts";

/** Bits of `sysFlag` on a zlib body. Java also sets the type 0x300, which clients before 4.9.4 ignore. */
export const ZLIB_SYS_FLAG = SysFlag.COMPRESSED | 0x300;

const TYPE_LZ4 = 0x100;
const TYPE_ZSTD = 0x200;
/** A body that inflates to more is refused: no broker takes messages of this size. */
const INFLATED_BYTES_MAX = 64 * 1024 * 1024;

/** How producers compress. */
export type CompressType = "ZLIB" | "ZSTD" | "LZ4";

/** Bits of `sysFlag` on a compressed body. */
export const COMPRESSED_SYS_FLAG: Readonly<Record<CompressType, number>> = {
  ZLIB: ZLIB_SYS_FLAG,
  ZSTD: SysFlag.COMPRESSED | TYPE_ZSTD,
  LZ4: SysFlag.COMPRESSED | TYPE_LZ4,
};

/** Compresses. @param level 0 to 9, Java's default is 5; LZ4 has none. */
export function compressBody(body: Uint8Array, level: number, type: CompressType = "ZLIB"): Uint8Array {
  if (type === "LZ4") return writeLz4Frame(body);
  const bytes = type === "ZLIB"
    ? deflateSync(body, { level })
    : zstdCompressSync(body, { params: { [constants.ZSTD_c_compressionLevel]: level } });
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * The body as its producer gave it.
 *
 * @throws {ClientError} when its bytes are broken, or it is larger than any broker would take.
 */
export function decompressBody(body: Uint8Array, sysFlag: number): Uint8Array {
  if ((sysFlag & SysFlag.COMPRESSED) === 0) return body;
  try {
    return decompress(body, sysFlag & SysFlag.COMPRESSION_MASK);
  } catch (cause) {
    throw new ClientError(`the compressed message body cannot be read: ${messageOf(cause)}`, { cause });
  }
}

function decompress(body: Uint8Array, type: number): Uint8Array {
  if (type === TYPE_LZ4) return readLz4Frames(body, INFLATED_BYTES_MAX);
  const limit = { maxOutputLength: INFLATED_BYTES_MAX };
  const bytes = type === TYPE_ZSTD ? zstdDecompressSync(body, limit) : inflateSync(body, limit);
  // A Zstandard frame that is cut off decompresses to nothing, without an error; no message is empty.
  if (bytes.length === 0) throw new RangeError("there is nothing in it");
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
