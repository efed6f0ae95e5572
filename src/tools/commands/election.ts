/**
 * Commands about groups of replicas with an elected leader, over etcd. Names, options and printed lines are those of
 * RocketMQ's commands for its controller; `-a` names etcd where they name a controller, or a broker's file that does.
 *
 * Source: RocketMQ `GetSyncStateSetSubCommand`, `ReElectMasterSubCommand`, `CleanControllerBrokerMetaSubCommand`.
 *
 * @module
 */
import { electionFault, type ElectionOptions } from "../../broker/election_settings.ts";
import { defaultBrokerOptions } from "../../broker/options.ts";
import { readBrokerOptions } from "../../broker/read_options.ts";
import { utf8Text } from "../../common/bytes.ts";
import { readWhole } from "../../common/disk.ts";
import type { Authority } from "../../election/authority.ts";
import { changed, GroupKeys, type GroupView, NO_STATE } from "../../election/group_state.ts";
import { flag, option, required, UsageError } from "../arguments.ts";
import type { CommandContext, ToolCommand } from "../command.ts";
import { timeTextMs } from "../printf.ts";

/** How long a hand-over is waited for, and how often it is looked for. */
const HAND_OVER_MS = 10_000;
const LOOK_MS = 20;
/** Seconds between two rounds when `-i` has no value. */
const INTERVAL_DEFAULT_SEC = 3;
/** Times that a change is tried while others change the state. */
const TRIES = 10;

/** Where etcd is. */
const WHERE = required(
  "a",
  "controllerAddress",
  "etcd (etcd://HOST:PORT,HOST:PORT), or a broker's file with haElection",
);

/** etcd and the beginning of its keys, as the command line tells. @throws {UsageError} */
function authorityOf({ options, disk, openAuthority }: CommandContext): { authority: Authority; root: string } {
  const election = optionsOf(options.text("a"), disk);
  return { authority: openAuthority(election), root: election.haElectionPrefix };
}

/** @param where an etcd, or a broker's file, which also has prefix, user and certificates. */
function optionsOf(where: string, disk: CommandContext["disk"]): ElectionOptions {
  const fault = electionFault(where);
  if (fault === null && where !== "") return defaultBrokerOptions({ haElection: where });
  if (/^\w+:\/\//.test(where) || where === "") throw new UsageError(`-a ${where}: ${fault ?? "it is empty"}`);
  const bytes = readWhole(disk, where);
  if (bytes === null) throw new UsageError(`-a ${where}: it is neither etcd://HOST:PORT nor a file`);
  const { broker } = readBrokerOptions({ properties: utf8Text(bytes), fileName: where });
  if (broker.haElection === "") throw new UsageError(`-a ${where}: the file has no haElection`);
  return broker;
}

/** A group and its keys. */
interface Group {
  readonly clusterName: string;
  readonly brokerName: string;
  readonly keys: GroupKeys;
  readonly view: GroupView;
}

/** The groups of a cluster, or the one of a brokerName. @throws {UsageError} when there is none. */
async function groupsOf(context: CommandContext, brokerName: string | undefined): Promise<Group[]> {
  const { authority, root } = authorityOf(context);
  const clusterName = context.options.optional("c");
  const found = await authority.read(`${root}/${clusterName === undefined ? "" : `${clusterName}/`}`);
  const names = new Set(found.map(({ key }) => key.slice(root.length + 1).split("/").slice(0, 2).join("/")));
  const groups = [...names].sort().map((name): Group => {
    const [cluster = "", broker = ""] = name.split("/");
    const keys = new GroupKeys(root, cluster, broker);
    const own = found.filter(({ key }) => key.startsWith(keys.prefix));
    return { clusterName: cluster, brokerName: broker, keys, view: keys.view(own) };
  }).filter((group) => brokerName === undefined || group.brokerName === brokerName);
  if (groups.length > 0) return groups;
  throw new UsageError(
    `etcd knows no group ${brokerName ?? ""} below ${root}/${clusterName ?? ""}: no replica has started yet`,
  );
}

/** Why things are as they are in a group, in a sentence. */
export function explain({ state, leader, replicas }: GroupView): string {
  if (state === null) return "the group is new: nobody has led yet";
  const { value } = state;
  if (leader !== null) {
    return `replica ${leader.value.replica} leads epoch ${value.epoch}: it was in sync when it was elected, and renews its lease`;
  }
  if (value.released) {
    return `epoch ${value.epoch} was ended by its leader, replica ${value.leader}; nobody has been elected yet`;
  }
  const there = replicas.filter((each) => value.inSync.includes(each.value.replica));
  return there.length === 0
    ? `nobody leads: of the replicas in sync (${value.inSync.join(", ")}) none is there. Start one of them`
    : `nobody leads: ${
      there.map((each) => `replica ${each.value.replica}: ${each.value.idle ?? "is about to stand"}`).join("; ")
    }`;
}

const getSyncStateSet: ToolCommand = {
  name: "getSyncStateSet",
  summary: "Fetch syncStateSet for target brokers.",
  options: [
    required("a", "controllerAddress", "the address of controller"),
    option("b", "brokerName", "which broker to fetch"),
    option("c", "clusterName", "which cluster"),
    option("i", "interval", "the interval(second) of get info"),
  ],
  example: "-a etcd://127.0.0.1:2379 -c DefaultCluster",
  async run(context) {
    const { options, out, clock } = context;
    const intervalMs = options.count("i", INTERVAL_DEFAULT_SEC) * 1000;
    for (;;) {
      for (const group of await groupsOf(context, options.optional("b"))) printGroup(context, group);
      if (!options.has("i")) return;
      out.flush();
      await clock.sleep(intervalMs);
    }
  },
};

function printGroup({ out }: CommandContext, group: Group): void {
  const { clusterName, brokerName, view } = group;
  const state = view.state?.value ?? null;
  const leader = view.leader?.value ?? null;
  const line = (id: number) => {
    const entry = view.replicas.find(({ value }) => value.replica === id)?.value;
    const address = entry?.brokerAddr ?? (leader?.replica === id ? leader.brokerAddr : "");
    return {
      brokerId: id,
      brokerAddr: address,
      isAlive: entry !== undefined,
      epoch: entry?.epoch ?? null,
      why: entry?.idle ?? null,
    };
  };
  const inSync = (state?.inSync ?? []).map(line);
  const notInSync = view.replicas.map(({ value }) => value.replica).filter((id) => !state?.inSync.includes(id)).map(
    line,
  );
  const text = ({ brokerId, brokerAddr, isAlive, why }: ReturnType<typeof line>) =>
    `ReplicaInfo{brokerName='${brokerName}', brokerId=${brokerId}, brokerAddress='${brokerAddr}', alive=${isAlive}}` +
    (why === null || leader?.replica === brokerId ? "" : `\t(${why})`);
  const why = explain(view);
  out.value(
    { clusterName, brokerName, leader, state, inSync, notInSync, why },
    [
      "",
      `#brokerName\t${brokerName}`,
      `#MasterBrokerId\t${leader?.replica ?? -1}`,
      `#MasterAddr\t${leader?.brokerAddr ?? "null"}`,
      `#MasterEpoch\t${state?.epoch ?? 0}`,
      `#SyncStateSetEpoch\t${view.state?.modRevision ?? 0}`,
      `#SyncStateSetNums\t${inSync.length}`,
      `#Why\t${why}`,
      ...inSync.map((each) => `\nInSyncReplica:\t${text(each)}`),
      ...notInSync.map((each) => `\nNotInSyncReplica:\t${text(each)}`),
    ].join("\n"),
  );
}

const failoverHistory: ToolCommand = {
  name: "failoverHistory",
  summary: "List the last terms of elected leaders.",
  options: [WHERE, option("c", "clusterName", "which cluster"), option("b", "brokerName", "which broker to fetch")],
  example: "-a etcd://127.0.0.1:2379 -c DefaultCluster",
  async run(context) {
    for (const { clusterName, brokerName, view } of await groupsOf(context, context.options.optional("b"))) {
      const history = view.state?.value.history ?? [];
      context.out.value(
        { clusterName, brokerName, history },
        [
          "",
          `#clusterName\t${clusterName}`,
          `#brokerName\t${brokerName}`,
          ...history.map(({ epoch, leader, startOffset, atMs }, i) =>
            `#Epoch: EpochEntry{epoch=${epoch}, brokerId=${leader}, startOffset=${startOffset}, ` +
            `endOffset=${history[i + 1]?.startOffset ?? "-"}, since=${timeTextMs(atMs)}}`
          ),
        ].join("\n"),
      );
    }
  },
};

/** The options that name one group, and etcd. */
const ONE_GROUP = [
  required("a", "controllerAddress", "The address of controller"),
  required("bn", "brokerName", "The broker name of the replicas that require to be manipulated"),
];

/** The options that name one replica. @param what what `-b` is. */
function oneReplica(what: string) {
  return [...ONE_GROUP, required("b", "brokerId", what), required("c", "clusterName", "the clusterName of broker")];
}

async function theGroup(context: CommandContext): Promise<{ group: Group; authority: Authority }> {
  const [group] = await groupsOf(context, context.options.text("bn"));
  return { group: group!, authority: authorityOf(context).authority };
}

const electMaster: ToolCommand = {
  name: "electMaster",
  summary: "Re-elect the specified broker as master.",
  options: oneReplica("The id of the broker which requires to become master"),
  example: "-a etcd://127.0.0.1:2379 -b 2 -c DefaultCluster -bn broker-a",
  async run(context) {
    const { group, authority } = await theGroup(context);
    const id = context.options.int("b", 0);
    await askForHandOver(authority, group, id);
    await awaitLeader(context, id, (view) => view.handOver === null && view.leader !== null);
  },
};

const forceMaster: ToolCommand = {
  name: "forceMaster",
  summary: "Name the first leader of a group, or the only replica in sync whatever others have.",
  options: oneReplica("the replica; stop the others first: what they have more may be lost"),
  example: "-a etcd://127.0.0.1:2379 -b 1 -c DefaultCluster -bn broker-a",
  async run(context) {
    const { group, authority } = await theGroup(context);
    const id = context.options.int("b", 0);
    await force(authority, group, id);
    await awaitLeader(context, id, () => false);
  },
};

/** Waits until a replica leads, and prints the group. @throws {Error} when `isRefused`, or it takes too long. */
async function awaitLeader(
  context: CommandContext,
  id: number,
  isRefused: (view: GroupView) => boolean,
): Promise<void> {
  const { clock } = context;
  const { group, authority } = await theGroup(context);
  const startMs = clock.monotonicMs();
  for (;;) {
    const view = group.keys.view(await authority.read(group.keys.prefix));
    if (view.leader?.value.replica === id) return printElected(context, group, view);
    if (isRefused(view) || clock.monotonicMs() - startMs > HAND_OVER_MS) {
      throw new Error(`replica ${id} does not lead: ${explain(view)}. The log of the replica says more`);
    }
    await clock.sleep(LOOK_MS);
  }
}

function printElected({ out }: CommandContext, { clusterName, brokerName }: Group, view: GroupView): void {
  const { brokerAddr, epoch } = view.leader!.value;
  const syncStateSetEpoch = view.state!.modRevision;
  const replicas = view.replicas.map(({ value }) => ({ brokerId: value.replica, brokerAddr: value.brokerAddr }));
  out.value(
    { clusterName, brokerName, brokerAddr, epoch, syncStateSetEpoch, replicas },
    [
      "",
      `#ClusterName\t${clusterName}`,
      `#BrokerName\t${brokerName}`,
      `#BrokerMasterAddr\t${brokerAddr}`,
      `#MasterEpoch\t${epoch}`,
      `#SyncStateSetEpoch\t${syncStateSetEpoch}`,
      ...replicas.map((each) => `\t#Broker\t${each.brokerId}\t${each.brokerAddr}`),
    ].join("\n"),
  );
}

/** Has the leader hand over. @throws {Error} when it cannot be. */
async function askForHandOver(authority: Authority, { keys, view }: Group, to: number): Promise<void> {
  if (view.leader === null) {
    throw new Error("nobody leads, so that nobody can hand over; forceMaster names a leader, whatever it has");
  }
  if (!view.state!.value.inSync.includes(to)) {
    throw new Error(`replica ${to} is not in sync (${view.state!.value.inSync.join(", ")}): it may lack messages`);
  }
  if (view.leader.value.replica === to) return;
  await authority.commit({ compare: [], puts: [{ key: keys.handOver, value: JSON.stringify({ to }) }] });
}

/** The operator's word: this replica alone is in sync. @throws {Error} while somebody leads. */
async function force(authority: Authority, { keys, view }: Group, id: number): Promise<void> {
  if (view.leader !== null) {
    throw new Error(`replica ${view.leader.value.replica} leads: stop it first, or hand over (electMaster)`);
  }
  const epoch = Math.max(0, view.state?.value.epoch ?? 0, ...view.replicas.map(({ value }) => value.epoch));
  const before = view.state?.value ?? { ...NO_STATE, leader: id };
  const removed = before.removed.filter((each) => each !== id);
  const state = changed(before, { epoch, inSync: [id], removed, next: id, heldOffset: 0 });
  const { succeeded } = await authority.commit({
    compare: [
      { key: keys.state, target: "MOD", revision: view.state?.modRevision ?? 0 },
      { key: keys.leader, target: "CREATE", revision: 0 },
    ],
    puts: [{ key: keys.state, value: JSON.stringify(state) }],
  });
  if (!succeeded) throw new Error("somebody has changed the group meanwhile: look at it again with getSyncStateSet");
}

const cleanBrokerMetadata: ToolCommand = {
  name: "cleanBrokerMetadata",
  summary: "Clean metadata of broker on controller.",
  options: [
    ...ONE_GROUP,
    option(
      "b",
      "brokerControllerIdsToClean",
      "The brokerController id list which requires to clean metadata. eg: 1;2;3, means that clean broker-1, broker-2 and " +
        "broker-3",
    ),
    option("c", "clusterName", "The clusterName of broker"),
    flag("l", "cleanLivingBroker", "Whether clean up living brokers,default value is false"),
  ],
  example: "-a etcd://127.0.0.1:2379 -b 3 -c DefaultCluster -bn broker-a",
  async run(context) {
    const ids = idsOf(context);
    const { group } = await changeRemoved(context, (removed, { view }) => {
      const living = view.replicas.find(({ value }) => ids.includes(value.replica));
      if (view.leader !== null && ids.includes(view.leader.value.replica)) {
        throw new Error(`replica ${view.leader.value.replica} leads: hand over first (electMaster)`);
      }
      if (living !== undefined && !context.options.has("l")) {
        throw new Error(`replica ${living.value.replica} is alive: stop it first, or give -l`);
      }
      return [...removed.filter((each) => !ids.includes(each)), ...ids];
    });
    context.out.line(`clear broker ${group.brokerName} metadata from controller success! `);
  },
};

const addReplica: ToolCommand = {
  name: "addReplica",
  summary: "Let a replica that was taken out of its group be in sync again.",
  options: [
    ...ONE_GROUP,
    required("b", "brokerId", "the replicas. eg: 1;2;3"),
    required("c", "clusterName", "which cluster"),
  ],
  example: "-a etcd://127.0.0.1:2379 -b 3 -c DefaultCluster -bn broker-a",
  async run(context) {
    const ids = idsOf(context);
    const { group } = await changeRemoved(context, (removed) => removed.filter((each) => !ids.includes(each)));
    context.out.line(`replicas ${ids.join(", ")} of ${group.brokerName} come in sync when they have caught up`);
  },
};

function idsOf({ options }: CommandContext): number[] {
  const text = options.text("b");
  const ids = text.split(";").map(Number);
  if (ids.some((each) => !Number.isInteger(each) || each < 1)) {
    throw new UsageError(`-b ${text}: replicas are numbers from 1 on`);
  }
  return ids;
}

/** Changes the list of removed replicas, again when the leader changed the state at the same time. */
async function changeRemoved(
  context: CommandContext,
  change: (removed: readonly number[], group: Group) => readonly number[],
): Promise<{ group: Group }> {
  for (let i = 0; i < TRIES; i++) {
    const { group, authority } = await theGroup(context);
    const { state } = group.view;
    if (state === null) throw new Error("the group is new: nobody has led yet");
    const wanted = changed(state.value, { removed: change(state.value.removed, group) });
    const { succeeded } = await authority.commit({
      compare: [{ key: group.keys.state, target: "MOD", revision: state.modRevision }],
      puts: [{ key: group.keys.state, value: JSON.stringify(wanted) }],
    });
    if (succeeded) return { group };
  }
  throw new Error("the leader changes the group all the time: try again");
}

/** The commands of this file. */
export const ELECTION_COMMANDS: readonly ToolCommand[] = [
  getSyncStateSet,
  failoverHistory,
  electMaster,
  forceMaster,
  cleanBrokerMetadata,
  addReplica,
];
