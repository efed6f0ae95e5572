/**
 * Free TCP ports on the loopback address for servers that must be told theirs. They are taken below the range from
 * which systems give ports to outgoing connections, so that no client's connection takes one in between.
 *
 * @module
 */

let lowest = 20_000;
let highest = 32_000;
const TRIES = 200;
/** Ports of servers that may not listen yet: the last ones that were given, so that no two of a pair get the same. */
const given: number[] = [];
const GIVEN_MAX = 9;

/** Takes ports from another range, `LOW-HIGH`. @throws {TypeError} when it is none that could hold a broker. */
export function usePorts(range: string): void {
  const [low = NaN, high = NaN] = range.split("-").map(Number);
  if (!(low > 1024 && high <= 65_535 && high - low >= 10)) throw new TypeError(`--ports ${range}: expected LOW-HIGH`);
  lowest = low;
  highest = high;
}

/** A port for a name server. @throws {Error} when no free one was found. */
export function freePort(): number {
  return freePortWith([0]);
}

/** A port for a broker such that its VIP port (2 below) and its replication port (1 above) are free as well. */
export function freeBrokerPort(): number {
  return freePortWith([-2, 0, 1]);
}

function freePortWith(neighbours: readonly number[]): number {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const port = lowest + 2 + Math.floor(Math.random() * (highest - lowest - 4));
    const ports = neighbours.map((distance) => port + distance);
    if (!ports.every((each) => !given.includes(each) && isFree(each))) continue;
    given.push(...ports);
    given.splice(0, given.length - GIVEN_MAX);
    return port;
  }
  throw new Error(`No free port with free neighbours ${neighbours} between ${lowest} and ${highest}`);
}

function isFree(port: number): boolean {
  try {
    Deno.listen({ port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}
