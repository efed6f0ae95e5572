/**
 * How many lines a program has written so far: our Java programs write one for each message.
 *
 * @module
 */

const NEWLINE = 10;

/** Counts the lines of a file that grows, reading only what is new. */
export class LineCounter {
  /** The file; it may not be there yet. */
  readonly path: string;
  #position = 0;
  #lines = 0;

  /** Counts from the beginning of the file. */
  constructor(path: string) {
    this.path = path;
  }

  /** Lines so far; a last one without its end does not count. */
  async count(): Promise<number> {
    using file = await openIfThere(this.path);
    if (file === null) return 0;
    await file.seek(this.#position, Deno.SeekMode.Start);
    const chunk = new Uint8Array(1 << 16);
    for (let size = await file.read(chunk); size !== null; size = await file.read(chunk)) {
      this.#position += size;
      for (let index = 0; index < size; index++) if (chunk[index] === NEWLINE) this.#lines++;
    }
    return this.#lines;
  }
}

async function openIfThere(path: string): Promise<Deno.FsFile | null> {
  try {
    return await Deno.open(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
