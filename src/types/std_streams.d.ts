/**
 * Types of `@std/streams`, which comes from npm's `deno-std` as plain JavaScript. Only what is useful here is declared.
 * Loaded through `compilerOptions.types` in `deno.json`, never imported.
 */
declare module "@std/streams" {
  /** Text chunks to lines, without their `\n` or `\r\n`. */
  export class TextLineStream extends TransformStream<string, string> {
    constructor(options?: { allowCR?: boolean });
  }
  /** Byte chunks to the pieces between delimiters. */
  export class DelimiterStream extends TransformStream<Uint8Array, Uint8Array> {
    constructor(delimiter: Uint8Array, options?: { disposition?: "suffix" | "prefix" | "discard" });
  }
  /** Ends, or with `error` fails, after `sizeBytes`. */
  export class LimitedBytesTransformStream extends TransformStream<Uint8Array, Uint8Array> {
    constructor(sizeBytes: number, options?: { error?: boolean });
  }
  /** Passes on the bytes from `start` to `end`, both included. */
  export class ByteSliceStream extends TransformStream<Uint8Array, Uint8Array> {
    constructor(start?: number, end?: number);
  }
  /** One stream after the other. */
  export function concatReadableStreams<T>(...streams: ReadableStream<T>[]): ReadableStream<T>;
  /** All streams at once, chunks as they come. */
  export function mergeReadableStreams<T>(...streams: ReadableStream<T>[]): ReadableStream<T>;
  /** Reads a stream to its end as bytes. */
  export function toBytes(stream: ReadableStream<Uint8Array>): Promise<Uint8Array<ArrayBuffer>>;
  /** Reads a stream to its end as a JSON document. @throws {SyntaxError} When it is none. */
  export function toJson(stream: ReadableStream<Uint8Array> | ReadableStream<string>): Promise<unknown>;
  /** Reads a stream to its end as UTF-8 text. */
  export function toText(stream: ReadableStream<Uint8Array> | ReadableStream<string>): Promise<string>;
}
