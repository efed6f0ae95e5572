/**
 * What processes cost the machine, from Linux's /proc: CPU time, the busiest thread, memory, bytes written, and how
 * busy the whole machine was. Elsewhere than on Linux there is nothing to read, and a benchmark fails there.
 *
 * @module
 */

/** Unit of CPU times in /proc; 100 a second on every Linux that Deno runs on. */
const TICK_US = 10_000;
const PAGE_BYTES = 4096;
const SAMPLE_INTERVAL_MS = 500;

/** What a process used between two moments. Shares are of one core: 1.5 is one and a half cores. */
export interface ProcessUse {
  readonly cpuUs: number;
  readonly cores: number;
  /** The share of the time for which the busiest thread ran: near 1, a single thread is the limit. */
  readonly busiestThread: number;
  /** Resident memory at the end, with pages of mapped files. */
  readonly rssMiB: number;
  /** Of that, memory that is the process's own: heap, stacks, buffers. */
  readonly anonymousMiB: number;
  /** Bytes that it caused to be written to disk. */
  readonly writtenBytes: number;
}

/** What happened between start and finish of a meter. */
export interface MeterReading {
  readonly elapsedMs: number;
  readonly broker: ProcessUse;
  readonly generator: ProcessUse;
  /** The share of all cores that was busy with anything, 0 to 1. */
  readonly machineBusy: number;
  /** The share of the time for which the busiest disk had something to do, 0 to 1. */
  readonly diskBusy: number;
}

interface Snapshot {
  readonly atMs: number;
  readonly cpuTicks: number;
  readonly threadTicks: ReadonlyMap<string, number>;
  readonly rssMiB: number;
  readonly anonymousMiB: number;
  readonly writtenBytes: number;
}

/** A running measurement of a broker and of the generator that drives it. Disposing of it ends it as well. */
export class Meter implements Disposable {
  readonly #brokerPid: number;
  readonly #generatorPid: number;
  readonly #broker: Snapshot;
  readonly #generator: Snapshot;
  readonly #machine: MachineTimes;
  readonly #disks: ReadonlyMap<string, number>;
  readonly #timer: number;
  readonly #brokerCpu: { atMs: number; ticks: number }[] = [];
  #latestGenerator: Snapshot;

  /** @throws {Error} when there is no such process, or no /proc. */
  constructor(brokerPid: number, generatorPid: number) {
    this.#brokerPid = brokerPid;
    this.#generatorPid = generatorPid;
    this.#machine = readMachine();
    this.#disks = readDisks();
    this.#broker = takeSnapshot(brokerPid);
    this.#generator = takeSnapshot(generatorPid);
    this.#latestGenerator = this.#generator;
    // The generator ends by itself, and with it its figures: the latest ones seen are kept.
    this.#timer = setInterval(() => this.#sample(), SAMPLE_INTERVAL_MS);
  }

  /** Microseconds of CPU time that the broker used between two moments of `performance.now()`, to the nearest sample. */
  brokerCpuUs(fromMs: number, toMs: number): number {
    const nearest = (atMs: number) =>
      this.#brokerCpu.reduce((best, sample) =>
        Math.abs(sample.atMs - atMs) < Math.abs(best.atMs - atMs) ? sample : best
      );
    if (this.#brokerCpu.length === 0) return 0;
    const [from, to] = [nearest(fromMs), nearest(toMs)];
    return (to.ticks - from.ticks) * TICK_US * (toMs - fromMs) / Math.max(1, to.atMs - from.atMs);
  }

  /** Ends the measurement. @throws {Error} when the broker is gone. */
  finish(): MeterReading {
    clearInterval(this.#timer);
    this.#sample();
    const machine = readMachine();
    const broker = takeSnapshot(this.#brokerPid);
    const total = machine.total - this.#machine.total;
    return {
      elapsedMs: broker.atMs - this.#broker.atMs,
      broker: useBetween(this.#broker, broker),
      generator: useBetween(this.#generator, this.#latestGenerator),
      diskBusy: Math.min(1, busiestDiskMs(this.#disks, readDisks()) / Math.max(1, broker.atMs - this.#broker.atMs)),
      machineBusy: total === 0 ? 0 : 1 - (machine.idle - this.#machine.idle) / total,
    };
  }

  /** Ends the measurement without a result. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #sample(): void {
    this.#brokerCpu.push({ atMs: performance.now(), ticks: cpuTicks(`/proc/${this.#brokerPid}/stat`) });
    try {
      this.#latestGenerator = takeSnapshot(this.#generatorPid);
    } catch {
      // It ended since the last sample.
    }
  }
}

/** The most resident memory that a process ever had, in MiB. @throws {Error} when it is gone. */
export function peakResidentMiB(pid: number): number {
  return Number(Deno.readTextFileSync(`/proc/${pid}/status`).match(/VmHWM:\s+(\d+)/)?.[1] ?? 0) / 1024;
}

/** Resident memory of a process in MiB. @throws {Error} when it is gone. */
export function residentMiB(pid: number): number {
  return takeSnapshot(pid).rssMiB;
}

/**
 * Nanoseconds of CPU time that all threads of a process have used so far, for short times and small shares. A thread that has
 * ended is missing. @throws {Error} when the process is gone.
 */
export function threadNs(pid: number): number {
  let ns = 0;
  for (const task of Deno.readDirSync(`/proc/${pid}/task`)) {
    try {
      ns += Number(Deno.readTextFileSync(`/proc/${pid}/task/${task.name}/schedstat`).split(" ")[0]);
    } catch {
      // The thread ended while the folder was read.
    }
  }
  return ns;
}

function useBetween(from: Snapshot, to: Snapshot): ProcessUse {
  const elapsedUs = Math.max(1, (to.atMs - from.atMs) * 1000);
  const cpuUs = (to.cpuTicks - from.cpuTicks) * TICK_US;
  const threads = Array.from(to.threadTicks, ([id, ticks]) => ticks - (from.threadTicks.get(id) ?? 0));
  return {
    cpuUs,
    cores: cpuUs / elapsedUs,
    busiestThread: Math.max(0, ...threads) * TICK_US / elapsedUs,
    rssMiB: to.rssMiB,
    anonymousMiB: to.anonymousMiB,
    writtenBytes: to.writtenBytes - from.writtenBytes,
  };
}

function takeSnapshot(pid: number): Snapshot {
  const threadTicks = new Map<string, number>();
  for (const task of Deno.readDirSync(`/proc/${pid}/task`)) {
    try {
      threadTicks.set(task.name, cpuTicks(`/proc/${pid}/task/${task.name}/stat`));
    } catch {
      // The thread ended while the folder was read.
    }
  }
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const io = Deno.readTextFileSync(`/proc/${pid}/io`);
  return {
    atMs: performance.now(),
    cpuTicks: cpuTicks(`/proc/${pid}/stat`),
    threadTicks,
    rssMiB: (statFields(`/proc/${pid}/stat`)[21] ?? 0) * PAGE_BYTES / 2 ** 20,
    anonymousMiB: Number(status.match(/RssAnon:\s+(\d+)/)?.[1] ?? 0) / 1024,
    writtenBytes: Number(io.match(/^write_bytes: (\d+)/m)?.[1] ?? 0),
  };
}

function cpuTicks(path: string): number {
  const fields = statFields(path);
  return (fields[11] ?? 0) + (fields[12] ?? 0);
}

/** The numbers behind the program's name, which may itself hold blanks and parentheses. */
function statFields(path: string): number[] {
  const text = Deno.readTextFileSync(path);
  return text.slice(text.lastIndexOf(")") + 2).split(" ").map(Number);
}

interface MachineTimes {
  readonly total: number;
  readonly idle: number;
}

function readMachine(): MachineTimes {
  const [line = ""] = Deno.readTextFileSync("/proc/stat").split("\n");
  const times = line.split(/\s+/).slice(1, 9).map(Number); // Guest times are contained in user time.
  return { total: times.reduce((sum, time) => sum + time, 0), idle: (times[3] ?? 0) + (times[4] ?? 0) };
}

/** Milliseconds for which each disk was busy so far. */
function readDisks(): Map<string, number> {
  const lines = Deno.readTextFileSync("/proc/diskstats").trimEnd().split("\n").map((line) => line.trim().split(/\s+/));
  return new Map(lines.map((fields) => [fields[2] ?? "", Number(fields[12] ?? 0)]));
}

function busiestDiskMs(from: ReadonlyMap<string, number>, to: ReadonlyMap<string, number>): number {
  return Math.max(0, ...Array.from(to, ([disk, ms]) => ms - (from.get(disk) ?? ms)));
}
