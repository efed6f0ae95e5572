/**
 * Reads a text file that another process is still writing, line by line, and each line once.
 *
 * @module
 */
const CHUNK_BYTES = 1 << 16;

/** Gives the lines that were added since the last look; the one being written waits for its end. */
export class LineReader {
  readonly path: string;
  readonly #decoder = new TextDecoder();
  #position = 0;
  #rest = "";

  /** @param path a file that need not be there yet. */
  constructor(path: string) {
    this.path = path;
  }

  /** Calls `take` with each new whole line. */
  async read(take: (line: string) => void): Promise<void> {
    using file = await openIfThere(this.path);
    if (file === undefined) return;
    await file.seek(this.#position, Deno.SeekMode.Start);
    const chunk = new Uint8Array(CHUNK_BYTES);
    for (let size = await file.read(chunk); size !== null; size = await file.read(chunk)) {
      this.#position += size;
      const lines = (this.#rest + this.#decoder.decode(chunk.subarray(0, size), { stream: true })).split("\n");
      this.#rest = lines.pop() ?? "";
      lines.forEach(take);
    }
  }
}

async function openIfThere(path: string): Promise<Deno.FsFile | undefined> {
  try {
    return await Deno.open(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
