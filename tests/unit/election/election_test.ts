import { assertEquals } from "@std/assert";
import { ElectionModel, type ModelReplica } from "../../support/election_model.ts";

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
