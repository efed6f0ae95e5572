/**
 * Reads what a started command prints.
 *
 * @module
 */

/** What the process prints until `last` occurs, or all that it prints when it ends before. */
export async function printedUntil(process: Deno.ChildProcess, last: string): Promise<string> {
  let printed = "";
  const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  while (!printed.includes(last)) {
    const { done, value } = await reader.read();
    if (done) break;
    printed += value;
  }
  await reader.cancel();
  return printed;
}
