/**
 * Who may do what with a file: the part of the file system that the store does without, and an installation needs.
 *
 * @module
 */
import { DiskError, messageOf } from "./errors.ts";

/** Permissions and owners. */
export interface DiskModes {
  /** Sets the permission bits; nothing happens where a system has none. @throws {DiskError} */
  setMode(path: string, mode: number): void;
  /** Gives a file to a user and a group. @throws {DiskError} when only root may. */
  setOwner(path: string, owner: { readonly uid: number; readonly gid: number }): void;
}

/** Those of the machine. */
export const DENO_DISK_MODES: DiskModes = {
  setMode(path, mode) {
    if (Deno.build.os === "windows") return;
    attempt(path, "set the permissions", () => Deno.chmodSync(path, mode));
  },
  setOwner(path, { uid, gid }) {
    attempt(path, `give it to user ${uid}`, () => Deno.chownSync(path, uid, gid));
  },
};

function attempt(path: string, what: string, action: () => void): void {
  try {
    action();
  } catch (error) {
    const fault = error instanceof Deno.errors.NotFound ? "not-found" : "permission";
    throw new DiskError(fault, path, what, new Error(messageOf(error)));
  }
}
