/**
 * Types of `@std/path`, which comes from npm's `deno-std` as plain JavaScript. Paths are those of the running system.
 * Only what is used is declared. Loaded through `compilerOptions.types` in `deno.json`, never imported.
 */
declare module "@std/path" {
  /** Between the parts of a path: `/`, on Windows a backslash. */
  export const SEPARATOR: "/" | "\\";
  /** One or more separators. */
  export const SEPARATOR_PATTERN: RegExp;
  /** Between the paths of a list such as PATH. */
  export const DELIMITER: ":" | ";";

  /** What `parse` takes a path apart into. */
  export interface ParsedPath {
    /** `/` where the path is absolute, else empty. */
    root: string;
    /** All before the last part. */
    dir: string;
    /** The last part. */
    base: string;
    /** The extension of the last part with its dot, or empty. */
    ext: string;
    /** The last part without its extension. */
    name: string;
  }

  /** The last part of a path, without `suffix` where it ends so. */
  export function basename(path: string, suffix?: string): string;
  /** The longest path that all of `paths` begin with, with its separator, or empty. */
  export function common(paths: readonly string[]): string;
  /** All but the last part of a path. */
  export function dirname(path: string): string;
  /** The extension of a path with its dot, or empty. */
  export function extname(path: string): string;
  /** The path of a `file:` URL. @throws {TypeError} When it is another kind of URL. */
  export function fromFileUrl(url: string | URL): string;
  /** Whether a path starts at the root. */
  export function isAbsolute(path: string): boolean;
  /** Joins the parts and normalizes the result. */
  export function join(path: string, ...paths: string[]): string;
  /** Resolves `.`, `..` and doubled separators in the text of a path. */
  export function normalize(path: string): string;
  /** Takes a path apart. */
  export function parse(path: string): ParsedPath;
  /** How to get to `to` from the directory `from`. */
  export function relative(from: string, to: string): string;
  /** An absolute path, each part being relative to those before it and the first to the working directory. */
  export function resolve(...paths: string[]): string;
  /** The `file:` URL of an absolute path. @throws {TypeError} When it is relative. */
  export function toFileUrl(path: string): URL;
}
