/**
 * A server and raw or real clients on a simulated network.
 *
 * @module
 */
import type { Socket } from "../../../src/common/net.ts";
import { type Command, command, SERIALIZE_JSON } from "../../../src/remoting/command.ts";
import { DEFAULT_LIMITS } from "../../../src/remoting/connection.ts";
import { decodeFrame, encodeFrame, FrameReader } from "../../../src/remoting/frame.ts";
import type { FastHandlerTable, Handler } from "../../../src/remoting/handler.ts";
import { RemotingServer } from "../../../src/remoting/server.ts";
import type { SimProcess, SimWorld } from "../../support/world.ts";

/** Where rigs listen. */
export const SERVER = { host: "10.0.0.1", port: 10911 };
/** {@linkcode SERVER} as text. */
export const SERVER_TEXT = "10.0.0.1:10911";

/** A server on the machine `server` (10.0.0.1), and its process. */
export function startServer(
  world: SimWorld,
  handlers: Iterable<[number, Handler]>,
  options: { fast?: FastHandlerTable; outboxBytesMax?: number; connectionsMax?: number } = {},
): { server: RemotingServer; process: SimProcess } {
  const process = world.machine("server").boot();
  const { fast, outboxBytesMax = DEFAULT_LIMITS.outboxBytesMax, connectionsMax = 100 } = options;
  const server = new RemotingServer({
    net: process.net,
    clock: process.clock,
    log: process.logging.logger("remoting"),
    idleMs: 120_000,
    limits: { ...DEFAULT_LIMITS, outboxBytesMax },
    connectionsMax,
  });
  server.listen({ host: "0.0.0.0", port: SERVER.port }, new Map(handlers), fast);
  return { server, process };
}

/** A peer that sends what bytes it likes. */
export class RawPeer {
  readonly #reader = new FrameReader();

  constructor(readonly socket: Socket) {}

  /** Connects from the machine `from`. */
  static async connect(world: SimWorld, from = "client", port = SERVER.port): Promise<RawPeer> {
    world.machine("server");
    return new RawPeer(await world.machine(from).boot().net.connect({ ...SERVER, port }, 3000));
  }

  /** Sends all of `bytes`. */
  async send(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.socket.write(bytes.subarray(at));
  }

  /** The next command from the server; null at the end of the stream. */
  async receive(): Promise<Command | null> {
    while (!this.#reader.next()) {
      const count = await this.socket.read(this.#reader.space());
      if (count === null) return null;
      this.#reader.received(count);
    }
    return decodeFrame(this.#reader);
  }
}

/** A request's frame, in JSON. */
export function requestFrame(code: number, opaque: number, flag = 0): Uint8Array {
  return encodeFrame(command({ code, opaque, flag }), new Uint8Array(0), SERIALIZE_JSON);
}
