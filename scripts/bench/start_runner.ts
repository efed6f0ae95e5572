/**
 * How long a broker takes from the start of its process to the first send that it accepts: with an empty store, or after it
 * was killed (SIGKILL) in the middle of writing a large one.
 *
 * @module
 */
import { freeBrokerPort, freePort } from "../interop/ports.ts";
import { rawRequest, waitForRegistration } from "../interop/raw_client.ts";
import type { Server } from "../interop/server.ts";
import { type Measurement, NOTHING_MEASURED } from "./measurement.ts";
import { residentMiB } from "./process_meter.ts";
import { PULL, type StartScenario, type WireScenario } from "./scenario.ts";
import { setupOfOne, type SetupPlace } from "./setup.ts";
import { fillTopic, generate, makeTopics } from "./wire_runner.ts";

/** What is started, and how large its store is. */
export interface StartRun {
  readonly place: SetupPlace;
  readonly storeBytes: number;
}

const TOPIC = "Bench-start";
const SEND_MESSAGE_V2 = 310;
const BODY_BYTES = 1024;
/** Properties and lengths of a stored message beside its body. */
const RECORD_OVERHEAD_BYTES = 230;
const WRITE_BEFORE_KILL_SECONDS = 3;
const POLL_MS = 2;
const START_MS_MAX = 1_800_000;

/** Starts it, and again for the killed store. @throws {Error} when it does not start. */
export async function runStart(scenario: StartScenario, run: StartRun): Promise<Measurement> {
  const { platform, dir, properties } = run.place;
  const namesrv = await platform.startNamesrv({ dir: `${dir}/namesrv`, port: freePort() });
  await using _namesrv = namesrv.process;
  const options = { dir: `${dir}/broker`, port: freeBrokerPort(), namesrvAddr: namesrv.address, properties };
  if (scenario.store === "killed") {
    const broker = await platform.startBroker(options);
    await waitForRegistration(namesrv.address, broker.address);
    await fillAndKill(broker, namesrv.address, run);
  }
  const address = `127.0.0.1:${options.port}`;
  const startMs = performance.now();
  const booted = platform.startBroker(options).then((broker) => ({ broker, bootLineMs: performance.now() - startMs }));
  const [sendMs, { broker, bootLineMs }] = await Promise.all([firstSend(address, startMs), booted]);
  await using _broker = broker.process;
  return {
    ...NOTHING_MEASURED,
    rssMiB: residentMiB(broker.process.pid),
    limit: "the broker's start",
    more: { startMs: sendMs, bootLineMs },
  };
}

async function fillAndKill(broker: Server, namesrvAddr: string, run: StartRun): Promise<void> {
  const backlog = Math.round(run.storeBytes / (BODY_BYTES + RECORD_OVERHEAD_BYTES));
  const wire: WireScenario = { ...PULL, name: "fill", about: "", size: BODY_BYTES, backlog };
  const setup = setupOfOne(namesrvAddr, broker, `${run.place.dir}/broker`);
  const wireRun = { setup, seconds: WRITE_BEFORE_KILL_SECONDS, warmupSeconds: 1, dir: run.place.dir };
  await makeTopics(wire, TOPIC, setup);
  await fillTopic(wire, TOPIC, wireRun);
  const killed = generate({ ...wire, mode: "send", window: 64 }, TOPIC, { ...wireRun, seconds: 60 });
  const ended = killed.catch(() => {}); // Its broker goes away.
  await new Promise((resolve) => setTimeout(resolve, WRITE_BEFORE_KILL_SECONDS * 1000));
  await broker.process.kill();
  await ended;
}

/** Milliseconds since `startMs` when a send was accepted. */
async function firstSend(address: string, startMs: number): Promise<number> {
  while (performance.now() - startMs < START_MS_MAX) {
    if (await isAccepted(address)) return performance.now() - startMs;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`${address} accepted no message for ${START_MS_MAX / 60_000} minutes`);
}

async function isAccepted(address: string): Promise<boolean> {
  const fields = {
    a: "bench",
    b: TOPIC,
    c: "TBW102",
    d: "4",
    e: "0",
    f: "0",
    g: String(Date.now()),
    h: "0",
    i: "",
    j: "0",
  };
  try {
    const { code } = await rawRequest(address, SEND_MESSAGE_V2, fields, new Uint8Array(10));
    return code === 0;
  } catch {
    return false; // Nobody listens yet.
  }
}
