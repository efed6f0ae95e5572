/**
 * Takes back what POP noted in memory during a turn when the store takes the turn back, as it does when it finds no space to
 * write it. Whoever appends to the store and notes it at once says here how to undo the note. Undoing happens where the store
 * tells of the failure: before anybody who waits for the turn goes on, and before the next turn begins.
 *
 * Invariant: what is undone is exactly what was done since the last turn ended, the newest first; so each undo finds things
 * as its deed left them, if all deeds are told.
 *
 * RocketMQ has no counterpart: it writes to memory that is mapped, and dies when there is no space.
 *
 * @module
 */
import type { MessageStore, PutStatus } from "../../store/store.ts";
import { isSafe } from "../message_put.ts";

/** The notes of the turn under way; see the module's text. */
export class TurnUndo {
  readonly #store: Pick<MessageStore, "whenSafe">;
  readonly #onTakenBack: () => void;
  readonly #waiter = { settle: (status: PutStatus) => this.#settle(status) };
  #undos: (() => void)[] = [];

  /** @param onTakenBack called after everything was undone. */
  constructor(store: Pick<MessageStore, "whenSafe">, onTakenBack: () => void) {
    this.#store = store;
    this.#onTakenBack = onTakenBack;
  }

  /** To be called in the turn of the deed. */
  add(undo: () => void): void {
    // Written is enough: what is written and then lost to a failing device is lost with the store.
    if (this.#undos.push(undo) === 1) this.#store.whenSafe(0, false, this.#waiter);
  }

  #settle(status: PutStatus): void {
    const undos = this.#undos;
    this.#undos = [];
    if (isSafe(status)) return;
    for (let i = undos.length - 1; i >= 0; i--) undos[i]!();
    this.#onTakenBack();
  }
}
