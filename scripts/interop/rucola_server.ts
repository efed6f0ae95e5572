/**
 * Our own name server and broker as a {@link Platform}, run from the compiled binary or from the sources.
 *
 * @module
 */
import { startProcess } from "./process.ts";
import {
  BOOT_LINE,
  BOOT_TIMEOUT_MS,
  brokerProperties,
  namesrvProperties,
  type Platform,
  type Server,
} from "./server.ts";

/** The command in front of a subcommand, and how to name it in a report. */
export interface RucolaCommand {
  readonly label: string;
  readonly command: readonly string[];
}

const PROJECT = new URL("../../", import.meta.url).pathname;
const PERMISSIONS = ["--allow-net", "--allow-read", "--allow-write", "--allow-env", "--allow-sys"];

/**
 * Chooses what to run: the given binary, or `dist/rucola` when no source file is newer than it, or `main.ts`.
 *
 * @throws {Error} when a given binary does not exist, or when there is nothing to run.
 */
export async function locateRucola(binary?: string): Promise<RucolaCommand> {
  if (binary !== undefined) {
    const path = await Deno.realPath(binary);
    return { label: "rucola", command: [path] };
  }
  const dist = `${PROJECT}dist/rucola`;
  const builtAt = await modifiedAt(dist);
  if (builtAt > 0 && builtAt >= await newestSource()) return { label: "rucola", command: [dist] };
  if (await modifiedAt(`${PROJECT}main.ts`) === 0) throw new Error(`Nothing to check: no main.ts in ${PROJECT}`);
  return {
    label: "rucola from source",
    command: [Deno.execPath(), "run", "--quiet", ...PERMISSIONS, `--config=${PROJECT}deno.json`, `${PROJECT}main.ts`],
  };
}

/** Our servers, run with the given command. */
export function rucolaPlatform(rucola: RucolaCommand): Platform {
  return {
    label: rucola.label,
    command: rucola.command,
    async startNamesrv(options) {
      const file = `${options.dir}/namesrv.properties`;
      await Deno.mkdir(`${options.dir}/namesrv`, { recursive: true });
      await Deno.writeTextFile(file, namesrvProperties(options));
      return await start(rucola, "namesrv", { file, ...options });
    },
    async startBroker(options) {
      const file = `${options.dir}/broker.properties`;
      await Deno.mkdir(options.dir, { recursive: true });
      await Deno.writeTextFile(file, brokerProperties(options));
      return await start(rucola, "broker", { file, ...options });
    },
  };
}

async function start(
  rucola: RucolaCommand,
  role: "namesrv" | "broker",
  options: { file: string; dir: string; port: number },
): Promise<Server> {
  const process = await startProcess({
    name: role,
    dir: options.dir,
    command: [...rucola.command, role, "-c", options.file],
    // Its logs belong into its folder; Deno's own cache does not move with the home.
    env: { ROCKETMQ_HOME: options.dir, HOME: options.dir, DENO_DIR: denoFolder() },
  });
  await process.waitForOutput(BOOT_LINE, BOOT_TIMEOUT_MS);
  return { address: `127.0.0.1:${options.port}`, process };
}

/** Where Deno keeps its cache for the user who runs this: the cache does not move with a server's home. */
export function denoFolder(): string {
  const home = Deno.env.get("HOME") ?? ".";
  return Deno.env.get("DENO_DIR") ?? `${Deno.env.get("XDG_CACHE_HOME") ?? `${home}/.cache`}/deno`;
}

async function newestSource(): Promise<number> {
  const times = await Promise.all([
    modifiedAt(`${PROJECT}main.ts`),
    modifiedAt(`${PROJECT}deno.json`),
    newestIn(`${PROJECT}src`),
  ]);
  return Math.max(...times);
}

async function newestIn(folder: string): Promise<number> {
  let newest = 0;
  for await (const entry of Deno.readDir(folder)) {
    const path = `${folder}/${entry.name}`;
    newest = Math.max(newest, entry.isDirectory ? await newestIn(path) : await modifiedAt(path));
  }
  return newest;
}

/** Milliseconds since 1970, or 0 when there is no such file. */
async function modifiedAt(path: string): Promise<number> {
  try {
    return (await Deno.stat(path)).mtime?.getTime() ?? 0;
  } catch {
    return 0;
  }
}
