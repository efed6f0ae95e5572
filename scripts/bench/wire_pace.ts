/**
 * Sends at a fixed rate, whatever the answers do: so a broker that stops for a moment is asked on meanwhile, and the wait
 * of all these requests counts. Requests are due in ticks of a millisecond. A tick that comes late counts as late.
 *
 * @module
 */
import type { WireConnection } from "./wire_connection.ts";
import type { Run } from "./wire_run.ts";

const TICK_MS = 1;
/** What timers may be late without being counted: they have the resolution of a millisecond. */
const GRACE_MS = 1;
const DRAIN_MS = 5000;

/** Sends `rate` messages a second over the connections in turn, until the run is over and all is answered. */
export async function pace(run: Run, connections: readonly WireConnection[], rate: number): Promise<void> {
  const startMs = performance.now();
  let asked = 0;
  for (let tickMs = startMs; !run.isOver(tickMs);) {
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    const nowMs = performance.now();
    run.stallMs = Math.max(run.stallMs, nowMs - tickMs);
    const due = Math.floor((nowMs - startMs) * rate / 1000);
    for (; asked < due; asked++) {
      const dueMs = startMs + asked * 1000 / rate;
      const connection = connections[asked % connections.length]!;
      // What was due within the last tick goes out in time; what is older waited for us.
      const fromMs = nowMs - dueMs <= TICK_MS + GRACE_MS ? nowMs : dueMs;
      if (!connection.askOnce(fromMs)) run.fail("all requests of a window wait for an answer");
    }
    for (const connection of connections) connection.send();
    tickMs = nowMs;
  }
  const flying = () => connections.reduce((sum, connection) => sum + connection.flying, 0);
  for (const endMs = performance.now() + DRAIN_MS; flying() > 0 && performance.now() < endMs;) {
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  if (flying() > 0) run.fail("no answer after the end", flying());
}
