/**
 * Several brokers in one process, each in a worker with its own event loop, port and store: how one machine's cores are used.
 * A broker that dies takes none of the others with it and is started again, after a pause that grows while it keeps failing.
 *
 * RocketMQ counterpart: `BrokerContainer`, as operators use it to run several brokers on a host.
 *
 * @module
 */
import { SystemClock } from "../common/clock.ts";
import { DenoDisk } from "../common/disk_deno.ts";
import { systemEnvironment } from "../common/environment.ts";
import { ConfigError } from "../common/options.ts";
import { printError } from "../common/terminal.ts";
import { checkApart } from "./broker_group_check.ts";
import { type BrokerArguments, openBrokerConfiguration, type RunHost } from "./broker_run.ts";
import type { FromWorker, ToWorker } from "./broker_worker.ts";

const RESTART_PAUSE_MS = 1000;
const RESTART_PAUSE_MAX_MS = 30_000;
/** A broker that lived this long begins again with the shortest pause. */
const HEALTHY_MS = 60_000;

/**
 * Runs a broker for each `-c` until the process is stopped; resolves to the exit code.
 *
 * @throws {ConfigError} when a file cannot be used, or two brokers would share something; none is started then.
 */
export async function runBrokerGroup(given: BrokerArguments, host: RunHost): Promise<number> {
  const disk = new DenoDisk();
  const environment = systemEnvironment();
  const files = given.configFile ?? [];
  for (const file of files) {
    if (!disk.stat(file)?.isStream) continue;
    const why = "is a pipe, which can be read only once; with several -c each must be a file";
    throw new ConfigError([], `${file} ${why}, for its broker may be started again`);
  }
  const each = files.map((file): BrokerArguments => ({ ...given, configFile: [file] }));
  checkApart(files, each.map((one) => openBrokerConfiguration(disk, environment, one).settings));
  if (given.print !== undefined || given.printImportant !== undefined) {
    throw new ConfigError([], "-p and -m print one broker: give one -c");
  }
  const warn = (text: string) => printError(`warning: ${text}`);
  const manager = host.manager(environment, warn);
  const members = each.map((one, at) => new Member(files[at]!, one));
  using hangup = host.hangup({
    reload: () => members.forEach((member) => member.reload()),
    end: () => host.stopped.stop(),
  });
  const ends = Promise.all(members.map((member) => member.run()));
  using _announced = host.announce(disk, environment, warn);
  Promise.all(members.map((member) => member.ready)).then(() => manager.ready(`${members.length} brokers serve`));
  hangup.started();
  await Promise.race([host.stopped.promise, ends]);
  manager.stopping();
  for (const member of members) member.stop();
  const codes = await ends;
  host.stopped.ignore();
  return Math.max(...codes);
}

/** One broker of the group, through all its lives. */
class Member {
  readonly #name: string;
  readonly #given: BrokerArguments;
  readonly #clock = new SystemClock();
  readonly #ready = Promise.withResolvers<void>();
  readonly #stopped = new AbortController();
  #worker: Worker | null = null;

  constructor(name: string, given: BrokerArguments) {
    this.#name = name;
    this.#given = given;
  }

  /** Resolves when it has served for the first time. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Lives, again and again, until it is stopped; resolves to its exit code. */
  async run(): Promise<number> {
    for (let pauseMs = RESTART_PAUSE_MS;;) {
      const bornMs = this.#clock.monotonicMs();
      const { code, error, isFinal } = await this.#live();
      if (error !== null) printError(`rucola broker: ${this.#name}: ${error}`);
      if (this.#stopped.signal.aborted || isFinal) return code;
      if (this.#clock.monotonicMs() - bornMs > HEALTHY_MS) pauseMs = RESTART_PAUSE_MS;
      printError(`rucola broker: ${this.#name} has ended; it is started again in ${pauseMs / 1000} s`);
      await this.#clock.sleep(pauseMs, this.#stopped.signal).catch(() => {});
      if (this.#stopped.signal.aborted) return code;
      pauseMs = Math.min(pauseMs * 2, RESTART_PAUSE_MAX_MS);
    }
  }

  /** Has it read its configuration again. */
  reload(): void {
    this.#tell({ kind: "reload" });
  }

  /** Ends it for good. */
  stop(): void {
    this.#stopped.abort();
    this.#tell({ kind: "stop" });
  }

  #tell(message: ToWorker): void {
    this.#worker?.postMessage(message);
  }

  /** One life; never rejects. */
  #live(): Promise<{ code: number; error: string | null; isFinal: boolean }> {
    return new Promise((resolve) => {
      const worker = new Worker(new URL("./broker_worker.ts", import.meta.url), { type: "module", name: this.#name });
      this.#worker = worker;
      worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
        if (data.kind === "ready") this.#ready.resolve();
        else resolve(data);
      };
      worker.onerror = (event) => {
        event.preventDefault(); // the others go on
        worker.terminate();
        resolve({ code: 255, error: event.message, isFinal: false });
      };
      this.#tell({ kind: "start", given: this.#given });
      if (this.#stopped.signal.aborted) this.#tell({ kind: "stop" });
    });
  }
}
