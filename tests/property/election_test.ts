import { assert } from "@std/assert";
import { ElectionModel } from "../support/election_model.ts";

/** More with ELECTION_SEEDS=N (and ELECTION_SEED=S for one). */
const SEEDS = Number(Deno.env.get("ELECTION_SEEDS") ?? 25);
const ONLY = Deno.env.get("ELECTION_SEED");
const STEPS = 12;

/** Something bad, for a while. */
function trouble(model: ElectionModel): void {
  const { random, replicas, authority } = model;
  const leader = replicas.find(({ life }) => life !== null && life.election.refusesPromises() === null);
  const replica = leader !== undefined && random.int(2) === 0 ? leader : replicas[random.int(replicas.length)]!;
  const { life, id } = replica;
  const inSync = model.state?.inSync ?? [];
  switch (random.int(13)) {
    case 0:
    case 1:
      return replica.kill();
    case 2:
      if (life !== null) life.clock.isPaused = true;
      return;
    case 3:
      for (const other of replicas) if (other !== replica) model.cut(id, other.id);
      authority.cutOff.add(`r${id}`);
      return;
    case 4:
      authority.cutOff.add(`r${id}`);
      return;
    case 5:
      authority.isDown = true;
      return;
    case 6:
      model.cut(id, replicas[random.int(replicas.length)]!.id);
      return;
    case 7:
      replica.isIll = true;
      return;
    case 8:
      // With ASYNC_FLUSH a message is lost when the power of all that have it fails: not that.
      if (!model.options.isSynced && (inSync.length < 2 || replicas.some((each) => each.isDoubtful))) return;
      return replica.losePower();
    case 9:
      authority.commit({ compare: [], puts: [{ key: model.keys.handOver, value: JSON.stringify({ to: id }) }] });
      return;
    case 10:
      authority.slowMs = 100 + random.int(1000);
      return;
    case 11:
      // Nobody has what was acknowledged when all that have it lose their disks.
      if (inSync.length < 2 || replicas.some((each) => each.isDoubtful)) return;
      return replica.loseDisk();
    default:
      void replica.stop();
  }
}

/** Some of what was bad ends. */
function relief(model: ElectionModel, all: boolean): void {
  const { random, replicas, authority } = model;
  const ends = () => all || random.int(2) === 0;
  if (ends()) authority.isDown = false;
  if (ends()) authority.slowMs = 0;
  if (ends()) authority.cutOff.clear();
  if (ends()) model.cuts.clear();
  for (const replica of replicas) {
    if (ends()) replica.isIll = false;
    if (ends()) replica.life?.clock.resume();
    if (replica.life === null && ends()) replica.start();
  }
}

async function live(seed: number): Promise<ElectionModel> {
  const model = new ElectionModel(seed, seed % 3 === 0 ? 2 : 3, {
    minInSyncReplicas: 1 + seed % 2,
    isSynced: seed % 5 < 2,
  });
  for (const replica of model.replicas) replica.start();
  await model.clock.advance(8000);
  model.mayDieElected = true;
  for (let step = 0; step < STEPS; step++) {
    trouble(model);
    if (model.random.int(3) === 0) trouble(model);
    await model.clock.advance(model.random.int(4) === 0 ? model.random.int(12_000) : model.random.int(2500));
    relief(model, model.random.int(3) === 0);
    await model.clock.advance(model.random.int(1500));
  }
  model.mayDieElected = false;
  relief(model, true);
  // Whoever was told to stop may have come to it only now.
  await model.clock.advance(10_000);
  relief(model, true);
  const isWell = () =>
    model.state?.inSync.length === model.replicas.length &&
    model.replicas.some(({ life }) => life?.election.refusesAppends() === null);
  await model.clock.runUntil(isWell, 60_000, "all replicas to be in sync");
  const { acknowledged } = model;
  const leading = () => model.replicas.find(({ life }) => life?.election.refusesAppends() === null);
  const worksAgain = () => model.acknowledged > acknowledged + 10 && leading() !== undefined;
  await model.clock.runUntil(worksAgain, 20_000, "messages to be acknowledged again");
  const leader = leading()!;
  model.show(leader.log, Math.min(leader.log.length, model.shown.length), "the last leader");
  assert(leader.log.length >= model.shown.length, `${model.shown.length} were shown, the log has ${leader.log.length}`);
  for (const replica of model.replicas) replica.kill();
  return model;
}

Deno.test(`election, ${ONLY ?? SEEDS} random lives: one leader at a time, nothing that was acknowledged or shown is lost`, async () => {
  let [acknowledged, terms] = [0, 0];
  const seeds = ONLY === undefined ? Array.from({ length: SEEDS }, (_, i) => i + 1) : [Number(ONLY)];
  for (const seed of seeds) {
    try {
      const model = await live(seed);
      acknowledged += model.acknowledged;
      terms += model.terms;
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : error}`, { cause: error });
    }
  }
  console.log(`${seeds.length} lives, ${terms} terms, ${acknowledged} acknowledged`);
  assert(acknowledged > seeds.length * 100 && terms > seeds.length * 2);
});
