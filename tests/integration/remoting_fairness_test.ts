/** Many connections of the machine's network are served evenly. @module */
import { assert, assertEquals } from "@std/assert";
import { SystemClock } from "../../src/common/clock.ts";
import { SILENT_LOG } from "../../src/common/log.ts";
import { DenoNet } from "../../src/common/net_deno.ts";
import { command } from "../../src/remoting/command.ts";
import { encodeFrame } from "../../src/remoting/frame.ts";
import { RemotingServer } from "../../src/remoting/server.ts";
import type { Load } from "./remoting_load_worker.ts";

/** Lets a worker load a server that answers at once; the responses that each connection got. */
async function countsUnder(load: Omit<Load, "port" | "frame">): Promise<number[]> {
  const server = new RemotingServer({ net: new DenoNet(), clock: new SystemClock(), log: SILENT_LOG, idleMs: 120_000 });
  const { port } = server.listen({ host: "127.0.0.1", port: 0 }, new Map([[310, () => ({})]]));
  const worker = new Worker(new URL("remoting_load_worker.ts", import.meta.url), { type: "module" });
  try {
    return await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<number[]>) => resolve(data);
      worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(event.message));
      };
      const frame = encodeFrame(command({ code: 310, ext: { b: "Topic" } }), new Uint8Array(10), 1);
      worker.postMessage({ ...load, port, frame } satisfies Load);
    });
  } finally {
    worker.terminate();
    await server.close();
  }
}

Deno.test("800 connections with one request in flight each get like numbers of responses", async () => {
  const connections = 800;
  const mean = 40;
  let [least, most] = [0, Infinity];
  // On a machine that is busy with other work a run may be uneven for that reason: one of three must be even.
  for (let run = 0; run < 3 && !(least > mean / 2 && most < mean * 2); run++) {
    const counts = await countsUnder({ connections, requests: connections * mean });
    assertEquals(counts.reduce((sum, count) => sum + count, 0), connections * mean);
    [least, most] = [Math.min(...counts), Math.max(...counts)];
  }
  // Without rounds, or with too short ones, some get a quarter of the mean and less.
  assert(least > mean / 2 && most < mean * 2, `between ${least} and ${most} responses, ${mean} on average`);
});
