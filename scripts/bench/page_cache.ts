/**
 * Takes files out of the page cache, and reads them to see what the disk gives. `dd` asks the system to forget a file
 * (`posix_fadvise`, no privilege needed), which it does for what is on the device and nobody has mapped.
 *
 * @module
 */

const READ_BYTES = 1 << 20;
/** Unit in which file systems tell what a file takes. */
const BLOCK_BYTES = 512;

/** Forgets all files below a folder. Whoever has them open must have closed them. @throws {Error} without `dd`. */
export async function dropFromCache(folder: string): Promise<void> {
  await run("sync", []);
  for (const path of await filesBelow(folder)) {
    await run("dd", [`if=${path}`, "iflag=nocache", "count=0", "status=none"]);
  }
}

/**
 * MiB a second that reading all files below a folder gives, one after the other, 1 MiB at a time. What was never written of
 * a file is not read.
 */
export async function readRateMiB(folder: string): Promise<number> {
  const buffer = new Uint8Array(READ_BYTES);
  const startMs = performance.now();
  let bytes = 0;
  for (const path of await filesBelow(folder)) {
    using file = await Deno.open(path);
    const { size, blocks } = await file.stat();
    const end = bytes + Math.min(size, (blocks ?? Infinity) * BLOCK_BYTES);
    while (bytes < end) {
      const count = await file.read(buffer);
      if (count === null) break;
      bytes += count;
    }
  }
  return bytes / 2 ** 20 / Math.max(0.001, (performance.now() - startMs) / 1000);
}

async function filesBelow(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) paths.push(...await filesBelow(path));
    else if (entry.isFile) paths.push(path);
  }
  return paths.sort();
}

async function run(program: string, args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args: [...args], stderr: "piped" }).output();
  if (!success) throw new Error(`${program} ${args.join(" ")} failed: ${new TextDecoder().decode(stderr)}`);
}
