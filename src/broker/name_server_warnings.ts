/**
 * Tells the operator, when a broker has started, which name servers do not know it, and why. The start of a replica whose
 * role is elected does not wait for them: one that was not asked to the end is looked at again a little later.
 *
 * @module
 */
import type { Clock } from "../common/clock.ts";
import type { Registration } from "./registration.ts";

/** By then a name server has answered, or could not be connected to. */
const ASKED_MS = 4000;

/** What is told of. */
export interface NameServerFacts {
  readonly clock: Clock;
  /** The name servers as they are now. */
  readonly nameServers: () => Registration["nameServers"];
  /** The setting that names them: `file:line: namesrvAddr=…`. */
  readonly setting: string;
  readonly warn: (text: string) => void;
}

/** Tells now, and later of those that are being asked, unless the result is disposed of before. */
export function tellOfNameServers({ clock, nameServers, setting, warn }: NameServerFacts): Disposable {
  const tell = (address: string, why: string) =>
    warn(`${setting}: not registered with ${address} yet, trying on: ${why}`);
  const asked = new Set<string>();
  for (const { address, isRegistered, failure } of nameServers()) {
    if (!isRegistered && failure === null) asked.add(address);
    else if (!isRegistered) tell(address, failure!);
  }
  if (asked.size === 0) return { [Symbol.dispose]: () => {} };
  const timer = clock.after(ASKED_MS, () => {
    for (const { address, isRegistered, failure } of nameServers()) {
      if (asked.has(address) && !isRegistered) tell(address, failure ?? "it has not answered yet");
    }
  });
  return { [Symbol.dispose]: () => timer.cancel() };
}
