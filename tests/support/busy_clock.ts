/**
 * A clock by which work takes time.
 *
 * @module
 */
import { SimClock } from "../../src/common/clock_sim.ts";

/** A clock by which every look takes two milliseconds, so that work in slices has many. */
export class BusyClock extends SimClock {
  #looks = 0;

  override monotonicMs(): number {
    return super.monotonicMs() + 2 * this.#looks++;
  }
}
