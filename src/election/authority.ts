/**
 * What an election asks of the authority that decides it: keys with revisions, transactions that compare them, leases.
 * `etcd.ts` is the implementation, `authority_sim.ts` one on virtual time for tests.
 *
 * All answers are linearizable: a read sees every transaction that was answered before it was asked.
 *
 * @module
 */

/** A key as it is now. */
export interface KeyValue {
  readonly key: string;
  readonly value: string;
  /** Revision of the transaction that made it. */
  readonly createRevision: number;
  /** Revision of the transaction that changed it last. */
  readonly modRevision: number;
  /** Id of the lease that it ends with; empty for none. */
  readonly lease: string;
}

/** A condition of a transaction: the key was made, or changed last, at that revision; 0 stands for no such key. */
export interface Compare {
  readonly key: string;
  readonly target: "CREATE" | "MOD";
  readonly revision: number;
}

/** Writes that happen together when all conditions hold, or not at all. */
export interface Transaction {
  readonly compare: readonly Compare[];
  readonly puts?: readonly { readonly key: string; readonly value: string; readonly lease?: string }[];
  readonly deletes?: readonly string[];
}

/** How a transaction ended. */
export interface Committed {
  /** Whether the conditions held. */
  readonly succeeded: boolean;
  /** The revision of what was written. */
  readonly revision: number;
}

/** The authority cannot be asked, or refuses. */
export class AuthorityError extends Error {
  override readonly name = "AuthorityError";

  /** @param isUnknown whether what was asked may have happened all the same, or may still happen. */
  constructor(message: string, readonly isUnknown: boolean, cause?: unknown) {
    super(message, { cause });
  }
}

/** The authority. Everything may throw an {@link AuthorityError}. */
export interface Authority {
  /** All keys that begin with `prefix`. */
  read(prefix: string): Promise<readonly KeyValue[]>;
  /** Does a transaction. */
  commit(transaction: Transaction): Promise<Committed>;
  /** Makes a lease that ends `ttlSec` seconds after it was last kept alive; returns its id. */
  grantLease(ttlSec: number): Promise<string>;
  /** Keeps a lease alive; returns for how many seconds from now at least, 0 when it has ended. */
  keepAlive(lease: string): Promise<number>;
  /** Ends a lease with its keys; nothing happens when it has ended. */
  revokeLease(lease: string): Promise<void>;
  /** Calls `onChange` when a key under `prefix` may have changed, until the result is disposed of. */
  watch(prefix: string, onChange: () => void): Disposable;
}
