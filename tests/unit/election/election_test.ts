import { assert, assertEquals } from "@std/assert";
import { ElectionModel, LEASE_SEC, type ModelReplica } from "../../support/election_model.ts";

/** Three replicas that are in sync, and the one that leads. */
async function group(seed: number): Promise<{ model: ElectionModel; leader: ModelReplica }> {
  const model = new ElectionModel(seed, 3, { minInSyncReplicas: 2, isSynced: true });
  for (const replica of model.replicas) replica.start();
  const leads = ({ life }: ModelReplica) => life?.election.refusesAppends() === null;
  await model.clock.runUntil(() => model.state?.inSync.length === 3 && model.replicas.some(leads), 30_000, "a leader");
  return { model, leader: model.replicas.find(leads)! };
}

Deno.test("a leader whose hand-over is broken off, for the authority cannot be asked, takes messages again", async () => {
  const { model, leader } = await group(3);
  const { election } = leader.life!;
  const to = leader.id % 3 + 1;
  const request = { key: model.keys.handOver, value: JSON.stringify({ to }) };
  model.authority.commit({ compare: [], puts: [request] });
  const isHandingOver = () => election.refusesAppends()?.includes("hands over") ?? false;
  await model.clock.runUntil(isHandingOver, 2000, "the hand-over to begin");
  model.authority.cutOff.add(`r${leader.id}`);
  // The operator thinks better of it.
  model.authority.commit({ compare: [], deletes: [request.key] });
  await model.clock.advance(2000);
  model.authority.cutOff.clear();
  await model.clock.advance(2000);
  assertEquals([election.figures().isLeader, election.refusesAppends()], [true, null]);
  const { acknowledged } = model;
  await model.clock.runUntil(() => model.acknowledged > acknowledged, 1000, "messages to be acknowledged");
  for (const replica of model.replicas) replica.kill();
});

Deno.test("nobody leads by a state that was set back, until an operator has named who", async () => {
  const { model, leader } = await group(4);
  const backup = model.state!;
  leader.kill();
  const leads = ({ life }: ModelReplica) => life?.election.refusesAppends() === null;
  const isOther = () => model.state!.epoch > backup.epoch && model.replicas.some(leads);
  await model.clock.runUntil(isOther, 30_000, "another leader");
  const { keys, authority } = model;
  // The restored keys name the former leader, which has not heard of its successor, as in sync.
  authority.commit({ compare: [], puts: [{ key: keys.state, value: JSON.stringify(backup) }], deletes: [keys.leader] });
  leader.start();
  await model.clock.advance(20_000);
  assertEquals(authority.read(keys.leader), []);
  const idle = model.replicas.map(({ life }) => life!.election.figures().idle!);
  assert(idle.every((each) => each.includes("set back")), idle.join("\n"));
  const best = model.replicas.find((each) => each !== leader)!;
  const forced = { ...backup, epoch: backup.epoch + 1, inSync: [best.id], next: best.id };
  authority.commit({ compare: [], puts: [{ key: keys.state, value: JSON.stringify(forced) }] });
  await model.clock.runUntil(() => model.state!.inSync.length === 3, 30_000, "all to be in sync");
  assertEquals(model.state!.leader, best.id);
  for (const replica of model.replicas) replica.kill();
});

Deno.test("a replica promises a leader no more time than its next life would wait", async () => {
  const { model, leader } = await group(5);
  const { election, epochFile: { epoch } } = model.replicas.find((each) => each !== leader)!.life!;
  const request = { epoch, forMs: LEASE_SEC * 1000, leader: leader.id, key: leader.life!.key };
  assertEquals([LEASE_SEC * 1000 + 1, LEASE_SEC * 1000].map((forMs) => election.grant({ ...request, forMs })), [
    false,
    true,
  ]);
  assertEquals(election.grant({ ...request, epoch: epoch - 1 }), false, "nor to a leader of the past");
  for (const replica of model.replicas) replica.kill();
});

Deno.test("when a leader is lost as soon as it is elected, another replica that was in sync leads", async () => {
  for (const seed of [6, 7, 8, 9]) {
    const { model, leader } = await group(seed);
    leader.kill();
    await model.clock.runUntil(() => model.state!.leader !== leader.id, 30_000, "the next leader");
    const next = model.replicas[model.state!.leader - 1]!;
    next.kill();
    const last = model.replicas.find((each) => each !== leader && each !== next)!;
    await model.clock.runUntil(() => last.life!.election.refusesAppends() === null, 30_000, "the last one to lead");
    assertEquals(model.state!.inSync, [last.id]);
    // What the other two have more is given up, and nothing that was shown.
    leader.start();
    next.start();
    await model.clock.runUntil(() => model.state!.inSync.length === 3, 30_000, "all to be in sync");
    const { acknowledged } = model;
    await model.clock.runUntil(() => model.acknowledged > acknowledged + 10, 5000, "messages to be acknowledged");
    for (const replica of model.replicas) replica.kill();
  }
});

Deno.test("a new leader whose followers do not come goes on without them, and takes nothing before", async () => {
  const { model, leader } = await group(10);
  const others = model.replicas.filter((each) => each !== leader);
  model.cut(others[0]!.id, others[1]!.id);
  leader.kill();
  await model.clock.runUntil(() => model.state!.leader !== leader.id, 30_000, "the next leader");
  const next = model.replicas[model.state!.leader - 1]!;
  const { election } = next.life!;
  await model.clock.runUntil(() => election.figures().isLeader, 1000, "its term");
  assertEquals(model.state!.inSync.length, 2);
  assert(election.refusesPromises()!.includes("do not have the leader's log"), election.refusesPromises()!);
  await model.clock.runUntil(() => election.refusesPromises() === null, 3000, "the other one to be late");
  assertEquals(model.state!.inSync, [next.id]);
  for (const replica of model.replicas) replica.kill();
});

/** A group whose replica 3, cut off, was taken out of the in-sync set, and the state from before that. */
async function withoutOne(seed: number) {
  const { model, leader } = await group(seed);
  const out = model.replicas.find((each) => each !== leader)!;
  const backup = model.state!;
  for (const other of model.replicas) if (other !== out) model.cut(out.id, other.id);
  model.authority.cutOff.add(`r${out.id}`);
  await model.clock.runUntil(() => !model.state!.inSync.includes(out.id), 10_000, "one to be out of the set");
  const { acknowledged } = model;
  await model.clock.advance(1000);
  assert(model.acknowledged > acknowledged + 10, "messages are acknowledged without it");
  const restore = () =>
    void model.authority.commit({ compare: [], puts: [{ key: model.keys.state, value: JSON.stringify(backup) }] });
  return { model, leader, out, restore };
}

Deno.test("a leader takes out again who is in sync only by a state that was set back in its epoch", async () => {
  const { model, leader, out, restore } = await withoutOne(11);
  restore();
  const isOut = () => !model.state!.inSync.includes(out.id);
  await model.clock.runUntil(isOut, 1000, "it to be taken out again");
  assertEquals(leader.life!.election.refusesPromises(), null);
  model.cuts.clear();
  model.authority.cutOff.clear();
  await model.clock.runUntil(() => model.state!.inSync.length === 3, 30_000, "it to have caught up");
  for (const replica of model.replicas) replica.kill();
});

Deno.test("a leader that takes leave names nobody as in sync who is so only by a state that was set back", async () => {
  const { model, leader, out, restore } = await withoutOne(15);
  const others = model.replicas.filter((each) => each !== leader);
  leader.life!.prepareSuccessor = () => {
    restore();
    // So that the state is found as it was left.
    for (const { life } of others) life!.clock.isPaused = true;
    return Promise.resolve();
  };
  const stopped = leader.stop();
  await model.clock.advance(1000);
  await stopped;
  const inSync = model.replicas.filter((each) => each !== out).map(({ id }) => id);
  assertEquals([model.state!.released, model.state!.inSync], [true, inSync]);
  for (const replica of model.replicas) replica.kill();
});

Deno.test("a state that was set back in its epoch lets nobody lead while anybody is there who has seen a later one", async () => {
  const { model, leader, out, restore } = await withoutOne(12);
  leader.kill();
  restore();
  model.cuts.clear();
  model.authority.cutOff.clear();
  await model.clock.advance(20_000);
  assertEquals(model.authority.read(model.keys.leader), []);
  assert(out.life!.election.figures().idle!.includes("set back"), out.life!.election.figures().idle!);
  for (const replica of model.replicas) replica.kill();
});

Deno.test("a leader that lives through its state being set back says anew who is in sync: whoever is may follow it", async () => {
  for (const hasOthers of [true, false]) {
    const { model, leader } = await group(12);
    const { keys, authority } = model;
    await model.clock.advance(3000);
    const backup = { ...model.state!, version: 0 };
    const inSync = hasOthers ? backup.inSync : [leader.id];
    authority.commit({ compare: [], puts: [{ key: keys.state, value: JSON.stringify({ ...backup, inSync }) }] });
    await model.clock.advance(3000);
    assertEquals(model.state!.inSync, [1, 2, 3]);
    leader.kill();
    const leads = ({ life }: ModelReplica) => life?.election.refusesAppends() === null;
    await model.clock.runUntil(() => model.replicas.some(leads), 30_000, "another leader");
    for (const replica of model.replicas) replica.kill();
  }
});

Deno.test("a promise to wait is given only to the leader that the authority tells of, by its key", async () => {
  const { model, leader } = await group(13);
  const [follower, other] = model.replicas.filter((each) => each !== leader) as [ModelReplica, ModelReplica];
  const { election, epochFile: { epoch } } = follower.life!;
  const request = { epoch, forMs: LEASE_SEC * 1000, leader: leader.id, key: leader.life!.key };
  assertEquals(election.grant(request), true);
  assertEquals(election.grant({ ...request, key: undefined }), false);
  assertEquals(election.grant({ ...request, key: other.life!.key }), false);
  assertEquals(election.grant({ ...request, leader: other.id, key: other.life!.key }), false, "it does not lead");
  // A replica has another key in its next life, and is known by the last one when its entry has ended.
  const { key } = other.life!;
  other.kill();
  await model.clock.advance(6000);
  assertEquals(election.isReplica(other.id, key), true);
  other.start();
  await model.clock.advance(2000);
  assertEquals([election.isReplica(other.id, key), election.isReplica(other.id, other.life!.key)], [false, true]);
  assertEquals(election.isReplica(9, undefined), false);
  for (const replica of model.replicas) replica.kill();
});

Deno.test("people are told once when the authority is away, by the leader as well, and once when it is back", async () => {
  const { model, leader } = await group(21);
  model.authority.isDown = true;
  await model.clock.advance(20_000);
  const told = () => model.replicas.map(({ life }) => life!.told);
  assertEquals(told().map((each) => each.length), [1, 1, 1], JSON.stringify(told()));
  assertEquals(leader.life!.election.refusesAppends(), null);
  model.authority.isDown = false;
  await model.clock.advance(5000);
  assertEquals(told().map((each) => each.slice(1)), [["it answers again"], ["it answers again"], ["it answers again"]]);
  for (const replica of model.replicas) replica.kill();
});

Deno.test("a replica that does not lead where nobody does says why, once", async () => {
  const { model, leader } = await group(22);
  for (const replica of model.replicas) if (replica !== leader) replica.kill();
  const isAlone = () => model.state!.inSync.length === 1;
  await model.clock.runUntil(isAlone, 20_000, "the leader to be in sync alone");
  leader.kill();
  const other = model.replicas.find((each) => each !== leader)!;
  other.start();
  await model.clock.advance(60_000);
  assertEquals(other.life!.told, [`it is not in sync, and only those who are may lead (${leader.id})`]);
  other.kill();
});
