/**
 * Commands about groups with an elected leader, over an etcd in memory.
 * @module
 */
import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { SimClock } from "../../../src/common/clock_sim.ts";
import { SimDisk } from "../../../src/common/disk_sim.ts";
import { SeededRandom } from "../../../src/common/random.ts";
import { utf8 } from "../../../src/common/bytes.ts";
import { SimAuthority } from "../../../src/election/authority_sim.ts";
import {
  changed,
  elected,
  GroupKeys,
  type GroupState,
  NO_STATE,
  withInSync,
} from "../../../src/election/group_state.ts";
import { parseArguments } from "../../../src/tools/arguments.ts";
import { type CommandContext, GivenOptions } from "../../../src/tools/command.ts";
import { ELECTION_COMMANDS } from "../../../src/tools/commands/election.ts";
import { jsonOutput, textOutput } from "../../../src/tools/output.ts";

const ETCD = "etcd://etcd:2379";
const TERM = { epoch: 3, leader: 1, startOffset: 700, atMs: 1_700_000_000_000 };
/** Replica 1 leads epoch 3, and 2 is in sync with it. */
const LED = withInSync(elected(NO_STATE, TERM, []), [2]);

/** A group as it stands in an etcd, and the commands. */
class Bench {
  readonly clock = new SimClock();
  readonly disk = new SimDisk({ clock: this.clock, random: new SeededRandom(1) });
  readonly authority = new SimAuthority(this.clock, new SeededRandom(2));
  readonly keys = new GroupKeys("/rucola", "C", "b");
  /** Called before each transaction of a command. */
  onCommit = () => {};

  put(key: string, value: unknown): void {
    this.authority.commit({ compare: [], puts: [{ key, value: JSON.stringify(value) }] });
  }

  /** A replica that is there. */
  replica(id: number, idle: string | null = null, more = {}): void {
    const addresses = { brokerAddr: `10.0.0.${id}:10911`, haAddr: `10.0.0.${id}:10912` };
    this.put(this.keys.replica(id), { replica: id, ...addresses, epoch: 3, endOffset: 900, idle, ...more });
  }

  lead(id: number): void {
    const addresses = { brokerAddr: `10.0.0.${id}:10911`, haAddr: `10.0.0.${id}:10912` };
    this.put(this.keys.leader, { replica: id, epoch: 3, ...addresses });
  }

  get state(): GroupState {
    return this.keys.view(this.authority.read(this.keys.prefix)).state!.value;
  }

  /** Runs a command; returns what it prints. */
  async run(name: string, ...args: string[]): Promise<string> {
    const command = ELECTION_COMMANDS.find((each) => each.name === name)!;
    const isJson = args.includes("--json");
    const given = args.filter((each) => each !== "--json");
    const where = given.includes("-a") ? [] : ["-a", ETCD];
    let printed = "";
    const write = (text: string) => void (printed += text);
    const { authority } = this;
    const context = {
      options: new GivenOptions(parseArguments([...where, ...given], command.options)),
      out: isJson ? jsonOutput(write) : textOutput(write),
      clock: this.clock,
      disk: this.disk,
      openAuthority: () => ({
        read: (prefix: string) => Promise.resolve(authority.read(prefix)),
        commit: (transaction: Parameters<SimAuthority["commit"]>[0]) => {
          this.onCommit();
          return Promise.resolve(authority.commit(transaction));
        },
      }),
    } as unknown as CommandContext;
    await command.run(context);
    context.out.flush();
    return printed;
  }
}

const GROUP = ["-c", "C", "-bn", "b"];

/** A bench whose replica 1 leads, 2 is in sync and 3 is not. */
function led(): Bench {
  const bench = new Bench();
  bench.put(bench.keys.state, LED);
  bench.lead(1);
  bench.replica(1);
  bench.replica(2, "replica 1 leads");
  bench.replica(3, "replica 1 leads");
  return bench;
}

Deno.test("getSyncStateSet says who leads, who is in sync and who is not, as text and as JSON", async () => {
  const bench = led();
  const text = await bench.run("getSyncStateSet", "-c", "C");
  assertStringIncludes(text, "#brokerName\tb\n#MasterBrokerId\t1\n#MasterAddr\t10.0.0.1:10911\n#MasterEpoch\t3\n");
  assertMatch(
    text,
    /\nInSyncReplica:\tReplicaInfo\{brokerName='b', brokerId=2, brokerAddress='10.0.0.2:10911', alive=true\}/,
  );
  assertMatch(text, /\nNotInSyncReplica:\tReplicaInfo\{brokerName='b', brokerId=3/);
  const { leader, inSync, notInSync, why } = JSON.parse(await bench.run("getSyncStateSet", "-c", "C", "--json"));
  const ids = (list: { brokerId: number }[]) => list.map(({ brokerId }) => brokerId);
  assertEquals([leader.replica, ids(inSync), ids(notInSync)], [1, [1, 2], [3]]);
  assertStringIncludes(why, "replica 1 leads epoch 3");
});

Deno.test("getSyncStateSet says why nobody leads", async () => {
  const bench = new Bench();
  bench.put(bench.keys.state, LED);
  assertStringIncludes(await bench.run("getSyncStateSet"), "of the replicas in sync (1, 2) none is there. Start one");
  bench.replica(2, "the disk is full");
  assertStringIncludes(await bench.run("getSyncStateSet"), "nobody leads: replica 2: the disk is full");
  await assertRejects(() => bench.run("getSyncStateSet", "-b", "other"), Error, "etcd knows no group other");
});

Deno.test("failoverHistory lists the terms with where they began and ended", async () => {
  const bench = new Bench();
  bench.put(bench.keys.state, elected(LED, { ...TERM, epoch: 4, leader: 2, startOffset: 950 }, [2]));
  const text = await bench.run("failoverHistory");
  assertMatch(text, /EpochEntry\{epoch=3, brokerId=1, startOffset=700, endOffset=950, since=20/);
  assertMatch(text, /EpochEntry\{epoch=4, brokerId=2, startOffset=950, endOffset=-, since=20/);
});

Deno.test("electMaster asks for a hand-over, and is done when the other leads", async () => {
  const bench = led();
  const elects = bench.run("electMaster", ...GROUP, "-b", "2");
  await bench.clock.advance(50);
  assertEquals(bench.authority.read(bench.keys.handOver).map(({ value }) => value), ['{"to":2}']);
  bench.lead(2);
  await bench.clock.advance(50);
  assertStringIncludes(
    await elects,
    "#ClusterName\tC\n#BrokerName\tb\n#BrokerMasterAddr\t10.0.0.2:10911\n#MasterEpoch\t3\n",
  );
});

Deno.test("electMaster names nobody who may lack messages, and tells when the leader leads on", async () => {
  const bench = led();
  await assertRejects(() => bench.run("electMaster", ...GROUP, "-b", "3"), Error, "replica 3 is not in sync (1, 2)");
  const refused = assertRejects(() => bench.run("electMaster", ...GROUP, "-b", "2"), Error, "replica 2 does not lead");
  await bench.clock.advance(50);
  bench.authority.commit({ compare: [], deletes: [bench.keys.handOver] });
  await bench.clock.advance(50);
  await refused;
  bench.authority.commit({ compare: [], deletes: [bench.keys.leader] });
  await assertRejects(() => bench.run("electMaster", ...GROUP, "-b", "2"), Error, "nobody leads");
});

Deno.test("forceMaster names the only replica in sync, only while nobody leads, and says when it does not come", async () => {
  const bench = led();
  await assertRejects(() => bench.run("forceMaster", ...GROUP, "-b", "3"), Error, "replica 1 leads: stop it first");
  assertEquals(bench.state, LED);
  bench.authority.commit({ compare: [], deletes: [bench.keys.leader] });
  bench.put(bench.keys.state, changed(LED, { removed: [3], heldOffset: 700 }));
  const forces = bench.run("forceMaster", ...GROUP, "-b", "3");
  await bench.clock.advance(50);
  const { inSync, next, removed, heldOffset, epoch, version } = bench.state;
  assertEquals({ inSync, next, removed, heldOffset, epoch }, {
    inSync: [3],
    next: 3,
    removed: [],
    heldOffset: 0,
    epoch: 3,
  });
  assertEquals(version > LED.version, true, "replicas must see that it is a new one");
  bench.lead(3);
  await bench.clock.advance(50);
  assertStringIncludes(await forces, "#BrokerMasterAddr\t10.0.0.3:10911");
  bench.authority.commit({ compare: [], deletes: [bench.keys.leader] });
  const late = assertRejects(() => bench.run("forceMaster", ...GROUP, "-b", "2"), Error, "replica 2 does not lead");
  await bench.clock.advance(11_000);
  await late;
});

Deno.test("forceMaster begins with the newest epoch that anybody has seen, and gives way to whoever changed the group", async () => {
  const bench = new Bench();
  bench.replica(1, null, { epoch: 8 });
  const forces = bench.run("forceMaster", ...GROUP, "-b", "1");
  await bench.clock.advance(50);
  assertEquals([bench.state.epoch, bench.state.leader], [8, 1]);
  bench.lead(1);
  await bench.clock.advance(50);
  await forces;
  bench.authority.commit({ compare: [], deletes: [bench.keys.leader] });
  bench.onCommit = () => bench.put(bench.keys.state, LED);
  await assertRejects(() => bench.run("forceMaster", ...GROUP, "-b", "1"), Error, "somebody has changed the group");
});

Deno.test("cleanBrokerMetadata takes out who has stopped, addReplica lets him in again", async () => {
  const bench = led();
  const clean = (...more: string[]) => bench.run("cleanBrokerMetadata", ...GROUP, ...more);
  await assertRejects(() => clean("-b", "1"), Error, "replica 1 leads: hand over first");
  await assertRejects(() => clean("-b", "3"), Error, "replica 3 is alive: stop it first, or give -l");
  await assertRejects(() => clean("-b", "x"), Error, "replicas are numbers");
  await clean("-b", "3", "-l");
  bench.authority.commit({ compare: [], deletes: [bench.keys.replica(2)] });
  await clean("-b", "2");
  assertEquals(bench.state.removed, [3, 2]);
  // The leader changes the state at the same time, once.
  bench.onCommit = () => {
    bench.onCommit = () => {};
    bench.put(bench.keys.state, changed(bench.state, { inSync: [1] }));
  };
  assertStringIncludes(await bench.run("addReplica", ...GROUP, "-b", "2;3"), "replicas 2, 3 of b come in sync");
  assertEquals([bench.state.removed, bench.state.inSync], [[], [1]]);
});

Deno.test("-a takes an etcd or a broker's file that names one", async () => {
  const bench = led();
  await assertRejects(() => bench.run("getSyncStateSet", "-a", "http://x"), Error, "it must be etcd://");
  await assertRejects(() => bench.run("getSyncStateSet", "-a", "/none"), Error, "neither etcd://HOST:PORT nor a file");
  const write = (text: string) => {
    const file = bench.disk.open("/broker.properties", { create: true });
    file.truncate(0);
    file.write(utf8(text), 0);
    file.close();
  };
  write("brokerName=b\n");
  await assertRejects(() => bench.run("getSyncStateSet", "-a", "/broker.properties"), Error, "has no haElection");
  write(`brokerName=b\nhaElection=${ETCD}\nhaReplicaId=1\n`);
  assertStringIncludes(await bench.run("getSyncStateSet", "-a", "/broker.properties"), "#MasterBrokerId\t1");
});
