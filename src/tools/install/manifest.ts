/**
 * What an installation has laid down: each file with the hash of the bytes that were written, kept in
 * `PREFIX/.rucola-install.json`. A file whose hash is another by now was edited.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { type Disk, parentOf, readWhole } from "../../common/disk.ts";
import { CorruptError } from "../../common/errors.ts";
import { isObject, textMember, textTableMember } from "../../protocol/json_members.ts";
import { JsonError, parseJson, stringifyJson } from "../../protocol/json.ts";
import { utf8, utf8Text } from "../../common/bytes.ts";

const PIECE_BYTES = 1024 * 1024;

/** See the module's text. */
export interface Manifest {
  /** Version of the executable that installed last. */
  readonly version: string;
  /** Absolute path to SHA-256, hexadecimal, of what was written there. */
  readonly files: ReadonlyMap<string, string>;
}

/** Where the manifest of an installation is. */
export function manifestPath(prefix: string): string {
  return `${prefix}/.rucola-install.json`;
}

/** The manifest of an installation; null when there is none. @throws {CorruptError} when it cannot be read. */
export function readManifest(disk: Disk, prefix: string): Manifest | null {
  const path = manifestPath(prefix);
  const bytes = readWhole(disk, path);
  if (bytes === null) return null;
  try {
    const json = parseJson(utf8Text(bytes));
    if (!isObject(json)) throw new JsonError("expected an object");
    return { version: textMember(json, "version"), files: new Map(Object.entries(textTableMember(json, "files"))) };
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw new CorruptError(path, 0, `it does not list what was installed: ${error.message}`, error);
  }
}

/** Writes the manifest, whole or not at all. */
export function writeManifest(disk: Disk, prefix: string, { version, files }: Manifest): void {
  const text = stringifyJson({ version, files: new Map([...files].sort()) });
  writeFile(disk, manifestPath(prefix), utf8(`${text}\n`));
}

/** SHA-256 of a file, hexadecimal; null when it is not there. */
export function hashOfFile(disk: Disk, path: string): string | null {
  const entry = disk.stat(path);
  if (entry === null || entry.isDirectory) return null;
  const hash = createHash("sha256");
  forEachPiece(disk, path, (piece) => hash.update(piece));
  return hash.digest("hex");
}

/** SHA-256 of bytes, hexadecimal. */
export function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Writes a file under a name of its own and moves it in place: a program that runs from the old one goes on. */
export function writeFile(disk: Disk, path: string, content: Uint8Array | { readonly copyOf: string }): void {
  disk.makeDirectory(parentOf(path));
  const temporary = `${path}.tmp`;
  const file = disk.open(temporary, { create: true });
  try {
    file.truncate(0);
    if (content instanceof Uint8Array) {
      file.write(content, 0);
    } else {
      let position = 0;
      forEachPiece(disk, content.copyOf, (piece) => {
        file.write(piece, position);
        position += piece.length;
      });
    }
    file.syncNow();
  } finally {
    file.close();
  }
  disk.rename(temporary, path);
}

/** The bytes handed over are valid during the call only. */
function forEachPiece(disk: Disk, path: string, take: (piece: Uint8Array) => void): void {
  const file = disk.open(path, { readOnly: true });
  try {
    const buffer = new Uint8Array(PIECE_BYTES);
    for (let position = 0;;) {
      const count = file.read(buffer, position);
      if (count === 0) return;
      take(buffer.subarray(0, count));
      position += count;
    }
  } finally {
    file.close();
  }
}
