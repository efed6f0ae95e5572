/**
 * Groups of replicas with an elected leader: whether their etcd answers, who leads, and who could lead if that one were lost.
 *
 * @module
 */
import type { ElectionOptions } from "../../broker/election_settings.ts";
import { defaultBrokerOptions } from "../../broker/options.ts";
import { messageOf } from "../../common/errors.ts";
import type { Authority } from "../../election/authority.ts";
import { GroupKeys, type GroupState, type GroupView } from "../../election/group_state.ts";
import { MASTER_ID } from "../../protocol/bodies/route.ts";
import { explain } from "../commands/election.ts";
import type { Report } from "./finding.ts";
import { brokerSubject, type ExaminedBroker, numberOf } from "./patient.ts";

/** Opens an etcd. */
export type OpenAuthority = (options: ElectionOptions) => Authority;

/** A group: its etcd, and its members as name servers tell of them. */
interface Group {
  readonly subject: string;
  readonly election: string;
  readonly config: ReadonlyMap<string, string>;
  readonly members: readonly ExaminedBroker[];
}

/** Examines the groups of which any member has `haElection`. */
export async function examineElections(
  open: OpenAuthority,
  brokers: readonly ExaminedBroker[],
  report: Report,
): Promise<void> {
  for (const group of groupsOf(brokers)) {
    for (const each of group.members) examineMember(each, group, report);
    const view = await readGroup(open, group, report);
    if (view !== null) examineGroup(view, group, report);
  }
}

function groupsOf(brokers: readonly ExaminedBroker[]): Group[] {
  const elected = brokers.filter(({ config }) => (config?.get("haElection") ?? "") !== "");
  // The first one of a group, its master where there is one, says where the others belong.
  const names = new Map(elected.toReversed().map((each) => [`${each.cluster}\n${each.brokerName}`, each]));
  return [...names.values()].map((one): Group => ({
    subject: `group ${one.brokerName}`,
    election: placeOf(one.config!),
    config: one.config!,
    members: brokers.filter((each) => each.cluster === one.cluster && each.brokerName === one.brokerName),
  }));
}

/** Where a broker's group stands in which etcd. */
function placeOf(config: ReadonlyMap<string, string>): string {
  return `${config.get("haElection") ?? ""} ${config.get("haElectionPrefix") ?? ""}`.trim();
}

/** Everybody with the name must be elected in the same place. */
function examineMember(broker: ExaminedBroker, { election }: Group, report: Report): void {
  if (broker.config === null || placeOf(broker.config) === election) return;
  const has = (broker.config.get("haElection") ?? "") === "" ? "no haElection" : `haElection=${placeOf(broker.config)}`;
  report({
    severity: "problem",
    check: "election-member",
    subject: brokerSubject(broker),
    text: `has ${has}, others of its brokerName have ${election}`,
    meaning: "it does not belong to the group: it may take messages beside the elected leader, or never lead",
    remedy: "give all replicas of a brokerName the same haElection and haElectionPrefix, or another brokerName",
  });
}

async function readGroup(open: OpenAuthority, { subject, config, members }: Group, report: Report) {
  const [haElection = "", user = ""] = [config.get("haElection"), config.get("haElectionUser")];
  if (user !== "" || haElection.startsWith("etcds:")) {
    const text =
      "its etcd wants a user or certificates, which brokers do not tell: see `rucola tools getSyncStateSet -a FILE`";
    report({ severity: "ok", check: "election", subject, text: `not looked at: ${text} with a broker's file` });
    return null;
  }
  const [{ cluster, brokerName }] = members as [ExaminedBroker];
  const keys = new GroupKeys(config.get("haElectionPrefix") || "/rucola", cluster, brokerName);
  try {
    return keys.view(await open(defaultBrokerOptions({ haElection })).read(keys.prefix));
  } catch (error) {
    report({
      severity: "warning",
      check: "election",
      subject,
      text: `its etcd ${haElection} does not answer from here: ${messageOf(error)}`,
      meaning:
        "if the replicas do not reach it either, they go on as they are, and nobody takes over from a leader that is lost",
      remedy: "start etcd, or run the doctor where the replicas run; their logs say whether they reach it",
    });
    return null;
  }
}

function examineGroup(view: GroupView, group: Group, report: Report): void {
  const { subject } = group;
  const state = view.state?.value;
  if (state === undefined || view.leader === null) {
    return report({
      severity: "problem",
      check: "election",
      subject,
      text: explain(view),
      meaning: "nothing can be sent to its queues",
      remedy: "see `rucola tools getSyncStateSet`; start the replicas that are in sync, or name one by forceMaster",
    });
  }
  examineInSync(state, group, report);
  examineReplicas(view, state, group, report);
}

function examineInSync({ inSync, leader }: GroupState, { subject, config }: Group, report: Report): void {
  const least = config.get("brokerRole") === "ASYNC_MASTER" ? 1 : numberOf(config, "minInSyncReplicas") || 1;
  const text = `replica ${leader} leads, in sync are ${inSync.join(", ")}`;
  if (inSync.length < least) {
    report({
      severity: "problem",
      check: "election",
      subject,
      text: `${text}, fewer than minInSyncReplicas=${least}`,
      meaning: "sends are refused",
      remedy: "start the other replicas; their logs say what keeps them from following",
    });
  } else if (inSync.length < 2) {
    report({
      severity: "warning",
      check: "election",
      subject,
      text: `${text}: nobody else`,
      meaning: "when it is lost, nobody may take over until it is back",
      remedy: "start the other replicas; their logs say what keeps them from following",
    });
  } else report({ severity: "ok", check: "election", subject, text });
}

/** Who is there and not in sync; and whether clients are told of the one that leads. */
function examineReplicas(view: GroupView, state: GroupState, { subject, members }: Group, report: Report): void {
  for (const { value: { replica, brokerAddr } } of view.replicas) {
    if (state.inSync.includes(replica)) continue;
    const isRemoved = state.removed.includes(replica);
    report({
      severity: "warning",
      check: "election-replica",
      subject,
      text: `replica ${replica} at ${brokerAddr} is there, but ${
        isRemoved ? "was taken out of the group" : "not in sync"
      }`,
      meaning: "it may not lead when the leader is lost",
      remedy: isRemoved
        ? "stop it, or let it in again by `rucola tools addReplica`"
        : "it comes in sync when it has caught up; if it does not, its log says why",
    });
  }
  const led = view.leader!.value.brokerAddr;
  const told = members.filter(({ brokerId }) => brokerId === MASTER_ID).map(({ address }) => address);
  if (told.includes(led)) return;
  report({
    severity: "warning",
    check: "election-route",
    subject,
    text: `replica ${view.leader!.value.replica} at ${led} leads, and clients are told ${
      told.join(", ") || "of no master"
    }`,
    meaning:
      "right for a moment after a change of the leader; else clients send by way of another replica, or not at all",
    remedy: "look again in half a minute; then see whether the leader reaches the name servers",
  });
}
