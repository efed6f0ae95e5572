/**
 * A consumer far behind: messages are stored, the broker is stopped, its files are taken out of the page cache, it is started
 * again, and everything is pulled from the beginning. Beside it stands what the disk gives to a plain reader of the same
 * files, which are taken out of the cache once more for that.
 *
 * @module
 */
import { freeBrokerPort, freePort } from "../interop/ports.ts";
import { waitForRegistration } from "../interop/raw_client.ts";
import type { Measurement } from "./measurement.ts";
import { dropFromCache, readRateMiB } from "./page_cache.ts";
import { type ColdScenario, PULL, type WireScenario } from "./scenario.ts";
import { setupOfOne, type SetupPlace } from "./setup.ts";
import { fillTopic, makeTopics, measureWire, warmUp, type WireRun } from "./wire_runner.ts";

/** How much, and how long at most. */
export interface ColdRun {
  readonly place: SetupPlace;
  readonly backlogBytes: number;
  readonly warmupSeconds: number;
}

/** Properties and lengths of a stored message beside its body. */
const RECORD_OVERHEAD_BYTES = 230;
const SECONDS_MAX = 600;
const WARM_UP_MESSAGES = 30_000;

/** Runs it. @throws {Error} when a server or the generator fails, or the files cannot be taken out of the cache. */
export async function runCold(scenario: ColdScenario, run: ColdRun): Promise<Measurement> {
  const { platform, dir, properties } = run.place;
  const namesrv = await platform.startNamesrv({ dir: `${dir}/namesrv`, port: freePort() });
  await using _namesrv = namesrv.process;
  const options = { dir: `${dir}/broker`, port: freeBrokerPort(), namesrvAddr: namesrv.address, properties };
  const backlog = Math.round(run.backlogBytes / (scenario.size + RECORD_OVERHEAD_BYTES));
  const pull: WireScenario = { ...PULL, name: scenario.name, about: scenario.about, size: scenario.size, backlog };
  const topic = `Bench-${scenario.name}`;
  const start = async () => {
    const broker = await platform.startBroker(options);
    await waitForRegistration(namesrv.address, broker.address);
    const setup = setupOfOne(namesrv.address, broker, options.dir);
    return { setup, seconds: SECONDS_MAX, warmupSeconds: run.warmupSeconds, dir };
  };
  const first = await start();
  await makeTopics(pull, topic, first.setup);
  await fillTopic(pull, topic, first);
  await first.setup.broker.process.stop(60_000);
  await dropFromCache(`${dir}/broker/store`);
  const second = await start();
  await using _broker = second.setup.broker.process;
  await warmUpPulls(pull, second);
  const cold = await measureWire(pull, topic, { ...second, messages: backlog });
  await dropFromCache(`${dir}/broker/store/commitlog`);
  const diskMiBPerSecond = await readRateMiB(`${dir}/broker/store/commitlog`);
  return { ...cold, more: { ...cold.more, diskMiBPerSecond } };
}

/** Other messages, so that the code is optimized, whoever's it is, and the files stay cold. */
async function warmUpPulls(pull: WireScenario, run: WireRun): Promise<void> {
  const topic = "Bench-warm-up";
  const warm = { ...pull, backlog: WARM_UP_MESSAGES };
  await makeTopics(warm, topic, run.setup);
  await fillTopic(warm, topic, run);
  await warmUp(warm, topic, run);
}
