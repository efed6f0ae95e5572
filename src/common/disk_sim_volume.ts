/**
 * The file tree of a simulated disk. Every directory has its names twice, as processes see them and as they are on the
 * device; creations, renames and removals lie in one ordered list until a sync of their directory covers them.
 *
 * Only `disk_sim.ts` and `disk_sim_file.ts` use this file. Paths are absolute or taken from the root.
 *
 * @module
 */
import { PAGE_BYTES, type SimContent, type WritesPolicy } from "./disk_sim_content.ts";
import { DiskFaults } from "./disk_sim_faults.ts";
import { DiskError } from "./errors.ts";
import type { Random } from "./random.ts";

/** What becomes of everything unsynced when the power fails. */
export interface CrashPolicy extends WritesPolicy {
  /** As `writes`, for creations, renames and removals. */
  readonly names: "none" | "all" | "prefix" | "subset";
}

/** A file or a directory. */
export class SimNode {
  /** Names as processes see them. */
  readonly children = new Map<string, SimNode>();
  /** Names on the device. */
  readonly durableChildren = new Map<string, SimNode>();
  /** Open files; a removed file keeps its room until the last is closed. */
  handles = 0;
  linked = true;
  lockedBy: unknown = null;
  /** Who has the file open and is not kept out by locks. */
  rival: string | null = null;

  /** @param content null for a directory. */
  constructor(readonly content: SimContent | null, public modifiedMs: number) {}
}

/** One name set to a node, or (null) taken from the node `was`. */
interface NameEdit {
  readonly directory: SimNode;
  readonly name: string;
  readonly node: SimNode | null;
  readonly was: SimNode | null;
}

/** A volume's tree, room and faults. */
export class SimVolume {
  readonly root: SimNode;
  readonly faults = new DiskFaults();
  /** True after a power loss: this volume is the past of another one. */
  lost = false;
  /** Pages taken by files. */
  usedPages = 0;
  /** Each entry is atomic: a rename is two edits. */
  #unsyncedNames: NameEdit[][] = [];

  /** @param capacityBytes room for files; may change at any time. */
  constructor(public capacityBytes: number, root: SimNode = new SimNode(null, 0)) {
    this.root = root;
  }

  /** The node of a path, or null. */
  find(path: string): SimNode | null {
    let node: SimNode | undefined = this.root;
    for (const part of partsOf(path)) node = node?.children.get(part);
    return node ?? null;
  }

  /** The directory that holds (or would hold) a path's last part. @throws {DiskError} not-found */
  parentOf(path: string, attempted: string): { directory: SimNode; name: string } {
    const parts = partsOf(path);
    const name = parts.pop();
    const directory = name === undefined ? null : this.find(parts.join("/"));
    if (name === undefined || directory === null) throw new DiskError("not-found", path, attempted);
    if (directory.content !== null) throw new DiskError("io", path, attempted, new Error("not a directory"));
    return { directory, name };
  }

  /** Sets or (null) removes names, all or none. */
  edit(edits: readonly { directory: SimNode; name: string; node: SimNode | null }[]): void {
    const done: NameEdit[] = [];
    for (const { directory, name, node } of edits) {
      const was = directory.children.get(name) ?? null;
      if (node === null) directory.children.delete(name);
      else directory.children.set(name, node);
      done.push({ directory, name, node, was });
    }
    this.#unsyncedNames.push(done);
    for (const { was } of done) if (was !== null) was.linked = false;
    for (const { node } of done) if (node !== null) node.linked = true;
    for (const { was } of done) if (was !== null) this.freeIfUnused(was);
  }

  /** Room that is left, in pages. */
  get freePages(): number {
    return Math.max(0, Math.floor(this.capacityBytes / PAGE_BYTES) - this.usedPages);
  }

  /** Gives back the room of a file that has neither name nor open handle. */
  freeIfUnused(node: SimNode): void {
    if (!node.linked && node.handles === 0) this.usedPages -= node.content?.pages ?? 0;
  }

  /** Brings the names of one directory, or (null) of all, to the device. */
  syncNames(directory: SimNode | null): void {
    this.#unsyncedNames = this.#unsyncedNames.filter((edits) => {
      const covered = directory === null || edits.some((edit) => edit.directory === directory);
      if (covered) applyEdits(edits, (node) => node.durableChildren);
      return !covered;
    });
  }

  /** Brings everything to the device. */
  syncAll(): void {
    this.syncNames(null);
    const sync = (node: SimNode) => {
      node.content?.makeDurable(node.content.mark());
      for (const child of node.children.values()) sync(child);
    };
    sync(this.root);
  }

  /** What is found after the power failed now. This volume stays as it is. */
  afterPowerLoss(policy: CrashPolicy, random: Random): SimVolume {
    const names = new Map<SimNode, Map<string, SimNode>>();
    const namesOf = (node: SimNode) => {
      let found = names.get(node);
      if (found === undefined) names.set(node, found = new Map(node.durableChildren));
      return found;
    };
    const survivors = policy.names === "prefix" ? random.int(this.#unsyncedNames.length + 1) : 0;
    this.#unsyncedNames.forEach((edits, index) => {
      const survives = policy.names === "all" || index < survivors ||
        (policy.names === "subset" && random.int(2) === 0);
      if (survives) applyEdits(edits, namesOf);
    });

    const copies = new Map<SimNode, SimNode>();
    const copyOf = (node: SimNode): SimNode => {
      const known = copies.get(node);
      if (known !== undefined) return known;
      const copy = new SimNode(node.content?.afterPowerLoss(policy, random) ?? null, node.modifiedMs);
      copies.set(node, copy);
      for (const [name, child] of namesOf(node)) {
        copy.children.set(name, copyOf(child));
        copy.durableChildren.set(name, copyOf(child));
      }
      return copy;
    };
    const found = new SimVolume(this.capacityBytes, copyOf(this.root));
    for (const copy of copies.values()) found.usedPages += copy.content?.pages ?? 0;
    return found;
  }
}

function applyEdits(edits: readonly NameEdit[], namesOf: (node: SimNode) => Map<string, SimNode>): void {
  for (const { directory, name, node, was } of edits) {
    const names = namesOf(directory);
    if (node !== null) names.set(name, node);
    else if (names.get(name) === was) names.delete(name);
  }
}

/** The parts of a path, without empty ones. */
export function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}
