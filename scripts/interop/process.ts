/**
 * Child processes of the checks and benchmarks. A child writes into files, not into pipes, so that watching it costs
 * nothing while it is measured; waiting means looking at these files until a condition holds.
 *
 * Invariant: every child that was started is stopped when this process ends, whichever way it ends, except by SIGKILL.
 *
 * @module
 */

/** What to start, and where its output goes. */
export interface ProcessSpec {
  /** Short name for messages and for the output files `NAME.out` and `NAME.err`. */
  readonly name: string;
  /** Program and arguments. */
  readonly command: readonly string[];
  /** Working directory, which also takes the output files. */
  readonly dir: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** How a child ended. */
export interface ProcessResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const live = new Set<ChildProcess>();
const POLL_INTERVAL_MS = 50;
const TAIL_LINES = 15;

// The shell replaces itself with the program, so the process id is the program's own.
const REDIRECT = 'out="$1"; err="$2"; shift 2; exec "$@" >>"$out" 2>>"$err"';

/** A running program with its output in files. Made by {@link startProcess}. */
export class ChildProcess implements AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  readonly #outFile: string;
  readonly #errFile: string;
  readonly #child: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  #exit: Deno.CommandStatus | undefined;

  /** @param spec what runs. @param outFile where its standard output goes; errors go to the same name with `.err`. */
  constructor(spec: ProcessSpec, outFile: string, errFile: string) {
    this.name = spec.name;
    this.#outFile = outFile;
    this.#errFile = errFile;
    this.#child = new Deno.Command("sh", {
      args: ["-c", REDIRECT, "sh", outFile, errFile, ...spec.command],
      cwd: spec.dir,
      stdin: "piped",
      stdout: "inherit",
      stderr: "inherit",
      ...(spec.env === undefined ? {} : { env: { ...spec.env } }),
    }).spawn();
    this.pid = this.#child.pid;
    this.#stdin = this.#child.stdin.getWriter();
    this.#stdin.closed.catch(() => {}); // A killed child breaks the pipe; its exit status tells about that.
    live.add(this);
    this.#child.status.then((status) => {
      this.#exit = status;
      live.delete(this);
    });
  }

  /** The exit status, or undefined while it runs. */
  get exit(): Deno.CommandStatus | undefined {
    return this.#exit;
  }

  /** Everything that it wrote to standard output so far. */
  stdout(): Promise<string> {
    return readIfThere(this.#outFile);
  }

  /** Everything that it wrote to standard error so far. */
  stderr(): Promise<string> {
    return readIfThere(this.#errFile);
  }

  /** The last lines of both outputs, for messages about a failure. */
  async tail(): Promise<string> {
    const lines = ((await this.stdout()) + (await this.stderr())).trimEnd().split("\n");
    return lines.slice(-TAIL_LINES).join("\n");
  }

  /**
   * Waits until standard output contains a match.
   *
   * @throws {Error} when the process ended or `timeoutMs` passed before; the message has the end of its output.
   */
  async waitForOutput(pattern: RegExp, timeoutMs: number): Promise<RegExpMatchArray> {
    return await waitFor(`${this.name} to print ${pattern}`, timeoutMs, async () => {
      const exit = this.#exit; // Read before the output: what an ended process printed is complete.
      const found = (await this.stdout()).match(pattern);
      if (found !== null) return found;
      if (exit !== undefined) {
        throw new Error(
          `${this.name} ended with code ${exit.code} before it printed ${pattern}:\n${await this.tail()}`,
        );
      }
      return undefined;
    }, () => this.tail());
  }

  /** Writes a line to standard input. Nothing happens when the process is gone. */
  async writeLine(line: string): Promise<void> {
    try {
      await this.#stdin.write(new TextEncoder().encode(`${line}\n`));
    } catch {
      // Its exit status tells about that.
    }
  }

  /** Closes standard input: our own Java programs take that as the order to finish. */
  async closeInput(): Promise<void> {
    try {
      await this.#stdin.close();
    } catch {
      // Closed already, or the process is gone.
    }
  }

  /**
   * Waits for the end of the process.
   *
   * @throws {Error} when it still runs after `timeoutMs`; it goes on running.
   */
  async waitForExit(timeoutMs: number): Promise<ProcessResult> {
    const status = await waitFor(`${this.name} to end`, timeoutMs, () => this.#exit, () => this.tail());
    return { code: status.code, stdout: await this.stdout(), stderr: await this.stderr() };
  }

  /** Asks the process to end (SIGTERM), and kills it when it has not after `graceMs`. Returns how it ended. */
  async stop(graceMs = 15_000): Promise<ProcessResult> {
    this.signal("SIGTERM");
    try {
      return await this.waitForExit(graceMs);
    } catch {
      return await this.kill();
    }
  }

  /** Kills the process (SIGKILL): it gets no chance to write or say anything. */
  async kill(): Promise<ProcessResult> {
    this.signal("SIGKILL");
    return await this.waitForExit(10_000);
  }

  /** Sends a signal; nothing happens when the process is gone. */
  signal(signal: Deno.Signal): void {
    if (this.#exit !== undefined) return;
    try {
      this.#child.kill(signal);
    } catch {
      // It ended in this very moment.
    }
  }

  /** Kills what still runs, so that `await using` leaves nothing behind. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#exit === undefined) await this.kill();
    await this.closeInput();
  }
}

/** Starts a program. Its output files are made anew, except that a second start of the same name adds to them. */
export async function startProcess(spec: ProcessSpec): Promise<ChildProcess> {
  await Deno.mkdir(spec.dir, { recursive: true });
  stopChildrenAtExit();
  const number = await nextNumber(spec);
  const base = `${spec.dir}/${spec.name}${number === 1 ? "" : `.${number}`}`;
  return new ChildProcess(spec, `${base}.out`, `${base}.err`);
}

/**
 * Polls until `probe` gives something other than undefined or false, and returns that.
 *
 * @throws {Error} "Gave up waiting for WHAT after N ms", with the text of `detail`; and whatever `probe` throws.
 */
export async function waitFor<T>(
  what: string,
  timeoutMs: number,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  detail?: () => string | Promise<string>,
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  while (true) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadlineMs) {
      const text = detail === undefined ? "" : `:\n${await detail()}`;
      throw new Error(`Gave up waiting for ${what} after ${timeoutMs} ms${text}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
  }
}

/** The first of NAME, NAME.2, NAME.3 … that has no output file yet: a restarted server keeps its earlier output. */
async function nextNumber(spec: ProcessSpec): Promise<number> {
  for (let number = 1;; number++) {
    const base = `${spec.dir}/${spec.name}${number === 1 ? "" : `.${number}`}`;
    try {
      await Deno.stat(`${base}.out`);
    } catch {
      await Deno.writeTextFile(`${base}.out`, "");
      return number;
    }
  }
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

let trapped = false;

function stopChildrenAtExit(): void {
  if (trapped) return;
  trapped = true;
  const killAll = () => live.forEach((child) => child.signal("SIGKILL"));
  globalThis.addEventListener("unload", killAll);
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      killAll();
      Deno.exit(signal === "SIGINT" ? 130 : 143);
    });
  }
}
