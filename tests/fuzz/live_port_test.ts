/**
 * Random and mutated frames, over many connections, at servers that really listen (a plain remoting server, the name server,
 * the broker), while a well-behaved client keeps working. Each request of that client must succeed.
 *
 * `FUZZ_COUNT` and `FUZZ_SEED` as in `decoders_test.ts`.
 *
 * @module
 */
import { assert, assertEquals, assertLess } from "@std/assert";
import { Broker } from "../../src/broker/broker.ts";
import { testBrokerConfiguration } from "../support/broker_configuration.ts";
import { SystemClock } from "../../src/common/clock.ts";
import { DenoDisk } from "../../src/common/disk_deno.ts";
import { messageOf } from "../../src/common/errors.ts";
import { type Log, SILENT_LOG } from "../../src/common/log.ts";
import { type Address, formatAddress, type Socket } from "../../src/common/net.ts";
import { DenoNet } from "../../src/common/net_deno.ts";
import { type Random, SeededRandom, SystemRandom } from "../../src/common/random.ts";
import { openNamesrvConfiguration } from "../../src/namesrv/configuration.ts";
import { NameServer } from "../../src/namesrv/namesrv.ts";
import { RequestCode } from "../../src/protocol/codes.ts";
import { RemotingClient } from "../../src/remoting/client.ts";
import type { Outgoing } from "../../src/remoting/command.ts";
import { RemotingServer } from "../../src/remoting/server.ts";
import { goldenFrames } from "../unit/remoting/golden_frames.ts";
import { anyBytes } from "./mutate.ts";
import { FUZZ_SEED, fuzzCount } from "./seed.ts";

const COUNT = Math.ceil(fuzzCount(9000) / 3);
const ATTACKERS = 16;
/** Requests that change what the well-behaved client asks for, or stop something. */
const LEFT_OUT: ReadonlySet<number> = new Set([
  RequestCode.DELETE_TOPIC_IN_BROKER,
  RequestCode.UPDATE_BROKER_CONFIG,
  RequestCode.DELETE_KV_CONFIG,
]);

const net = new DenoNet();
const clock = new SystemClock();
const corpus = goldenFrames().filter(({ name, header }) =>
  name.endsWith("request") && !LEFT_OUT.has(header.code as number)
)
  .map(({ bytes }) => bytes);

/** Throws `count` inputs at `address`; a connection is used until the server closes it, or at times until it is left. */
async function attack(address: Address, random: Random, count: number): Promise<void> {
  let socket: Socket | null = null;
  for (let i = 0; i < count; i++) {
    if (i % 8 === 0) await clock.sleep(0); // attackers and client share an event loop
    socket ??= await connected(address);
    const bytes = withTrueLength(anyBytes(random, corpus), random);
    try {
      for (let at = 0; at < bytes.length;) at += await socket.write(bytes.subarray(at));
      if (random.int(20) > 0) continue;
      socket.close();
    } catch {
      socket.close();
    }
    socket = null;
  }
  socket?.close();
}

/** The server's answers are read by nobody here, except to see the end. */
async function connected(address: Address): Promise<Socket> {
  const socket = await net.connect(address, 10_000);
  const into = new Uint8Array(65536);
  (async () => {
    while (await socket.read(into) !== null);
  })().catch(() => {}); // closed by either side: what malformed frames are for
  return socket;
}

/** Most inputs get a length that is right, so that what lies behind it is reached. */
function withTrueLength(bytes: Uint8Array, random: Random): Uint8Array {
  if (bytes.length < 8 || random.int(4) === 0) return bytes;
  const length = bytes.length - 4;
  bytes.set([length >>> 24, length >>> 16, length >>> 8, length]);
  return bytes;
}

/** Attacks while the client asks `request` again and again; then the server still answers and holds no connection. */
async function survives(address: Address, request: Outgoing, logged: readonly string[]): Promise<void> {
  const client = new RemotingClient({ net, clock, log: SILENT_LOG });
  let attacking = true;
  let answered = 0;
  const working = (async () => {
    while (attacking) {
      const response = await client.invoke(formatAddress(address), request, 20_000);
      assertEquals(response.code, 0, response.remark ?? "");
      answered++;
    }
  })();
  const attacks = Array.from(
    { length: ATTACKERS },
    (_, i) => attack(address, new SeededRandom(FUZZ_SEED + i), Math.ceil(COUNT / ATTACKERS)),
  );
  try {
    await Promise.race([Promise.all(attacks), working]);
    attacking = false;
    await Promise.all([...attacks, working]);
    assert(answered > 10, `the client got ${answered} answers`);
    assert(logged.some((line) => line.includes("malformed frame")), "something malformed was noticed");
    assertLess(Deno.memoryUsage().heapUsed, 500 * 1024 * 1024);
  } catch (error) {
    throw new Error(`FUZZ_SEED=${FUZZ_SEED}: ${messageOf(error)}`, { cause: error });
  } finally {
    attacking = false;
    client.close();
  }
}

function memoryLog(lines: string[]): Log {
  const add = (text: string) => void lines.push(text);
  return { info: add, warn: add, error: add };
}

Deno.test("a remoting server survives any frames, and its other clients do not notice", async () => {
  const lines: string[] = [];
  const server = new RemotingServer({ net, clock, log: memoryLog(lines), idleMs: 120_000 });
  const address = server.listen({ host: "127.0.0.1", port: 0 }, new Map([[4711, () => ({})]]));
  try {
    await survives(address, { code: 4711 }, lines);
    for (let i = 0; i < 500 && server.connections.size > 0; i++) await clock.sleep(10);
    assertEquals(server.connections.size, 0);
  } finally {
    await server.close();
  }
});

Deno.test("the name server survives any frames, and its other clients do not notice", async () => {
  const lines: string[] = [];
  const directory = Deno.makeTempDirSync();
  const disk = new DenoDisk();
  const namesrv = new NameServer({
    net,
    clock,
    disk,
    log: memoryLog(lines),
    configuration: openNamesrvConfiguration({
      disk,
      overrides: { bindAddress: "127.0.0.1", listenPort: "0", kvConfigPath: `${directory}/kvConfig.json` },
    }),
  });
  try {
    await survives(await namesrv.start(), { code: RequestCode.GET_BROKER_CLUSTER_INFO }, lines);
  } finally {
    await namesrv.stop();
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("the broker survives any frames, and its other clients do not notice", async () => {
  const lines: string[] = [];
  const directory = Deno.makeTempDirSync();
  const broker = startableBroker(directory, memoryLog(lines));
  try {
    const ext = {
      a: "P",
      b: "WellBehaved",
      c: "TBW102",
      d: "4",
      e: "0",
      f: "0",
      g: "1700000000000",
      h: "0",
      i: "",
      j: "0",
    };
    const request = { code: RequestCode.SEND_MESSAGE_V2, ext, body: new Uint8Array(10) };
    await survives(await broker.start(), request, lines);
  } finally {
    await broker.stop();
    Deno.removeSync(directory, { recursive: true });
  }
});

function startableBroker(directory: string, log: Log): Broker {
  const disk = new DenoDisk();
  const overrides = {
    bindAddress: "127.0.0.1",
    brokerIP1: "127.0.0.1",
    listenPort: "0",
    haListenPort: "0",
    storePathRootDir: directory,
    mappedFileSizeCommitLog: String(16 * 1024 * 1024),
  };
  return new Broker({
    net,
    clock,
    disk,
    random: new SystemRandom(),
    configuration: testBrokerConfiguration(disk, overrides, `${directory}/broker.properties`),
    log: () => log,
  });
}
