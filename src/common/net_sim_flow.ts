/**
 * One direction of a simulated connection: what is sent arrives in order, later. Where the way is blocked it waits, as TCP
 * sends again what was lost, and arrives after the way is open again, unless the sender gives up first.
 *
 * Part of `net_sim.ts`.
 *
 * @module
 */
import type { Clock, Timer } from "./clock.ts";

/** A machine in the network, as flows know it. */
export interface FlowEnd {
  readonly name: string;
}

/** What flows ask of the network around them. */
export interface FlowNetwork {
  readonly clock: Clock;
  /** How long a packet needs that leaves now; drawn anew for each. */
  delayMs(from: FlowEnd, to: FlowEnd): number;
  /** How long sending `sizeBytes` keeps the sender busy. */
  sendingMs(sizeBytes: number): number;
  /** Whether a packet can arrive now. */
  isOpen(from: FlowEnd, to: FlowEnd): boolean;
  /** How long a sender tries on a blocked way. */
  readonly giveUpMs: number;
  /** Flows that wait for their way to open; the network resumes them. */
  readonly stalled: Set<Flow>;
}

/** An ordered stream of packets from one machine to another. */
export class Flow {
  /** Called once when the sender gives up. */
  onGiveUp: () => void = () => {};
  readonly #network: FlowNetwork;
  readonly #from: FlowEnd;
  readonly #to: FlowEnd;
  /** On their way, in order; a timer runs for the first unless the flow is stalled. */
  #packets: { arrivalMs: number; deliver: () => void }[] = [];
  #lastArrivalMs = 0;
  #sendingUntilMs = 0;
  #giveUp: Timer | null = null;
  #senderGone = false;

  constructor(network: FlowNetwork, from: FlowEnd, to: FlowEnd) {
    this.#network = network;
    this.#from = from;
    this.#to = to;
  }

  /** Calls `deliver` when `sizeBytes` have arrived. */
  send(sizeBytes: number, deliver: () => void): void {
    const nowMs = this.#network.clock.monotonicMs();
    this.#sendingUntilMs = Math.max(nowMs, this.#sendingUntilMs) + this.#network.sendingMs(sizeBytes);
    const arrivalMs = this.#sendingUntilMs + this.#network.delayMs(this.#from, this.#to);
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, arrivalMs);
    if (this.#packets.push({ arrivalMs: this.#lastArrivalMs, deliver }) === 1) this.#awaitFirst();
  }

  /** The way is open again: what waits is sent anew. */
  resume(): void {
    if (!this.#network.stalled.delete(this)) return;
    this.#giveUp?.cancel();
    this.#network.clock.after(this.#network.delayMs(this.#from, this.#to), this.#arrive);
  }

  /** The sender lost power: what is under way still arrives, nothing is sent again. */
  abandon(): void {
    this.#senderGone = true;
    if (this.#network.stalled.has(this)) this.#drop();
  }

  readonly #arrive = (): void => {
    if (!this.#network.isOpen(this.#from, this.#to)) return this.#stall();
    // Absent when the sender gave up meanwhile.
    this.#packets.shift()?.deliver();
    if (this.#packets.length > 0) this.#awaitFirst();
  };

  #awaitFirst(): void {
    this.#network.clock.after(this.#packets[0]!.arrivalMs - this.#network.clock.monotonicMs(), this.#arrive);
  }

  #stall(): void {
    if (this.#senderGone) return this.#drop();
    this.#network.stalled.add(this);
    this.#giveUp = this.#network.clock.after(this.#network.giveUpMs, () => {
      this.#drop();
      this.onGiveUp();
    });
  }

  #drop(): void {
    this.#giveUp?.cancel();
    this.#network.stalled.delete(this);
    this.#packets = [];
  }
}
