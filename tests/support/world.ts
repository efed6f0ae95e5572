/**
 * A whole cluster in one test: machines with disks, processes on them, one network and one virtual time, all drawn from
 * one seed.
 *
 * ```ts
 * const world = simWorld(42);
 * await world.run(async () => {
 *   const broker = world.machine("broker-a").boot();
 *   // … new Broker({ clock: broker.clock, disk: broker.disk, net: broker.net, … })
 *   await world.until(() => registered, "the registration");
 *   broker.kill();
 * });
 * ```
 *
 * Inside {@linkcode SimWorld.run} a test awaits as usual; time moves by itself whenever nothing else can happen. A process that
 * is killed does nothing more: its timers are dropped, its calls to disk and network never settle.
 *
 * @module
 */
import { javaHash } from "../../src/common/bytes.ts";
import { type Clock, sleepOn, type Timer } from "../../src/common/clock.ts";
import { SimClock } from "../../src/common/clock_sim.ts";
import { CRASH, SimDisk, type SimDiskOptions } from "../../src/common/disk_sim.ts";
import type { CrashPolicy } from "../../src/common/disk_sim_volume.ts";
import { formatLogLine, Logging, type LogRecord, MemorySink } from "../../src/common/logger.ts";
import { SimNet, type SimNetOptions } from "../../src/common/net_sim.ts";
import type { SimHost } from "../../src/common/net_sim_host.ts";
import { type Random, SeededRandom } from "../../src/common/random.ts";

/** Log lines shown when a run fails. */
const SHOWN_LINES = 40;
/** Real time that untracked asynchronous work (a digest, a dynamic import) may take before it counts as a deadlock. */
const DEADLOCK_GRACE_MS = 500;

/** Properties of a world. */
export interface SimWorldOptions {
  /** The network's. */
  readonly net?: Partial<Omit<SimNetOptions, "clock" | "random">>;
  /** Those of every disk. */
  readonly disk?: Partial<Omit<SimDiskOptions, "clock" | "random">>;
  /** Virtual time that a run may take; 10 minutes by default. */
  readonly limitMs?: number;
}

/** Makes an empty world; the same seed gives the same run. */
export function simWorld(seed: number, options: SimWorldOptions = {}): SimWorld {
  return new SimWorld(seed, options);
}

/** Machines, a network and a time. */
export class SimWorld {
  readonly clock = new SimClock();
  readonly net: SimNet;
  /** Lines of all processes, with time and process in front. */
  readonly logLines: string[] = [];
  readonly #machines = new Map<string, WorldMachine>();

  constructor(readonly seed: number, readonly options: SimWorldOptions) {
    this.net = new SimNet({ ...options.net, clock: this.clock, random: this.random("net") });
  }

  /** A source of chance of its own, so that one part's use does not change another's numbers. */
  random(name: string): Random {
    return new SeededRandom(Math.imul(this.seed, 0x9e3779b1) ^ javaHash(name));
  }

  /** The machine of that name, made at first mention. */
  machine(name: string): WorldMachine {
    let machine = this.#machines.get(name);
    if (machine === undefined) {
      machine = new WorldMachine(this, name, `10.0.0.${this.#machines.size + 1}`);
      this.#machines.set(name, machine);
    }
    return machine;
  }

  /** Waits, inside a run, until `condition` holds, asking every virtual millisecond. @throws when it never does. */
  async until(condition: () => boolean, what: string, limitMs = 60_000): Promise<void> {
    const endMs = this.clock.monotonicMs() + limitMs;
    while (!condition()) {
      if (this.clock.monotonicMs() >= endMs) throw new Error(`Waited ${limitMs} ms of virtual time for ${what}`);
      await this.clock.sleep(1);
    }
  }

  /**
   * Runs a test on virtual time and returns what it returns. When it fails, the seed and the last log lines are printed.
   *
   * @throws what the test or any timer throws; an error that says so when the test waits for something that nothing can
   * bring about any more, or longer than the limit.
   */
  async run<T>(test: (world: SimWorld) => Promise<T>): Promise<T> {
    let finished = false;
    // Begun by a promise, so that time has its driver already when the test's first lines run.
    const result = Promise.resolve().then(() => test(this)).finally(() => finished = true);
    result.catch(() => {}); // awaited below, unless time fails first
    try {
      await this.#drive(() => finished);
      return await result;
    } catch (error) {
      const lines = this.logLines.slice(-SHOWN_LINES).map((line) => `  ${line}`);
      const atMs = this.clock.monotonicMs();
      console.error([`The simulation failed at ${atMs} ms, seed ${this.seed}.`, ...lines].join("\n"));
      throw error;
    }
  }

  async #drive(finished: () => boolean): Promise<void> {
    const limitMs = this.clock.monotonicMs() + (this.options.limitMs ?? 600_000);
    await this.clock.runUntil(() => true, 0); // lets the test begin
    while (!finished()) {
      const nextMs = this.clock.nextTimerMs;
      if (nextMs !== null && nextMs > limitMs) {
        throw new Error(`The test did not finish by ${limitMs} ms; ${this.clock.pendingTimers} timers are waiting`);
      }
      if (await this.clock.step()) continue;
      if (finished() || await this.#somethingHappens(finished)) continue;
      throw new Error("Deadlock: the test waits, but no timer is waiting and nothing is under way");
    }
  }

  /** Gives real asynchronous work that nobody tracked its time. */
  async #somethingHappens(finished: () => boolean): Promise<boolean> {
    const endMs = performance.now() + DEADLOCK_GRACE_MS;
    while (performance.now() < endMs) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      if (finished() || this.clock.nextTimerMs !== null) return true;
    }
    return false;
  }
}

/** A machine of a {@link SimWorld}. */
export class WorldMachine {
  /** What the machine stores, for tests to look at and to spoil. Replaced by another when the power fails. */
  disk: SimDisk;
  readonly #world: SimWorld;
  readonly #processes = new Set<SimProcess>();
  #boots = 0;

  constructor(world: SimWorld, readonly name: string, readonly ip: string) {
    this.#world = world;
    this.disk = new SimDisk({ ...world.options.disk, clock: world.clock, random: world.random(`disk ${name}`) });
    world.net.host(name, ip);
  }

  /** Starts a process. @param processName shown in the log; the machine's by default. */
  boot(processName = this.name): SimProcess {
    const boot = ++this.#boots;
    const process: SimProcess = new SimProcess({
      name: processName,
      world: this.#world,
      disk: this.disk.anotherProcess(),
      net: this.#world.net.host(this.name, this.ip),
      random: this.#world.random(`${this.name} ${processName} ${boot}`),
      onEnd: () => this.#processes.delete(process),
    });
    this.#processes.add(process);
    return process;
  }

  /** The power fails: all processes are gone, and of what was not synced there is left what the policy says. */
  powerOff(policy: CrashPolicy = CRASH.dropUnsynced): void {
    for (const process of this.#processes) process.vanish();
    this.#world.net.powerOff(this.name);
    this.disk = this.disk.crash(policy);
  }

  /** The power is back; processes must be booted. */
  powerOn(): void {
    this.#world.net.powerOn(this.name);
  }
}

/** What a process is made of. */
interface ProcessParts {
  readonly name: string;
  readonly world: SimWorld;
  readonly disk: SimDisk;
  readonly net: SimHost;
  readonly random: Random;
  readonly onEnd: () => void;
}

/** A process on a machine: the world as our programs are given it. */
export class SimProcess {
  readonly name: string;
  readonly clock: Clock;
  readonly disk: SimDisk;
  readonly net: SimHost;
  readonly random: Random;
  readonly logging: Logging;
  /** What it logged. */
  readonly records = new MemorySink();
  readonly #mortalClock: MortalClock;
  readonly #onEnd: () => void;

  constructor({ name, world, disk, net, random, onEnd }: ProcessParts) {
    this.name = name;
    this.clock = this.#mortalClock = new MortalClock(world.clock);
    this.disk = disk;
    this.net = net;
    this.random = random;
    this.#onEnd = onEnd;
    this.logging = new Logging({
      clock: this.clock,
      sink: {
        write: (record: LogRecord) => {
          this.records.write(record);
          world.logLines.push(
            `${world.clock.monotonicMs().toFixed(2)} ms [${name}] ${formatLogLine(record).trimEnd()}`,
          );
        },
        flush() {},
        close() {},
      },
    });
  }

  /** As `kill -9`: what it wrote to files stays, its connections are closed by the system. */
  kill(): void {
    this.#mortalClock.stop();
    this.net.kill();
    this.disk.kill();
    this.#onEnd();
  }

  /** Ends with its machine. */
  vanish(): void {
    this.#mortalClock.stop();
    this.#onEnd();
  }
}

/** A clock whose timers end with their process. */
class MortalClock implements Clock {
  #stopped = false;

  constructor(readonly inner: SimClock) {}

  stop(): void {
    this.#stopped = true;
  }

  now(): number {
    return this.inner.now();
  }

  monotonicMs(): number {
    return this.inner.monotonicMs();
  }

  after(delayMs: number, fn: () => void): Timer {
    if (this.#stopped) return { cancel() {} };
    return this.inner.after(delayMs, () => {
      if (!this.#stopped) fn();
    });
  }

  every(periodMs: number, fn: () => void): Timer {
    if (this.#stopped) return { cancel() {} };
    const timer = this.inner.every(periodMs, () => {
      if (this.#stopped) timer.cancel();
      else fn();
    });
    return timer;
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, delayMs, signal);
  }
}
