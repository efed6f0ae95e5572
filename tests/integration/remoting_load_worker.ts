/**
 * A peer with many connections and one request in flight on each, in a worker of its own. Over `node:net`, which serves its
 * sockets evenly, so that what it counts is the server's evenness.
 *
 * Is sent `{ port, connections, requests, frame }`; sends back how many responses each connection got.
 *
 * @module
 */
import { connect, type Socket } from "node:net";

/** What the worker is told. */
export interface Load {
  readonly port: number;
  readonly connections: number;
  /** Over all connections; the run ends there. */
  readonly requests: number;
  /** The request. */
  readonly frame: Uint8Array;
}

const worker = self as unknown as { onmessage: unknown; postMessage(message: unknown): void; close(): void };

worker.onmessage = async ({ data }: MessageEvent<Load>) => {
  const sockets = await Promise.all(Array.from({ length: data.connections }, () => connected(data.port)));
  const counts = new Array<number>(sockets.length).fill(0);
  let total = 0;
  const finished = new Promise<void>((resolve) => {
    sockets.forEach((socket, i) => {
      socket.on("data", () => { // a response is small and comes in one piece
        if (total === data.requests) return;
        counts[i]!++;
        if (++total === data.requests) resolve();
        else socket.write(data.frame);
      });
    });
  });
  for (const socket of sockets) socket.write(data.frame);
  await finished;
  for (const socket of sockets) socket.destroy();
  worker.postMessage(counts);
};

function connected(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true }, () => resolve(socket));
    socket.once("error", reject);
  });
}
