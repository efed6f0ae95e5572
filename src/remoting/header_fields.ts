/**
 * What both header encodings carry, and the error of bytes that are none.
 *
 * @module
 */
import type { ExtFields } from "../protocol/header.ts";

/** The bytes are no frame: the connection cannot go on. */
export class FrameError extends Error {
  override readonly name = "FrameError";
}

/** What the header encodings carry. */
export interface HeaderFields {
  readonly code: number;
  readonly language: string;
  readonly version: number;
  readonly opaque: number;
  readonly flag: number;
  readonly remark: string | null;
  readonly ext: ExtFields;
}
