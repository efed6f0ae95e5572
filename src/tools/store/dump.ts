/**
 * `rucola store dump`: prints records, units or index entries as JSON lines.
 *
 * @module
 */
import type { CommandLine } from "../../common/command_line.ts";
import { dumpIndex, type DumpLine, dumpLog, dumpUnits } from "../../store/dump.ts";
import { EXIT_OK, offsetOf, storeOptions, StoreUsageError, type StoreWorld } from "./store_world.ts";

/** Options of the command. */
export const DUMP_OPTIONS = {
  from: { names: ["--from"], hasValue: true },
  to: { names: ["--to"], hasValue: true },
  noBody: { names: ["--no-body"], hasValue: false },
  units: { names: ["--units"], hasValue: true },
  queue: { names: ["--queue"], hasValue: true },
  index: { names: ["--index"], hasValue: false },
  commitlog: { names: ["--commitlog"], hasValue: true },
} as const;

/** Lines that are written together. */
const LINES_AT_ONCE = 500;

/** Runs the command; resolves to the exit code. It may run beside a broker: what is written just then may look torn. */
export async function dumpStore(
  directory: string,
  line: CommandLine<keyof typeof DUMP_OPTIONS>,
  world: StoreWorld,
): Promise<number> {
  const parts = { disk: world.disk, options: storeOptions(world.disk, directory, line.commitlog?.at(-1)) };
  const topic = line.units?.at(-1);
  const queueId = offsetOf(line.queue?.at(-1), "--queue") ?? null;
  if (topic !== undefined && line.index !== undefined) throw new StoreUsageError("--units or --index, not both");
  if (queueId !== null && topic === undefined) throw new StoreUsageError("--queue goes with --units");
  const out = new Lines(world.write);
  if (topic !== undefined) { for (const each of dumpUnits(parts, topic, queueId)) out.add(each); }
  else if (line.index !== undefined) { for (const each of dumpIndex(parts)) out.add(each); }
  else {
    const range = {
      from: offsetOf(line.from?.at(-1), "--from") ?? 0,
      to: offsetOf(line.to?.at(-1), "--to") ?? Infinity,
      withBody: line.noBody === undefined,
    };
    for await (const each of dumpLog(parts, range)) out.add(each);
  }
  out.flush();
  return EXIT_OK;
}

/** Writes lines in groups. */
class Lines {
  readonly #write: (text: string) => void;
  #held: string[] = [];

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  add(line: DumpLine): void {
    this.#held.push(`${JSON.stringify(line)}\n`);
    if (this.#held.length >= LINES_AT_ONCE) this.flush();
  }

  flush(): void {
    if (this.#held.length > 0) this.#write(this.#held.join(""));
    this.#held = [];
  }
}
