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
import { refusalText } from "../remoting/command.ts";
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
  /** `syncMasterFlushOffsetWhenStartup`: behind a master of RocketMQ 5.x, cuts to where that one's log ended at its start. */
  readonly truncatesToMasterFlushed: () => boolean;
  readonly identity: { readonly clusterName: string; readonly brokerName: string; readonly brokerId: number };
  /** Where leaders are elected: who we are, and the epoch that the master must lead; null elsewhere. */
  readonly election: {
    readonly replicaId: number;
    readonly replicaAddress: () => string;
    readonly replicaKey: string;
    readonly epoch: () => number;
  } | null;
}

/** The link; see the module's text. */
export class MasterLink {
  /** Where the master's log ended when it was asked last; 0 where it does not say. */
  masterEndOffset = 0;
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
    const { masterAddr, log, election } = this.#parts;
    const address = masterAddr();
    if (address === null && election !== null) throw new HistoryError("nobody leads");
    if (address === null) {
      log.warn(
        "HA: the master is followed unseen: no name server has told its address, so the logs cannot be compared",
      );
      return false;
    }
    const facts = await this.#ask(address, own, []);
    this.masterEndOffset = facts?.maxOffset ?? 0;
    if (election !== null && facts?.epoch !== election.epoch()) {
      throw new HistoryError(
        `the master ${address} leads ${facts?.epoch === undefined ? "no epoch" : `epoch ${facts.epoch}`}, ` +
          `epoch ${election.epoch()} is to be followed`,
      );
    }
    if (facts?.replica !== undefined) await this.#findCommonHistory(address, own, facts);
    else await this.#followJava(address, facts?.masterFlushOffset ?? null);
    return true;
  }

  /** Gives up everything from a damaged stretch on: the master has it whole. */
  async #cutDamage(from: number): Promise<void> {
    const { store, log } = this.#parts;
    log.warn(`HA: our log is damaged at ${from}: everything from there on is taken from the master again`);
    await store.truncate(from, -1);
  }

  /** One question; null when the master does not know it (RocketMQ 4.x); without `replica` it is RocketMQ's 5.x. */
  async #ask(address: string, own: Address, stretches: readonly Stretch[]): Promise<ExchangeHaInfoResponse | null> {
    const { client, identity, election } = this.#parts;
    const ext = writeHeader({
      replica: 1,
      ...identity,
      ...(election !== null && {
        replicaId: election.replicaId,
        epoch: election.epoch(),
        replicaAddress: election.replicaAddress(),
        replicaKey: election.replicaKey,
      }),
      haClientAddress: formatAddress(own),
      stretches: stretches.map(({ offset, size }) => `${offset}:${size}`).join(","),
    });
    const reply = await client.invoke(address, { code: RequestCode.EXCHANGE_BROKER_HA_INFO, ext }, TIMEOUT_MS);
    if (reply.code === ResponseCode.REQUEST_CODE_NOT_SUPPORTED) return null;
    if (reply.code !== ResponseCode.SUCCESS) throw new HistoryError(`the master refuses us: ${refusalText(reply)}`);
    return readHeader(EXCHANGE_HA_INFO_RESPONSE, reply.ext);
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

  /** @param masterFlushOffset where the master's log ended when it started; null when it did not say. */
  async #followJava(address: string, masterFlushOffset: number | null): Promise<void> {
    const { store, truncatesToMasterFlushed } = this.#parts;
    const { damagedFrom } = store;
    if (damagedFrom !== null && await this.#recordAt(address, damagedFrom) !== null) await this.#cutDamage(damagedFrom);
    const difference = await this.#lastRecordDifference(address);
    if (difference === null) return;
    const wanted = truncatesToMasterFlushed() && masterFlushOffset !== null;
    if (!wanted || masterFlushOffset >= store.replicaLog.endOffset) throw difference;
    await this.#cutTo(masterFlushOffset);
    const remaining = await this.#lastRecordDifference(address);
    if (remaining !== null) throw remaining;
  }

  /** `syncMasterFlushOffsetWhenStartup`: gives up what is behind the last record that ends at `offset` or before. */
  async #cutTo(offset: number): Promise<void> {
    const { store, log } = this.#parts;
    const starts = await store.replicaLog.recordStarts(this.#searchFrom(offset), offset);
    const end = starts.at(-1);
    if (end === undefined) return;
    const path = await store.truncate(end, starts.at(-2) ?? -1);
    log.error(`HA: syncMasterFlushOffsetWhenStartup: everything from ${end} on was cut off and is kept in ${path}`);
  }

  #searchFrom(offset: number): number {
    return Math.max(this.#parts.store.replicaLog.minOffset, offset - LAST_RECORD_WITHIN);
  }

  /** The master's record at an offset, null when there is none. */
  async #recordAt(address: string, offset: number): Promise<Uint8Array | null> {
    const request = { code: RequestCode.VIEW_MESSAGE_BY_ID, ext: writeHeader({ offset }) };
    const reply = await this.#parts.client.invoke(address, request, TIMEOUT_MS);
    return reply.code === ResponseCode.SUCCESS ? reply.body : null;
  }

  /** How our last record differs from the master's at its place; null when it does not. */
  async #lastRecordDifference(address: string): Promise<HistoryError | null> {
    const { replicaLog } = this.#parts.store;
    const { endOffset } = replicaLog;
    const starts = await replicaLog.recordStarts(this.#searchFrom(endOffset), endOffset);
    const last = starts.findLast((start) => start < endOffset);
    if (last === undefined) return null;
    const mine = await replicaLog.bytes(last, endOffset - last);
    const theirs = await this.#recordAt(address, last);
    if (mine !== null && theirs !== null && equalBytes(theirs, mine)) return null;
    const found = theirs === null ? "none there" : "another one there";
    return new HistoryError(
      `our last record, at ${last}, is not the master's, which has ${found}: one of us followed another history, or what ` +
        "we have has expired at the master. Stop this broker, keep its store aside if it may have messages that the master " +
        "has lost, and start it with an empty one",
    );
  }
}

function readChecksums(text: string): (number | null)[] {
  return text.split(",").map((item) => /^\d+$/.test(item) ? Number(item) : null);
}
