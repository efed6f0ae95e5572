/**
 * Fair reading from many sockets. Part of `net_deno.ts`.
 *
 * The runtime completes at most 128 reads in one pass of its event loop. With more sockets ready than that, the rest is
 * put off behind whatever becomes ready meanwhile: peers that answer quickly are served again and again while others wait
 * for a second (256 connections with one request in flight each: some got 560 turns, some 970; 1,000: 16 and 593).
 *
 * So, while a turn serves a crowd, reading goes in rounds: a socket that was served waits until the round ends, which is
 * when most of the open sockets have been served, or when nothing was served between two looks (nobody else has anything).
 * A look is a timer without delay, about a millisecond apart: it is what lets the runtime poll its sockets; `setImmediate`
 * and microtasks do not. Waiting always for the second condition is as even but costs a third of the throughput at 256
 * connections, waiting for neither is not even at 1,000. Few busy connections, among however many idle ones, never wait.
 *
 * @module
 */

/** A turn that serves so many sockets is a crowd; a round that served fewer ends the rounds. */
export const CROWD = 64;
/** Share of the open sockets after which a round may end. */
const ROUND_SHARE = 0.8;

/** Who may read now. */
export class ReadRounds {
  readonly #later: (fn: () => void) => void;
  #open = 0;
  #crowded = false;
  #round = 0;
  #servedInTurn = 0;
  #servedInRound = 0;
  #servedBeforeLook = 0;
  #waiting: (() => void)[] = [];

  /** @param later calls its argument after the runtime has polled the sockets. */
  constructor(later: (fn: () => void) => void = (fn) => void setTimeout(fn, 0)) {
    this.#later = later;
  }

  /** A socket was opened. */
  opened(): void {
    this.#open++;
  }

  /** A socket was closed. */
  closed(): void {
    this.#open--;
  }

  /** A read completed. Returns the number of the round, which the socket shows at {@linkcode mustWait}. */
  served(): number {
    if (++this.#servedInTurn === 1) queueMicrotask(this.#endTurn);
    return this.#round;
  }

  /** Whether a socket last served in round `round` must wait before it reads again. */
  mustWait(round: number): boolean {
    return this.#crowded && round === this.#round;
  }

  /** Resolves when the next round begins; in the order of asking. */
  nextRound(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#waiting.push(resolve) > 1) return;
      this.#servedBeforeLook = 1; // the first look comes too early to tell
      this.#later(this.#look);
    });
  }

  readonly #endTurn = (): void => {
    if (!this.#crowded && this.#servedInTurn >= CROWD) this.#crowded = true;
    this.#servedInRound += this.#servedInTurn;
    this.#servedBeforeLook += this.#servedInTurn;
    this.#servedInTurn = 0;
  };

  readonly #look = (): void => {
    const isIdle = this.#servedBeforeLook === 0;
    if (isIdle || this.#servedInRound >= this.#open * ROUND_SHARE) return this.#endRound();
    this.#servedBeforeLook = 0;
    this.#later(this.#look);
  };

  #endRound(): void {
    if (this.#servedInRound < CROWD) this.#crowded = false;
    this.#servedInRound = 0;
    this.#round++;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }
}
