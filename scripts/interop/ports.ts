/**
 * Free TCP ports on the loopback address for servers that must be told theirs. They are taken below the range from
 * which systems give ports to outgoing connections, so that no client's connection takes one in between.
 *
 * @module
 */

const LOWEST = 20_000;
const HIGHEST = 32_000;
const TRIES = 200;

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
    const port = LOWEST + 2 + Math.floor(Math.random() * (HIGHEST - LOWEST - 4));
    if (neighbours.every((distance) => isFree(port + distance))) return port;
  }
  throw new Error(`No free port with free neighbours ${neighbours} between ${LOWEST} and ${HIGHEST}`);
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
