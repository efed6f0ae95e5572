/**
 * `rucola store`: looks at the directory of a store that no broker has open, and mends what can be made again.
 *
 * @module
 */
import type { ToolWorld } from "../world.ts";
import { systemWorld } from "../world.ts";
import { type CommandLine, plainDashes, readCommandLine } from "../../common/command_line.ts";
import { nearestName } from "../../common/edit_distance.ts";
import { WorldError } from "../../common/errors.ts";
import { CHECK_OPTIONS, checkStore } from "./check.ts";
import { DUMP_OPTIONS, dumpStore } from "./dump.ts";
import { REPAIR_OPTIONS, runRepair } from "./repair.ts";
import { EXIT_CANNOT, EXIT_OK, EXIT_USAGE, StoreUsageError, type StoreWorld } from "./store_world.ts";

const USAGE = `usage: rucola store check DIR [--json] [--commitlog DIR[,DIR…]]
       rucola store dump DIR [--from OFFSET] [--to OFFSET] [--no-body] [--commitlog …]
       rucola store dump DIR --units TOPIC [--queue ID]
       rucola store dump DIR --index
       rucola store repair DIR [--truncate-at OFFSET] [--accept-loss] [--commitlog …]

DIR is a storePathRootDir. --commitlog names the commitlog's directories where they are not DIR/commitlog.

check   reads everything and names every broken invariant with file and position. Nothing is changed.
        exit code 0: in order; 1: only files that can be made again are wrong; 2: messages are damaged or
        missing; 3: cannot be checked; 64: these arguments make no sense
dump    prints records (from --from to --to), units or index entries, one JSON object a line
repair  makes consumequeues, index and checkpoint again from the commitlog, which it does not touch, unless
        --truncate-at names a record's physical offset at which it is to end, or --accept-loss gives up
        what is missing: fillers take the place of missing files, and the log ends where its records do.
        Everything is made first and put in place then; what is replaced, cut or overwritten is kept in
        DIR/repair-<time>. After a kill in between, the same command finishes.`;

/** Runs the subcommand on this machine; resolves to the exit code. */
export function runStoreCommand(args: string[]): Promise<number> {
  return runStore(args, systemWorld());
}

/** Runs the subcommand; resolves to the exit code. */
export async function runStore(
  args: readonly string[],
  world: StoreWorld & Pick<ToolWorld, "writeError">,
): Promise<number> {
  const [action = "", ...rest] = args.map(plainDashes);
  if (["-h", "--help"].some((each) => each === action || rest.includes(each))) {
    world.write(`${USAGE}\n`);
    return EXIT_OK;
  }
  try {
    switch (action) {
      case "check":
        return await withDirectory(rest, CHECK_OPTIONS, (directory, line) => checkStore(directory, line, world));
      case "dump":
        return await withDirectory(rest, DUMP_OPTIONS, (directory, line) => dumpStore(directory, line, world));
      case "repair":
        return await withDirectory(rest, REPAIR_OPTIONS, (directory, line) => runRepair(directory, line, world));
      default:
        throw new StoreUsageError(action === "" ? "say what to do" : noSuchAction(action));
    }
  } catch (error) {
    if (error instanceof TypeError || error instanceof StoreUsageError) {
      world.writeError(`rucola store: ${error.message}\n${USAGE}\n`);
      return EXIT_USAGE;
    }
    if (!(error instanceof WorldError)) throw error;
    world.writeError(`rucola store ${action}: ${error.message}\n`);
    return EXIT_CANNOT;
  }
}

function noSuchAction(action: string): string {
  const nearest = nearestName(action, ["check", "dump", "repair"]);
  return `there is no \`rucola store ${action}\`${nearest === null ? "" : `; did you mean \`${nearest}\`?`}`;
}

/** Takes the one argument that is no option for the directory. */
async function withDirectory<K extends string>(
  args: readonly string[],
  options: Parameters<typeof readCommandLine<K>>[0],
  run: (directory: string, line: CommandLine<K>) => Promise<number>,
): Promise<number> {
  const at = args.findIndex((arg, i) => !arg.startsWith("-") && !takesValue(args[i - 1], options));
  if (at < 0) throw new StoreUsageError("which directory?");
  const directory = args[at]!.replace(/(?<=.)\/+$/, "");
  return await run(directory, readCommandLine(options, args.toSpliced(at, 1)));
}

function takesValue<K extends string>(
  name: string | undefined,
  options: Parameters<typeof readCommandLine<K>>[0],
): boolean {
  for (const key in options) if (name !== undefined && options[key].names.includes(name)) return options[key].hasValue;
  return false;
}
