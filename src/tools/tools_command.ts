/**
 * `rucola tools` on this machine.
 *
 * @module
 */
import { runTools } from "./mqadmin.ts";
import { systemWorld } from "./world.ts";

/** Runs one command of the tools; resolves to the exit code. */
export function runToolsCommand(args: string[]): Promise<number> {
  return runTools(args, systemWorld());
}
