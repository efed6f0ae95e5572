/**
 * All handlers of a broker in one table from request code to function: gives each family what it uses.
 *
 * @module
 */
import type { Clock } from "../common/clock.ts";
import type { Disk } from "../common/disk.ts";
import type { LoopWatch } from "../common/loop_watch.ts";
import { invariant } from "../common/errors.ts";
import { Interner } from "../common/intern.ts";
import type { Log } from "../common/log.ts";
import type { Random } from "../common/random.ts";
import { RequestCode } from "../protocol/codes.ts";
import { Perm } from "../protocol/message.ts";
import type { RemotingClient } from "../remoting/client.ts";
import type { FastHandlerTable, Handler, HandlerTable } from "../remoting/handler.ts";
import type { MessageStore } from "../store/store.ts";
import { type ChangeableConfig, liveOptions } from "./changeable_config.ts";
import type { ClientNotifier } from "./client_notify.ts";
import type { DelayLevels } from "./delay_levels.ts";
import type { HalfMessages } from "./half_messages.ts";
import { adminAbsentHandlers } from "./handlers/admin_absent.ts";
import { adminBrokerHandlers } from "./handlers/admin_broker.ts";
import { adminClientHandlers } from "./handlers/admin_clients.ts";
import { adminConfigHandlers } from "./handlers/admin_config.ts";
import { adminOffsetHandlers } from "./handlers/admin_offsets.ts";
import { adminReplicationHandlers } from "./handlers/admin_replication.ts";
import { clientHandlers } from "./handlers/client.ts";
import { groupHandlers } from "./handlers/group.ts";
import { lockHandlers } from "./handlers/lock.ts";
import { offsetHandlers } from "./handlers/offset.ts";
import { fastPull, pullHandlers, type PullParts } from "./handlers/pull.ts";
import { queryHandlers } from "./handlers/query.ts";
import { replicationHandlers } from "./handlers/replication.ts";
import { replyHandlers } from "./handlers/reply.ts";
import { sendHandlers } from "./handlers/send.ts";
import { sendBackHandlers } from "./handlers/send_back.ts";
import { timerHandlers } from "./handlers/timer.ts";
import { topicHandlers } from "./handlers/topic.ts";
import { transactionHandlers } from "./handlers/transaction.ts";
import type { Identity } from "./identity.ts";
import type { MessagePut } from "./message_put.ts";
import { processFacts } from "./process_facts.ts";
import { PullAdmission } from "./pull_admission.ts";
import type { PullHold } from "./pull_hold.ts";
import type { Pop } from "./pop/pop.ts";
import { popHandlerTables } from "./pop_handler_table.ts";
import type { BrokerSettings } from "./read_options.ts";
import type { Registration } from "./registration.ts";
import type { Replication } from "./replication.ts";
import { runtimeInfo } from "./runtime_info.ts";
import { SendAdmission } from "./send_admission.ts";
import { SystemTopic } from "./system_topics.ts";
import { TableAnswers } from "./table_answers.ts";
import type { BrokerTables } from "./tables.ts";
import type { TimerService } from "./timer/service.ts";

/** How long a change of topics waits for name servers before it is answered all the same. */
const ANNOUNCE_PATIENCE_MS = 3000;
/** Part of the memory within which a queue's first message must be for the queue to count as young. */
export const YOUNG_MEMORY_RATIO = 0.4;

/** What the handlers are made of. */
export interface HandlerTableParts {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly random: Random;
  readonly log: (name: string) => Log;
  readonly memoryBytes: number;
  /** The settings that count now. */
  readonly settings: () => BrokerSettings;
  readonly config: ChangeableConfig;
  readonly brokerAddr: string;
  readonly identity: Identity;
  readonly store: MessageStore;
  readonly tables: BrokerTables;
  readonly hold: PullHold;
  readonly put: MessagePut;
  readonly delays: DelayLevels;
  readonly halves: HalfMessages;
  readonly notifier: ClientNotifier;
  readonly registration: Registration;
  readonly replication: Replication;
  readonly pop: Pop;
  readonly timers: TimerService;
  /** Asks name servers. */
  readonly client: RemotingClient;
  readonly loopWatch: LoopWatch;
}

/** The table of all handlers. */
export function handlerTable(parts: HandlerTableParts): HandlerTable {
  const tableAnswers = new TableAnswers(parts.clock);
  return merge([
    ...messageHandlers(parts),
    pullHandlers(pullParts(parts)),
    queryHandlers(parts.store),
    ...tableHandlers(parts, tableAnswers),
    ...popHandlerTables(parts),
    timerTable(parts),
    ...adminHandlers(parts, tableAnswers),
  ]);
}

function timerTable(parts: HandlerTableParts): HandlerTable {
  const { timers: { timer, pending }, put, settings, tables: { topics }, clock } = parts;
  const { brokerName, regionId } = settings().broker;
  return timerHandlers({
    timer,
    pending,
    put,
    settings: {
      brokerName,
      regionId,
      isRecallEnabled: () => settings().broker.recallMessageEnable,
      isSlave: () => isSlave(parts),
      takesNothing: () => recallRefusal(settings(), clock.now()),
      hasTopic: (topic) => topics.has(topic),
      now: () => clock.now(),
    },
  });
}

/** Why nothing can be recalled now, or null. */
function recallRefusal({ broker }: BrokerSettings, now: number): string | null {
  if (now < broker.startAcceptSendRequestTimeStamp) return "startAcceptSendRequestTimeStamp is not reached";
  const isWritable = (broker.brokerPermission & Perm.WRITE) !== 0;
  return isWritable || broker.allowRecallWhenBrokerNotWriteable ? null : "the broker is not writable";
}

function messageHandlers(parts: HandlerTableParts): HandlerTable[] {
  const { clock, random, settings, identity, store, put, tables, halves } = parts;
  const { broker, store: storeOptions } = settings();
  const { topics, groups, locks, stats, clients } = tables;
  const brokerPermission = () => settings().broker.brokerPermission;
  const { regionId, traceOn, brokerClusterName: clusterName, brokerName, brokerIP1 } = broker;
  const facts = { maxMessageSize: storeOptions.maxMessageSize, refusal: () => store.refusal() };
  const admission = new SendAdmission(topics, groups, locks, clock, {
    brokerPermission,
    brokerIP1,
    acceptsFromMs: broker.startAcceptSendRequestTimeStamp,
    isSlave: () => isSlave(parts),
  });
  const { ids, uniqueKey } = identity;
  const countSendBack = (group: string, topic: string) => stats.group(group, topic).sendBackNums.add(1);
  const sendSettings = { ...facts, ids, regionId, traceOn, clusterName, brokerName, uniqueKey };
  const transactionSettings = {
    ...facts,
    transactionTimeOutMs: broker.transactionTimeOut,
    isSlave: () => isSlave(parts),
    now: () => clock.now(),
  };
  return [
    sendHandlers({ store, put, admission, counter: stats, random, settings: sendSettings }),
    sendBackHandlers({
      store,
      put,
      topics,
      groups,
      settings: { random, ids, brokerIP1, brokerPermission, countSendBack },
    }),
    replyHandlers({
      put,
      admission,
      clients,
      notifier: parts.notifier,
      counter: stats,
      settings: {
        regionId,
        traceOn,
        brokerAddr: parts.brokerAddr,
        storesReplies: broker.storeReplyMessageEnable,
        now: () => clock.now(),
        messageId: (physicalOffset) => ids.of(physicalOffset),
      },
    }),
    transactionHandlers({ store, put, halves, counter: stats, settings: transactionSettings }),
  ];
}

/** The fast handlers of what reads messages. */
export function fastReadHandlers(parts: HandlerTableParts): FastHandlerTable {
  return new Map([[RequestCode.PULL_MESSAGE, fastPull(pullParts(parts), new Interner())]]);
}

function pullParts(parts: HandlerTableParts): PullParts {
  const { store, tables, hold, clock, settings, memoryBytes } = parts;
  const { broker, store: storeOptions } = settings();
  const { groups, topics, clients, offsets, stats, filters } = tables;
  const slowBytes = memoryBytes * storeOptions.accessMessageInMemoryMaxRatio / 100;
  const admission = new PullAdmission(groups, topics, clients, filters, {
    brokerPermission: () => settings().broker.brokerPermission,
    brokerIP1: broker.brokerIP1,
    litePullMessageEnable: broker.litePullMessageEnable,
    // While its master is away a slave serves reads in any case: there is nobody else. Where a leader is elected there soon
    // is: what it has beyond the promise may go, and readers must not have seen it.
    refusesReads: () =>
      isSlave(parts) && !settings().broker.slaveReadEnable &&
      (parts.replication.isFollowing || parts.replication.election !== null),
  });
  return {
    store,
    admission,
    offsets,
    hold,
    stats,
    clock,
    settings: {
      longPollingEnable: broker.longPollingEnable,
      shortPollingTimeMs: broker.shortPollingTimeMills,
      maxBytes: storeOptions.maxTransferBytesOnMessageInMemory,
      maxMessages: storeOptions.maxTransferCountOnMessageInMemory,
      suggestedBroker: (group, behindBytes) => {
        if (!settings().broker.slaveReadEnable) return 0;
        return behindBytes > slowBytes ? group.whichBrokerWhenConsumeSlowly : group.brokerId;
      },
      keepsOffsets: () => isSlave(parts) && !storeOptions.offsetCheckInSlave,
    },
  };
}

function tableHandlers(parts: HandlerTableParts, tableAnswers: TableAnswers): HandlerTable[] {
  const { store, tables, settings, memoryBytes, brokerAddr, registration } = parts;
  const options = liveOptions(() => settings().broker);
  const { topics, groups, offsets, clients, stats, locks, filters } = tables;
  const announced = async () => {
    await topics.saved();
    await registration.settled(ANNOUNCE_PATIENCE_MS);
  };
  return [
    clientHandlers({ clients, groups, topics, locks, options, filters }),
    offsetHandlers({ offsets, groups, topics, store, youngBytes: memoryBytes * YOUNG_MEMORY_RATIO }),
    lockHandlers(locks),
    topicHandlers({ topics, offsets, clients, stats, store, options, tableAnswers, announced }),
    groupHandlers({ groups, offsets, clients, stats, options, tableAnswers, brokerAddr }),
  ];
}

function adminHandlers(parts: HandlerTableParts, tableAnswers: TableAnswers): HandlerTable[] {
  const { store, tables, settings, clock, log, notifier, brokerAddr, config, replication } = parts;
  const options = liveOptions(() => settings().broker);
  const { topics, groups, offsets, clients, stats, delayOffsets } = tables;
  const { brokerName } = options;
  return [
    adminAbsentHandlers(),
    adminReplicationHandlers({ delayOffsets, haStatus: () => replication.status() }),
    replicationHandlers({ replication, store, brokerAddr, brokerName, clusterName: options.brokerClusterName }),
    adminBrokerHandlers({ stats, clients, topics, store, log: log("broker"), runtimeInfo: runtimeInfoOf(parts) }),
    adminClientHandlers({ clients, groups, topics, notifier, store, brokerName }),
    adminOffsetHandlers({
      offsets,
      topics,
      groups,
      clients,
      stats,
      notifier,
      store,
      clock,
      tableAnswers,
      options,
      brokerAddr,
      isSlave: () => isSlave(parts),
      inFlight: (group, topic, queueId) => parts.pop.table.find({ group, topic, queueId })?.inFlight.size ?? 0,
    }),
    adminConfigHandlers({
      config,
      clock,
      log: log("broker"),
      blackList: () => settings().broker.configBlackList,
      // A name server takes changed permissions only with a new version of the table.
      onPermissionChanged: () => topics.bumpVersion(),
    }),
  ];
}

function runtimeInfoOf(parts: HandlerTableParts): () => Promise<ReadonlyMap<string, string>> {
  const { clock, disk, store, tables, settings } = parts;
  const { storePathRootDir, storePathCommitLog } = settings().store;
  const commitLogPath = (storePathCommitLog ?? `${storePathRootDir}/commitlog`).split(",")[0]!;
  const bootMs = clock.now();
  return () =>
    runtimeInfo({
      clock,
      stats: tables.stats,
      store,
      diskUsage: () => disk.usage(commitLogPath),
      commitLogPath,
      options: settings().broker,
      bootMs,
      more: () => [...delayProgress(parts), ...timerProgress(parts), ...processFacts(disk), ...loopPauses(parts)],
    });
}

/** How long the event loop was held up: ours, as long as the machine gives the process its time. */
function loopPauses({ loopWatch }: HandlerTableParts): [string, string][] {
  const { count, longestMs, longestLatelyMs, starvedCount, longestStarvedMs } = loopWatch.pauses();
  return Object.entries({
    eventLoopPauses: count,
    eventLoopPauseMaxMs: longestMs,
    eventLoopPauseLatelyMaxMs: longestLatelyMs,
    eventLoopStarved: starvedCount,
    eventLoopStarvedMaxMs: longestStarvedMs,
  }).map(([name, value]) => [name, String(value)]);
}

/** How far timer messages are: what waits, and how far reading their topic is behind. */
function* timerProgress({ timers }: HandlerTableParts): Generator<[string, string]> {
  const figures = timers.timer?.figures();
  if (figures === undefined) return;
  yield ["timerReadBehind", String(Math.floor(figures.readBehindMs / 1000))];
  yield ["timerOffsetBehind", String(figures.offsetBehind)];
  yield ["timerCongestNum", String(figures.pending)];
}

/** How far each delay level is: `scheduleMessageOffset_LEVEL` = `delivered,stored`. */
function* delayProgress({ delays, tables, store }: HandlerTableParts): Generator<[string, string]> {
  for (let level = 1; level <= delays.max; level++) {
    const stored = store.maxOffset(SystemTopic.SCHEDULE, level - 1);
    if (stored > 0) yield [`scheduleMessageOffset_${level}`, `${tables.delayOffsets.get(level)},${stored}`];
  }
}

function isSlave({ settings }: HandlerTableParts): boolean {
  return settings().store.brokerRole === "SLAVE";
}

/** One table of all; a code that stands in two is a mistake of ours. */
function merge(tables: readonly HandlerTable[]): HandlerTable {
  const merged = new Map<number, Handler>();
  for (const table of tables) {
    for (const [code, handler] of table) {
      invariant(!merged.has(code), `two handlers for request code ${code}`);
      merged.set(code, handler);
    }
  }
  return merged;
}
