/**
 * What a slave asks its master over the remoting port before it follows it: who am I to you, and is my log a beginning of
 * yours. A RocketMQ master does not know the first question; for the second, its record at the offset of our last one is
 * compared, and a difference is refused, for where the histories part cannot be found out there.
 *
 * @module
 */
import { equalBytes } from "../common/bytes.ts";
import type { Log } from "../common/log.ts";
import { type Address, formatAddress } from "../common/net.ts";
import { RequestCode, ResponseCode } from "../protocol/codes.ts";
import { readHeader, writeHeader } from "../protocol/header.ts";
import { EXCHANGE_HA_INFO_RESPONSE, type ExchangeHaInfoResponse } from "../protocol/headers/ha.ts";
import type { RemotingClient } from "../remoting/client.ts";
import { commonHistory, type RemoteLog, type Stretch } from "../store/ha_history.ts";
import { HistoryError } from "../store/ha_records.ts";
import type { MessageStore } from "../store/store.ts";

const TIMEOUT_MS = 3000;
/** The last record is looked for in so much of the log's end. */
const LAST_RECORD_WITHIN = 8 * 1024 * 1024;

/** What the link is made of. */
export interface MasterLinkParts {
  readonly client: RemotingClient;
  readonly store: MessageStore;
  readonly log: Log;
  /** `host:port` of the master for clients; null while nobody has told. */
  readonly masterAddr: () => string | null;
  readonly identity: { readonly clusterName: string; readonly brokerName: string; readonly brokerId: number };
}

/** The link; see the module's text. */
export class MasterLink {
  readonly #parts: MasterLinkParts;

  constructor(parts: MasterLinkParts) {
    this.#parts = parts;
  }

  /**
   * Makes sure that our log is a beginning of the master's, cutting off what is not. False when nobody could tell.
   *
   * @param own our end of the HA connection. @throws {HistoryError} when an operator must decide.
   * @throws {ConnectionError} when the master does not answer.
   */
  async agree(own: Address): Promise<boolean> {
    const { masterAddr, log } = this.#parts;
    const address = masterAddr();
    if (address === null) {
      log.warn(
        "HA: the master is followed unseen: no name server has told its address, so the logs cannot be compared",
      );
      return false;
    }
    const facts = await this.#ask(address, own, []);
    if (facts === null) await this.#compareLastRecord(address);
    else await this.#findCommonHistory(address, own, facts);
    return true;
  }

  /** Gives up everything from a damaged stretch on: the master has it whole. */
  async #cutDamage(from: number): Promise<void> {
    const { store, log } = this.#parts;
    log.warn(`HA: our log is damaged at ${from}: everything from there on is taken from the master again`);
    await store.truncate(from, -1);
  }

  /** One question; null when the master is RocketMQ's. */
  async #ask(address: string, own: Address, stretches: readonly Stretch[]): Promise<ExchangeHaInfoResponse | null> {
    const { client, identity } = this.#parts;
    const ext = writeHeader({
      replica: 1,
      ...identity,
      haClientAddress: formatAddress(own),
      stretches: stretches.map(({ offset, size }) => `${offset}:${size}`).join(","),
    });
    const reply = await client.invoke(address, { code: RequestCode.EXCHANGE_BROKER_HA_INFO, ext }, TIMEOUT_MS);
    if (reply.code === ResponseCode.REQUEST_CODE_NOT_SUPPORTED) return null;
    if (reply.code !== ResponseCode.SUCCESS) throw new HistoryError(`the master refuses us: ${reply.remark}`);
    const facts = readHeader(EXCHANGE_HA_INFO_RESPONSE, reply.ext);
    return facts.replica === undefined ? null : facts;
  }

  async #findCommonHistory(address: string, own: Address, facts: ExchangeHaInfoResponse): Promise<void> {
    const { store, log } = this.#parts;
    const mine = store.replicaLog;
    const { minOffset = 0, maxOffset = 0, fileSize = 0 } = facts;
    if (fileSize !== mine.fileSize) {
      throw new HistoryError(
        `the master's commitlog files have ${fileSize} bytes, ours ${mine.fileSize}. ` +
          `Empty the store and set mappedFileSizeCommitLog=${fileSize}`,
      );
    }
    const { damagedFrom } = store;
    if (damagedFrom !== null && damagedFrom >= minOffset && damagedFrom <= maxOffset) {
      await this.#cutDamage(damagedFrom);
    }
    if (mine.endOffset === 0) return;
    const remote: RemoteLog = {
      minOffset,
      endOffset: maxOffset,
      checksums: async (stretches) => readChecksums((await this.#ask(address, own, stretches))?.checksums ?? ""),
    };
    const common = await commonHistory(mine, remote);
    if (common.endOffset < 0) {
      throw new HistoryError(
        `the master's log [${minOffset}, ${maxOffset}) and ours [${mine.minOffset}, ${mine.endOffset}) have nothing in ` +
          "common. Empty our store; or, if it has what the master has lost, make this broker the master",
      );
    }
    if (common.endOffset === mine.endOffset) return;
    const { endOffset } = mine;
    log.error(
      `HA: our log goes on to ${endOffset}, but is the same as the master's only up to ${common.endOffset}: ` +
        `${endOffset - common.endOffset} bytes are cut off`,
    );
    const path = await store.truncate(common.endOffset, common.lastRecordOffset);
    log.error(`HA: what was cut off is kept in ${path}: look whether it has messages that are missed`);
  }

  async #compareLastRecord(address: string): Promise<void> {
    const { client, store } = this.#parts;
    const { damagedFrom } = store;
    if (damagedFrom !== null) {
      const ext = writeHeader({ offset: damagedFrom });
      const reply = await client.invoke(address, { code: RequestCode.VIEW_MESSAGE_BY_ID, ext }, TIMEOUT_MS);
      if (reply.code === ResponseCode.SUCCESS) await this.#cutDamage(damagedFrom);
    }
    const { replicaLog } = store;
    const { endOffset, minOffset } = replicaLog;
    const starts = await replicaLog.recordStarts(Math.max(minOffset, endOffset - LAST_RECORD_WITHIN), endOffset);
    const last = starts.findLast((start) => start < endOffset);
    if (last === undefined) return;
    const mine = await replicaLog.bytes(last, endOffset - last);
    const ext = writeHeader({ offset: last });
    const reply = await client.invoke(address, { code: RequestCode.VIEW_MESSAGE_BY_ID, ext }, TIMEOUT_MS);
    const isSame = reply.code === ResponseCode.SUCCESS && mine !== null && equalBytes(reply.body, mine);
    if (isSame) return;
    const found = reply.code === ResponseCode.SUCCESS ? "another one there" : "none there";
    throw new HistoryError(
      `our last record, at ${last}, is not the master's, which has ${found}: one of us followed another history, or what ` +
        "we have has expired at the master. Stop this broker, keep its store aside if it may have messages that the master " +
        "has lost, and start it with an empty one",
    );
  }
}

function readChecksums(text: string): (number | null)[] {
  return text.split(",").map((item) => /^\d+$/.test(item) ? Number(item) : null);
}
