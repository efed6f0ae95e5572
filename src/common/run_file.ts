/**
 * How a server on this machine can be asked to end without the right to send it a signal: a process compiled without the
 * permission to run programs cannot send any.
 *
 * A server keeps a file `<role>-<pid>.run` in a directory that only its user can write to, and holds a lock on it, so that
 * one which is left behind by a killed process is told from a live one. Whoever may write there makes `<role>-<pid>.stop`;
 * the server sees it within {@linkcode POLL_PERIOD_MS}, removes both files and ends as after SIGTERM.
 *
 * RocketMQ counterpart: `mqshutdown`, which finds processes with `ps` and sends SIGTERM.
 *
 * @module
 */
import type { Clock } from "./clock.ts";
import type { Disk } from "./disk.ts";
import type { Environment } from "./environment.ts";
import { messageOf } from "./errors.ts";
import type { StopSignal } from "./stop_signal.ts";

/** How often a server looks for a request. One look costs microseconds. */
export const POLL_PERIOD_MS = 200;

/** What a server is. */
export type RunRole = "namesrv" | "broker";

/** Where run files are kept. */
export interface RunDirectory {
  readonly disk: Disk;
  /** Of the environment's user. */
  readonly path: string;
}

/** A server that said that it runs. */
export interface RunningServer {
  readonly role: RunRole;
  readonly pid: number;
}

/** What a server says about itself. */
export interface RunAnnouncement extends RunningServer {
  readonly clock: Clock;
  /** Called once, when somebody asks it to end. */
  readonly onStop: () => void;
}

/** The directory of run files of the user's processes. */
export function runDirectory(disk: Disk, environment: Environment): RunDirectory {
  return { disk, path: `${environment.userHome}/.rucola/run` };
}

/**
 * Says that a server runs, and watches for requests to end, until it is disposed of.
 *
 * @throws {DiskError} when the directory cannot be written; the server can then only be ended by a signal.
 */
export function announceRun(directory: RunDirectory, announcement: RunAnnouncement): Disposable {
  const { disk, path } = directory;
  const { clock, role, pid, onStop } = announcement;
  disk.makeDirectory(path);
  const file = runFile(directory, { role, pid });
  const request = stopFile(directory, { role, pid });
  disk.remove(request); // of an earlier process with this id
  const lock = disk.lock(file);
  const timer = clock.every(POLL_PERIOD_MS, () => {
    if (disk.stat(request) === null) return;
    end();
    onStop();
  });
  const end = () => {
    timer.cancel();
    disk.remove(request);
    disk.remove(file);
    lock?.release();
  };
  return { [Symbol.dispose]: end };
}

/** What {@linkcode announceProcess} needs of a process. */
export interface AnnouncedProcess {
  readonly directory: RunDirectory;
  readonly clock: Clock;
  readonly pid: number;
  readonly roles: readonly RunRole[];
  /** Is stopped when somebody asks for it. */
  readonly stopped: Pick<StopSignal, "stop">;
  /** Takes a line for the operator when requests to end will not be seen. */
  readonly warn: (text: string) => void;
}

/** {@linkcode announceRun} for each role of a process, which goes on with a warning where that is not possible. */
export function announceProcess(process: AnnouncedProcess): Disposable {
  const { directory, clock, pid, roles, stopped, warn } = process;
  const announced = new DisposableStack();
  try {
    for (const role of roles) announced.use(announceRun(directory, { role, pid, clock, onStop: () => stopped.stop() }));
  } catch (error) {
    warn(`rucola shutdown will not find this process: ${messageOf(error)}`);
  }
  return announced;
}

/** The servers of a role that run. Files of processes that were killed are removed. */
export function runningServers(directory: RunDirectory, role: RunRole): RunningServer[] {
  const running: RunningServer[] = [];
  for (const { name } of directory.disk.list(directory.path)) {
    const match = /^([a-z]+)-(\d+)\.run$/.exec(name);
    if (match === null || match[1] !== role) continue;
    const server = { role, pid: Number(match[2]) };
    const lock = directory.disk.lock(runFile(directory, server));
    if (lock === null) {
      running.push(server);
      continue;
    }
    directory.disk.remove(stopFile(directory, server));
    directory.disk.remove(runFile(directory, server));
    lock.release();
  }
  return running;
}

/** The servers of the user that run, for messages: `broker with process id 4711`. */
export function runningOfUser(directory: RunDirectory): string[] {
  const all = [...runningServers(directory, "namesrv"), ...runningServers(directory, "broker")];
  return all.map(({ role, pid }) => `${role} with process id ${pid}`);
}

/** Asks a server to end. @throws {DiskError} when the directory is not ours to write to. */
export function requestStop(directory: RunDirectory, server: RunningServer): void {
  directory.disk.open(stopFile(directory, server), { create: true }).close();
}

function runFile({ path }: RunDirectory, { role, pid }: RunningServer): string {
  return `${path}/${role}-${pid}.run`;
}

function stopFile({ path }: RunDirectory, { role, pid }: RunningServer): string {
  return `${path}/${role}-${pid}.stop`;
}
