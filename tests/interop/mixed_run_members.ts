/**
 * The consumers of the mixed run: two Java processes, each with members of every group, which join and leave. Member
 * names are new each time, except of broadcasting members, whose progress is kept under their name.
 *
 * @module
 */
import { startJava } from "../../scripts/interop/java_process.ts";
import type { ChildProcess } from "../../scripts/interop/process.ts";
import { BROADCAST_MEMBERS, GROUPS } from "./mixed_run_ledger.ts";

const JOIN_TIMEOUT_MS = 60_000;
const MOST_MEMBERS = 4;
const BROADCAST_GROUP = "MixedBroadcast";

interface Member {
  readonly name: string;
  readonly group: string;
  readonly process: number;
}

/** Who consumes now. */
export class Members implements AsyncDisposable {
  /** How many joined and left. */
  joined = 0;
  left = 0;
  readonly #dir: string;
  readonly #namesrvAddr: string;
  readonly #processes: ChildProcess[] = [];
  #members: Member[] = [];
  #names = 0;

  private constructor(dir: string, namesrvAddr: string) {
    this.#dir = dir;
    this.#namesrvAddr = namesrvAddr;
  }

  /** Starts both processes with a member of each group in each. @param dir the files `received-N.txt` go there. */
  static async start(dir: string, namesrvAddr: string): Promise<Members> {
    const members = new Members(dir, namesrvAddr);
    for (const process of BROADCAST_MEMBERS.keys()) members.#processes.push(await members.#startProcess(process));
    const first = BROADCAST_MEMBERS.flatMap((name, process) =>
      GROUPS.map(({ name: group }) => ({
        name: group === BROADCAST_GROUP ? name : members.#newName(group),
        group,
        process,
      }))
    );
    await Promise.all(first.map((member) => members.#join(member)));
    return members;
  }

  /** The files in which deliveries are written down. */
  get files(): string[] {
    return BROADCAST_MEMBERS.map((_, process) => this.#file(process));
  }

  /** How many members a group has. */
  count(group: string): number {
    return this.#members.filter((member) => member.group === group).length;
  }

  /** Lets a member of a random group join or leave; every group keeps one at least. */
  async change(): Promise<void> {
    const group = pick(GROUPS)?.name ?? "";
    const process = Math.floor(Math.random() * this.#processes.length);
    if (group === BROADCAST_GROUP) {
      const gone = BROADCAST_MEMBERS.findIndex((name) => !this.#members.some((member) => member.name === name));
      const name = BROADCAST_MEMBERS[gone];
      if (name !== undefined) return await this.#join({ name, group, process: gone });
    }
    const present = this.#members.filter((member) => member.group === group);
    const grow = present.length < 2 || (present.length < MOST_MEMBERS && Math.random() < 0.5);
    const leaving = pick(present);
    if (!grow || group === BROADCAST_GROUP) return leaving === undefined ? undefined : await this.#leave(leaving);
    await this.#join({ name: this.#newName(group), group, process });
  }

  /** Kills a process with all its members and starts it again with the same ones. */
  async killProcess(process: number): Promise<void> {
    await this.#processes[process]?.kill();
    const killed = this.#members.filter((member) => member.process === process);
    this.#members = this.#members.filter((member) => member.process !== process);
    this.#processes[process] = await this.#startProcess(process);
    await Promise.all(killed.map((member) => this.#join(member)));
  }

  /** Brings back broadcasting members that are away: they too are to get the rest. */
  async complete(): Promise<void> {
    for (const [process, name] of BROADCAST_MEMBERS.entries()) {
      if (this.#members.some((member) => member.name === name)) continue;
      await this.#join({ name, group: BROADCAST_GROUP, process });
    }
  }

  /** Lets all leave in order. */
  async end(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.closeInput()));
    await Promise.all(this.#processes.map((process) => process.waitForExit(JOIN_TIMEOUT_MS)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map((process) => process[Symbol.asyncDispose]()));
  }

  async #startProcess(process: number): Promise<ChildProcess> {
    const started = await startJava({
      version: "5.5.0",
      dir: `${this.#dir}/consumers-${process}`,
      mainClass: "MixedRunConsumer",
      args: [this.#namesrvAddr, this.#file(process)],
    });
    await started.waitForOutput(/ready/, JOIN_TIMEOUT_MS);
    return started;
  }

  #file(process: number): string {
    return `${this.#dir}/received-${process}.txt`;
  }

  #newName(group: string): string {
    return `${group}-${this.#names++}`;
  }

  async #join(member: Member): Promise<void> {
    this.#members.push(member);
    this.joined++;
    await this.#order(member, "join", "joined");
  }

  async #leave(member: Member): Promise<void> {
    this.#members = this.#members.filter((other) => other !== member);
    this.left++;
    await this.#order(member, "leave", "left");
  }

  /** A broadcasting member joins under the same name more than once, so the answers are counted. */
  async #order(member: Member, command: string, answer: string): Promise<void> {
    const process = this.#processes[member.process];
    if (process === undefined) throw new Error(`No process ${member.process}`);
    const answers = (await process.stdout()).split(`${answer} ${member.name}\n`).length;
    await process.writeLine(`${command} ${member.group} ${member.name}`);
    await process.waitForOutput(new RegExp(`(${answer} ${member.name}\n[^]*){${answers}}`), JOIN_TIMEOUT_MS);
  }
}

function pick<T>(items: readonly T[]): T | undefined {
  return items[Math.floor(Math.random() * items.length)];
}
