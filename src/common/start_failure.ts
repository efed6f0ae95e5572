/**
 * Says which setting a failed start comes from: an operator is told the line of the file, what is wrong with what stands
 * there, and what to do, and not only the words of the system.
 *
 * Ours: RocketMQ prints a stack trace.
 *
 * @module
 */
import { DiskError, type DiskFault, ListenError, messageOf } from "./errors.ts";
import type { NetworkInterface } from "./net.ts";
import { formatValue, type OptionPart } from "./options.ts";

/** What a start that failed was made of. */
export interface StartFacts {
  /** All options with their values. */
  readonly parts: readonly OptionPart[];
  /** Where each option that was set was set: `file:line` or `command line`. */
  readonly assigned: ReadonlyMap<string, string>;
  /** Keys of the ports that are listened on, with a remark behind where the port is not the key's value itself. */
  readonly ports: readonly PortOfKey[];
  /** Directories that are no option's value but come from one, e.g. that of the logs. */
  readonly directories?: ReadonlyMap<string, string>;
  /** The addresses of this machine. */
  readonly interfaces: () => readonly NetworkInterface[];
  /** Servers of this user that run, e.g. `broker with process id 4711`. */
  readonly running: () => readonly string[];
}

/** A port, and the key that it comes from. */
export interface PortOfKey {
  readonly port: number;
  readonly key: string;
  /** E.g. `its VIP port`. */
  readonly remark?: string;
}

/** A start that failed, told with the setting that it comes from; `cause` is what was thrown. */
export class StartError extends Error {
  override readonly name = "StartError";
}

const DISK_ADVICE: Readonly<Partial<Record<DiskFault, string>>> = {
  permission: "let the user that runs this write there, or set another directory",
  "read-only": "set a directory on a file system that can be written (a systemd unit needs it in ReadWritePaths)",
  "no-space": "make room there, or set another directory",
  "not-found": "set a directory that can be made",
  io: "set a directory that can be made and written",
};

/** What was thrown, with setting and advice where it comes from one; anything else as it is. */
export function explainStartFailure(error: unknown, facts: StartFacts): unknown {
  if (error instanceof ListenError) return explainListen(error, facts);
  if (error instanceof DiskError) return explainDisk(error, facts);
  return error;
}

function explainListen(error: ListenError, facts: StartFacts): StartError {
  const { port } = error.address;
  const own = facts.ports.find((each) => each.port === port);
  const remark = own?.remark === undefined ? "" : ` (${own.remark})`;
  if (error.reason === "foreign-address" || error.reason === "no-address") {
    const addresses = facts.interfaces().map(({ address }) => address).join(", ");
    const advice = error.reason === "foreign-address"
      ? `this machine's addresses are ${addresses}; 0.0.0.0 listens on all of them`
      : `an address of this machine is expected (${addresses}), or a name of one; 0.0.0.0 listens on all of them`;
    return placed(error, "bindAddress", facts, `${messageOf(error)}; ${advice}`);
  }
  return placed(error, own?.key ?? "listenPort", facts, `${messageOf(error)}${remark}${portAdvice(error, facts)}`);
}

function portAdvice({ reason, address }: ListenError, facts: StartFacts): string {
  if (reason === "not-allowed") return "; ports below 1024 take root or CAP_NET_BIND_SERVICE";
  if (reason !== "taken") return "";
  return `; ${whoHasPort(address.port, facts.running())}: end that, or set another port`;
}

/** How to find out who listens on a port. @param running servers of this user. */
export function whoHasPort(port: number, running: readonly string[]): string {
  return `\`ss -ltnp 'sport = :${port}'\` shows who has it${own(running)}`;
}

/** What to do about a store that another process has open. @param running servers of this user. @param orElse the other way. */
export function endOrElse(running: readonly string[], orElse: string): string {
  return `end it${own(running)}, or ${orElse}`;
}

function own(running: readonly string[]): string {
  return running.length === 0 ? "" : ` (of this user's servers there run: ${running.join(", ")})`;
}

function explainDisk(error: DiskError, facts: StartFacts): unknown {
  const directories = new Map(facts.directories);
  for (const [table, values] of facts.parts) {
    for (const [key, option] of Object.entries(table)) {
      const value = values[key];
      if (option.isPath && typeof value === "string" && value !== "") directories.set(key, value);
    }
  }
  const holders = [...directories].filter(([, path]) => error.path === path || error.path.startsWith(`${path}/`));
  const longestFirst = holders.toSorted(([, a], [, b]) => b.length - a.length);
  // A path that follows from another one's is not what its author wrote.
  const key = longestFirst.find(([each]) => facts.assigned.has(each))?.[0] ?? longestFirst.at(-1)?.[0];
  if (key === undefined) return error;
  const advice = error.fault === "locked"
    ? endOrElse(facts.running(), "set another directory")
    : DISK_ADVICE[error.fault];
  return placed(error, key, facts, advice === undefined ? messageOf(error) : `${messageOf(error)}; ${advice}`);
}

function placed(cause: Error, key: string, facts: StartFacts, message: string): StartError {
  const place = facts.assigned.get(key) ?? "default";
  return new StartError(`${place}: ${key}=${valueOf(key, facts)}: ${message}`, { cause });
}

function valueOf(key: string, { parts, directories }: StartFacts): string {
  for (const [table, values] of parts.toReversed()) {
    const option = table[key];
    const value = values[key];
    if (option !== undefined && value !== undefined && value !== null) return formatValue(option, value);
  }
  return directories?.get(key) ?? "";
}
