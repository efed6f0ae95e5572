/**
 * Sockets of the raw-frame generator, of two kinds. With few connections Deno's own are the cheaper ones. With many,
 * Deno's serve whichever connection is busy again and again, which would measure the generator's unfairness; those of
 * `node:net` take turns.
 *
 * @module
 */
import { connect as connectNode } from "node:net";

/** An open connection. */
export interface WireSocket {
  /** Sends `bytes`, which belong to the socket until the promise resolves. */
  write(bytes: Uint8Array): Promise<void>;
  close(): void;
}

/** What the owner of a connection is told. */
export interface WireListener {
  /** Some bytes came, valid during the call. The next ones come when the promise resolves. */
  onBytes(bytes: Uint8Array): Promise<void>;
  /** The peer closed the connection, or it broke. */
  onEnd(): void;
}

const MANY_CONNECTIONS = 64;
const READ_BUFFER_BYTES = 1 << 18;

/** Opens a connection of the kind that suits so many. @throws {Error} when nobody listens. */
export async function openSocket(
  address: string,
  connections: number,
  listener: WireListener,
): Promise<WireSocket> {
  const [hostname = "", port] = address.split(":");
  const target = { hostname, port: Number(port) };
  return connections >= MANY_CONNECTIONS ? await openNode(target, listener) : await openDeno(target, listener);
}

async function openDeno(target: { hostname: string; port: number }, listener: WireListener): Promise<WireSocket> {
  const connection = await Deno.connect(target);
  connection.setNoDelay(true);
  const readAll = async () => {
    const buffer = new Uint8Array(READ_BUFFER_BYTES);
    while (true) {
      const count = await connection.read(buffer).catch(() => null); // Broken, or closed by ourselves.
      if (count === null) break;
      await listener.onBytes(buffer.subarray(0, count));
    }
    listener.onEnd();
  };
  void readAll(); // An error of the listener is the generator's own, and ends it.
  return {
    async write(bytes) {
      for (let written = 0; written < bytes.length;) written += await connection.write(bytes.subarray(written));
    },
    close: () => connection.close(),
  };
}

function openNode(target: { hostname: string; port: number }, listener: WireListener): Promise<WireSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectNode({ host: target.hostname, port: target.port, noDelay: true });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.on("data", (bytes: Uint8Array) => void listener.onBytes(bytes));
      socket.once("close", () => listener.onEnd());
      resolve({
        write: (bytes) => {
          socket.write(bytes.slice());
          return Promise.resolve();
        },
        close: () => socket.destroy(),
      });
    });
  });
}
