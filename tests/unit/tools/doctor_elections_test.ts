/**
 * What the doctor makes of groups with an elected leader.
 * @module
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Authority, KeyValue } from "../../../src/election/authority.ts";
import { AuthorityError } from "../../../src/election/authority.ts";
import {
  changed,
  elected,
  GroupKeys,
  type GroupState,
  NO_STATE,
  withInSync,
} from "../../../src/election/group_state.ts";
import { examineElections } from "../../../src/tools/doctor/elections.ts";
import type { Finding } from "../../../src/tools/doctor/finding.ts";
import { reportIdentity } from "../../../src/tools/doctor/addresses.ts";
import type { ExaminedBroker } from "../../../src/tools/doctor/patient.ts";

const KEYS = new GroupKeys("/rucola", "C", "b");
const STATE = withInSync(elected(NO_STATE, { epoch: 3, leader: 1, startOffset: 0, atMs: 0 }, []), [2]);
const ELECTION = { haElection: "etcd://etcd:2379", haElectionPrefix: "/rucola", brokerRole: "SYNC_MASTER" };

function broker(brokerId: number, host: number, config: Record<string, string> | null = ELECTION): ExaminedBroker {
  return {
    cluster: "C",
    brokerName: "b",
    brokerId,
    address: `10.0.0.${host}:10911`,
    config: config && new Map(Object.entries(config)),
    runtime: null,
    askedMs: [0, 0],
  };
}

/** What stands in etcd; null for an etcd that does not answer. */
interface Standing {
  readonly state?: GroupState | null;
  readonly leader?: number | null;
  readonly there?: readonly number[];
}

function authority({ state = STATE, leader = 1, there = [1, 2] }: Standing): Authority {
  const kv = (key: string, value: unknown): KeyValue => (
    { key, value: JSON.stringify(value), createRevision: 1, modRevision: 1, lease: "" }
  );
  const entry = (id: number) => (
    { replica: id, epoch: 3, endOffset: 1, idle: null, brokerAddr: `10.0.0.${id}:10911`, haAddr: `10.0.0.${id}:10912` }
  );
  const found = [
    ...(state === null ? [] : [kv(KEYS.state, state)]),
    ...(leader === null ? [] : [kv(KEYS.leader, entry(leader))]),
    ...there.map((id) => kv(KEYS.replica(id), entry(id))),
  ];
  const read = (prefix: string) => Promise.resolve(found.filter(({ key }) => key.startsWith(prefix)));
  return { read } as unknown as Authority;
}

async function examine(standing: Standing | null, brokers = [broker(0, 1), broker(2, 2)]): Promise<Finding[]> {
  const findings: Finding[] = [];
  const down = {
    read: () => Promise.reject(new AuthorityError("etcd: connection refused", true)),
  } as unknown as Authority;
  const open = () => standing === null ? down : authority(standing);
  await examineElections(open, brokers, (finding) => findings.push(finding));
  return findings;
}

/** The one finding. */
async function only(standing: Standing | null, brokers?: ExaminedBroker[]): Promise<Finding> {
  const findings = await examine(standing, brokers);
  assertEquals(findings.length, 1, JSON.stringify(findings));
  return findings[0]!;
}

Deno.test("a group in order is told with who leads and who is in sync; brokers without election are none", async () => {
  const { severity, text } = await only({});
  assertEquals([severity, text], ["ok", "replica 1 leads, in sync are 1, 2"]);
  assertEquals(await examine({}, [broker(0, 1, { brokerRole: "SYNC_MASTER" })]), []);
});

Deno.test("a leader that is alone in sync, or has too few with it, is told", async () => {
  const alone = { state: changed(STATE, { inSync: [1] }), there: [1] };
  const one = await only(alone);
  assertEquals([one.severity, one.check], ["warning", "election"]);
  assertStringIncludes(one.meaning!, "nobody may take over");
  const two = { ...ELECTION, minInSyncReplicas: "2" };
  const refused = await only(alone, [broker(0, 1, two)]);
  assertEquals([refused.severity, refused.meaning], ["problem", "sends are refused"]);
  assertEquals((await only(alone, [broker(0, 1, { ...two, brokerRole: "ASYNC_MASTER" })])).severity, "warning");
});

Deno.test("a group that nobody leads is a problem, an etcd that does not answer from here a warning", async () => {
  const { severity, text } = await only({ leader: null, there: [] });
  assertEquals(severity, "problem");
  assertStringIncludes(text, "of the replicas in sync (1, 2) none is there");
  assertEquals((await only({ state: null, leader: null })).severity, "problem");
  const down = await only(null);
  assertEquals(down.severity, "warning");
  assertStringIncludes(down.text, "etcd://etcd:2379 does not answer from here: etcd: connection refused");
});

Deno.test("a replica that is not in sync, and one that was taken out, are told with what lets them in", async () => {
  const behind = (await examine({ there: [1, 2, 3] })).find(({ check }) => check === "election-replica")!;
  assertStringIncludes(behind.text, "replica 3 at 10.0.0.3:10911 is there, but not in sync");
  const removed = { state: changed(STATE, { removed: [3] }), there: [1, 2, 3] };
  const out = (await examine(removed)).find(({ check }) => check === "election-replica")!;
  assertStringIncludes(out.text, "taken out of the group");
  assertStringIncludes(out.remedy!, "addReplica");
});

Deno.test("a broker of the same name that is not elected, or elsewhere, does not belong", async () => {
  const stranger = [broker(0, 1), broker(2, 2), broker(3, 3, { brokerRole: "SLAVE" })];
  const found = (await examine({}, stranger)).find(({ check }) => check === "election-member")!;
  assertEquals([found.severity, found.subject], ["problem", "broker b (id 3) at 10.0.0.3:10911"]);
  assertStringIncludes(found.text, "has no haElection, others");
  const elsewhere = [broker(0, 1), broker(2, 2, { ...ELECTION, haElectionPrefix: "/other" }), broker(3, 3, null)];
  const checks = (await examine({}, elsewhere)).filter(({ severity }) => severity !== "ok").map(({ check }) => check);
  assertEquals(checks, ["election-member"], "who was not reached is told elsewhere");
});

Deno.test("clients that are told of another master than the one that leads are told", async () => {
  const { severity, check, text } = (await examine({ leader: 2 })).find(({ severity }) => severity !== "ok")!;
  assertEquals([severity, check], ["warning", "election-route"]);
  assertStringIncludes(text, "replica 2 at 10.0.0.2:10911 leads, and clients are told 10.0.0.1:10911");
});

Deno.test("an etcd that wants a user or certificates is not looked at, and it says how to", async () => {
  for (const more of [{ haElectionUser: "u" }, { haElection: "etcds://etcd:2379" }]) {
    const { severity, text } = await only(null, [broker(0, 1, { ...ELECTION, ...more })]);
    assertEquals(severity, "ok");
    assertStringIncludes(text, "getSyncStateSet -a FILE");
  }
});

Deno.test("a replica that follows answers with its haReplicaId, for its file says nothing of a brokerId", () => {
  const answered = { ...ELECTION, brokerId: "0" };
  const told = [broker(2, 2, { ...answered, haReplicaId: "2" }), broker(0, 1, { ...answered, haReplicaId: "1" })];
  const findings: Finding[] = [];
  for (const each of told) assertEquals(reportIdentity(each, (finding) => findings.push(finding)), true);
  assertEquals(findings, []);
  assertEquals(reportIdentity(broker(3, 3, { ...answered, haReplicaId: "2" }), (each) => findings.push(each)), false);
  assertStringIncludes(findings[0]!.text, "another broker answers there");
});
