/**
 * What each name server has told a slave about its master. They know nothing of each other: one that was cut off from a
 * master which has moved tells the old address for two minutes, with every registration. So an address counts when it is
 * news from the name server that tells it, not because it was told last; and a slave that does not find its master where it
 * is looking may ask for what else was told.
 *
 * Ours: RocketMQ's slaves take whatever was told last.
 *
 * @module
 */

/** Where a master is. */
export interface MasterPlace {
  /** `host:port` for clients. */
  readonly masterAddr: string;
  /** `host:port` for slaves; null when the name server did not say. */
  readonly haServerAddr: string | null;
}

/** What was told, by name server. */
export class ToldMasters {
  readonly #told = new Map<string, MasterPlace>();

  /** Takes what a name server tells; returns whether it is something else than it told before. */
  isNews(nameServer: string, place: MasterPlace): boolean {
    const before = this.#told.get(nameServer);
    this.#told.set(nameServer, place);
    return before === undefined || !isSame(before, place);
  }

  /** The place that follows `tried` among all that are told, in a circle; null when there is no other one. */
  other(tried: MasterPlace): MasterPlace | null {
    const all = [...this.#told.values()];
    const places = all.filter((place, at) => all.findIndex((each) => isSame(each, place)) === at);
    const next = places[(places.findIndex((place) => isSame(place, tried)) + 1) % places.length];
    return next === undefined || isSame(next, tried) ? null : next;
  }
}

function isSame(a: MasterPlace, b: MasterPlace): boolean {
  return a.masterAddr === b.masterAddr && a.haServerAddr === b.haServerAddr;
}
