/**
 * What tests of replication share: stores on the machines of a simulated world, one of them the master of the others.
 *
 * @module
 */
import { utf8 } from "../../../src/common/bytes.ts";
import { commonHistory } from "../../../src/store/ha_history.ts";
import { HaMaster, type HaMasterOptions, type HaMasterParts } from "../../../src/store/ha_master.ts";
import { HaSlave } from "../../../src/store/ha_slave.ts";
import {
  AppendMessage,
  AppendResult,
  defaultStoreOptions,
  MessageStore,
  PutStatus,
  type StoreOptions,
} from "../../../src/store/store.ts";
import type { SimProcess, SimWorld } from "../../support/world.ts";

/** Where a master listens for slaves. */
export const HA_PORT = 10912;

/** Options of small stores. */
const STORE: Partial<StoreOptions> = {
  mappedFileSizeCommitLog: 16384,
  mappedFileSizeConsumeQueue: 2000,
  maxHashSlotNum: 50,
  maxIndexNum: 600,
  storeRecentBytesMax: 32768,
};

/** RocketMQ's defaults. */
export const HA_OPTIONS: HaMasterOptions = {
  haTransferBatchSize: 32768,
  haSendHeartbeatInterval: 5000,
  haHousekeepingInterval: 20_000,
  haFlowControlEnable: false,
  maxHaTransferByteInSecond: 104_857_600,
  inSyncReplicas: 1,
  minInSyncReplicas: 1,
  enableAutoInSyncReplicas: false,
  allAckInSyncStateSet: false,
  haMaxGapNotInSync: 268_435_456,
};

/** A store in a process. */
export class Node {
  private constructor(readonly process: SimProcess, readonly store: MessageStore) {}

  /** Opens the store of the machine's disk. */
  static async open(process: SimProcess, options: Partial<StoreOptions>): Promise<Node> {
    const { disk, clock, net, logging } = process;
    const store = await MessageStore.open({
      disk,
      clock,
      log: logging.logger("store"),
      options: defaultStoreOptions("/store", { ...STORE, ...options }),
      storeHost: new Uint8Array([10, 0, 0, 1]),
      storePort: 10911,
      atEndOfTurn: (fn) => net.atEndOfTurn(fn),
    });
    return new Node(process, store);
  }

  /** Sends a message; resolves with what its producer is told. */
  send(topic: string, body: string, queueId = 0): Promise<PutStatus> {
    const message = new AppendMessage();
    message.topic = topic;
    message.queueId = queueId;
    message.bornTimestamp = this.process.clock.now();
    message.body = utf8(body);
    message.bodyEnd = message.body.length;
    message.properties = utf8(`KEYS\u0001${body.split(" ").slice(0, 2).join("-")}\u0002TAGS\u0001t\u0002`);
    message.propertiesEnd = message.properties.length;
    const out = new AppendResult();
    const status = this.store.append(message, out);
    if (status !== PutStatus.PUT_OK) return Promise.resolve(status);
    return new Promise((settle) => this.store.whenSafe(out.endOffset, true, { settle }));
  }

  /** All bytes of the log from `from` on. */
  async bytes(from = this.store.replicaLog.minOffset): Promise<Uint8Array> {
    const { endOffset } = this.store.replicaLog;
    return (await this.store.replicaLog.bytes(from, endOffset - from))!;
  }
}

/** A master's store with its HA port. */
export async function startMaster(
  world: SimWorld,
  name: string,
  options: Partial<StoreOptions> = {},
  ha: Partial<HaMasterOptions> = {},
  parts: Partial<Pick<HaMasterParts, "isAllowed" | "slavesAt">> = {},
): Promise<{ node: Node; master: HaMaster; process: SimProcess }> {
  const process = world.machine(name).boot();
  const node = await Node.open(process, options);
  const master = new HaMaster({
    net: process.net,
    clock: process.clock,
    log: process.logging.logger("ha"),
    source: node.store.replicaLog,
    options: { ...HA_OPTIONS, ...ha },
    isAllowed: () => true,
    slavesAt: () => Infinity,
    onProgress: () => node.store.replicasChanged(),
    ...parts,
  });
  node.store.attachReplicas(master.gate);
  node.store.onAppended(() => master.appended());
  master.listen({ host: "0.0.0.0", port: HA_PORT });
  return { node, master, process };
}

/** A slave's store that follows the machine `masterName`; `agreesWith` is the master's store for the comparison of histories. */
export async function startSlave(
  world: SimWorld,
  name: string,
  masterName: string,
  options: Partial<StoreOptions> = {},
  agreesWith: (() => MessageStore) | null = null,
): Promise<{ node: Node; slave: HaSlave; process: SimProcess }> {
  const process = world.machine(name).boot();
  const node = await Node.open(process, { ...options, brokerRole: "SLAVE" });
  const slave = new HaSlave({
    net: process.net,
    clock: process.clock,
    log: process.logging.logger("ha"),
    store: node.store,
    masterAddress: () => `${world.machine(masterName).ip}:${HA_PORT}`,
    agree: async () => {
      const own = node.store.replicaLog;
      if (agreesWith === null) return false;
      if (own.endOffset === 0) return true;
      const remote = agreesWith().replicaLog;
      const common = await commonHistory(own, {
        minOffset: remote.minOffset,
        endOffset: remote.endOffset,
        checksums: (stretches) => Promise.all(stretches.map(({ offset, size }) => remote.checksum(offset, size))),
      });
      if (common.endOffset < 0) throw new Error("nothing in common");
      if (common.endOffset < own.endOffset) await node.store.truncate(common.endOffset, common.lastRecordOffset);
      return true;
    },
    options: HA_OPTIONS,
  });
  slave.start();
  return { node, slave, process };
}
