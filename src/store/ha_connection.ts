/**
 * One slave as its master sees it: reads its reports, sends it the log from where it asked, as soon as there is something.
 *
 * Invariants: `ackOffset <= sentOffset <= ` the log's end. A slave can only acknowledge bytes that were sent to it on this
 * connection, or that it asked not to be sent; one that reports more is no slave of ours and is cut off.
 *
 * Only {@link HaMaster} uses it. RocketMQ counterpart: `DefaultHAConnection`.
 *
 * @module
 */
import { concatBytes } from "../common/bytes.ts";
import type { Clock, Timer } from "../common/clock.ts";
import { messageOf } from "../common/errors.ts";
import type { Log } from "../common/log.ts";
import { type Address, formatAddress, type Socket } from "../common/net.ts";
import type { HaFlow } from "./ha_flow.ts";
import {
  FRAME_BODY_MAX,
  FRAME_HEAD_SIZE,
  HaProtocolError,
  isClientRequest,
  putFrameHead,
  ReportReader,
  SHOWN_BYTES,
  shownBytes,
} from "./ha_protocol.ts";
import type { ReplicaLog } from "./replica_log.ts";

/** Bytes that are written to the socket at once, unless one frame is larger. */
const SEND_SIZE = 256 * 1024;
/** Reports that are read at once. */
const READ_SIZE = 4096;

/** What all connections of a master share. */
export interface HaConnectionContext {
  readonly clock: Clock;
  readonly log: Log;
  readonly source: ReplicaLog;
  readonly flow: HaFlow;
  /** `haTransferBatchSize`: largest body of a frame. */
  readonly batchSize: number;
  /** `haSendHeartbeatInterval`. */
  readonly heartbeatMs: number;
  /** `haHousekeepingInterval`. */
  readonly silenceMaxMs: number;
  /** The slave is further, or has just begun. */
  readonly onProgress: () => void;
  readonly onClosed: (connection: HaConnection) => void;
}

/** One slave's connection. */
export class HaConnection {
  readonly remote: Address;
  /** Whether what it acknowledges counts for producers. */
  isKnown = false;
  /** Whether a node of ours has said that this is its connection. */
  isIdentified = false;
  /** Which replica of an elected leader's group it is; null for others, and until it has said so. */
  replicaId: number | null = null;
  /** Bytes sent since it connected. */
  bytesSent = 0;
  readonly #socket: Socket;
  readonly #context: HaConnectionContext;
  readonly #flow: HaFlow;
  readonly #reports = new ReportReader();
  readonly #buffer: Uint8Array;
  readonly #batchSize: number;
  /** What came first: who it was that was no slave. */
  #firstBytes: Uint8Array = new Uint8Array(0);
  /** A whole report came. */
  #hasReported = false;
  #ackOffset = -1;
  #sentOffset = -1;
  #lastReportMs: number;
  #lastWriteMs: number;
  #sending = false;
  #retry: Timer | null = null;
  #heartbeatDue = false;
  #closed = false;

  /** {@linkcode run} begins. */
  constructor(socket: Socket, context: HaConnectionContext, ownFlow: HaFlow) {
    this.#socket = socket;
    this.#context = context;
    this.#flow = ownFlow;
    this.remote = socket.remote;
    this.#batchSize = Math.min(context.batchSize, FRAME_BODY_MAX - FRAME_HEAD_SIZE);
    this.#buffer = new Uint8Array(Math.max(SEND_SIZE, this.#batchSize + FRAME_HEAD_SIZE));
    this.#lastReportMs = this.#lastWriteMs = context.clock.monotonicMs();
  }

  /** `host:port` of the slave's end. */
  get remoteText(): string {
    return formatAddress(this.remote);
  }

  /** Whether the slave has said where to start. */
  get hasBegun(): boolean {
    return this.#sentOffset >= 0;
  }

  /** The slave has everything below it; −1 before it has said so. */
  get ackOffset(): number {
    return this.#ackOffset;
  }

  /** Where the next bytes to be sent begin; −1 before the first report. */
  get sentOffset(): number {
    return this.#sentOffset;
  }

  /** Bytes sent in the last second. */
  get bytesInSecond(): number {
    return this.#flow.bytesInSecond;
  }

  /** Serves the slave until the connection ends. */
  run(): void {
    this.#receive().catch((error) => this.close(messageOf(error)));
  }

  /**
   * There may be something to send: it is on its way when this returns, unless something is being sent already. A slave begins
   * to work while its master goes on with its turn.
   */
  wake(): void {
    if (this.#sending || this.#closed) return;
    this.#sending = true;
    this.#send().catch((error) => this.close(messageOf(error)));
  }

  /** To be called now and then: sees to heartbeats, and ends a connection on which nothing comes any more. */
  tick(): void {
    const { clock, heartbeatMs, silenceMaxMs } = this.#context;
    const now = clock.monotonicMs();
    const silentMs = now - this.#lastReportMs;
    if (silentMs > silenceMaxMs) return this.close(`no report for ${Math.round(silentMs)} ms`);
    if (!this.hasBegun || now - this.#lastWriteMs < heartbeatMs) return;
    this.#heartbeatDue = true;
    this.wake();
  }

  /** Ends the connection; idempotent. */
  close(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#logEnd(reason);
    this.#retry?.cancel();
    this.#socket.close();
    this.#context.onClosed(this);
  }

  #logEnd(reason: string): void {
    const { log } = this.#context;
    if (this.isIdentified || this.#hasReported) {
      return log.info(`HA connection to slave ${this.remoteText} closed: ${reason}`);
    }
    const end = `HA: connection from ${this.remoteText}, which was no slave's, closed: ${reason}`;
    if (this.#firstBytes.length > 0) return log.warn(`${end}; what came was ${shownBytes(this.#firstBytes)}`);
    // A load balancer looks every few seconds.
    log.info(`${end}; nothing came: a look whether the port is open, or a slave that gave up (its log says why)`);
  }

  /** Notes what comes before the first report. @throws {HaProtocolError} when it is none of a slave. */
  #meet(chunk: Uint8Array): void {
    const room = SHOWN_BYTES - this.#firstBytes.length;
    if (room > 0) this.#firstBytes = concatBytes([this.#firstBytes, chunk.subarray(0, room)]);
    if (!isClientRequest(this.#firstBytes)) return;
    throw new HaProtocolError("a client's request: this is the port for slaves (haListenPort), not that for clients");
  }

  async #receive(): Promise<void> {
    const chunk = new Uint8Array(READ_SIZE);
    for (;;) {
      const count = await this.#socket.read(chunk);
      if (this.#closed) return;
      if (count === null) return this.close("closed by the other side");
      if (!this.#hasReported) this.#meet(chunk.subarray(0, count));
      const report = this.#reports.take(chunk.subarray(0, count));
      if (report === null) continue;
      this.#hasReported = true;
      this.#lastReportMs = this.#context.clock.monotonicMs();
      if (this.hasBegun) this.#acknowledged(report);
      else this.#begin(report);
    }
  }

  /**
   * The first report: where to start. A replica of an elected leader's group without a log is sent all of it, for it may be
   * elected as soon as it has caught up; other slaves begin with the newest file, as RocketMQ's.
   * Source: RocketMQ `DefaultHAConnection.WriteSocketService`; the checks are ours.
   */
  #begin(report: number): void {
    const { source, log } = this.#context;
    const { minOffset, endOffset } = source;
    const refusal = report > endOffset
      ? `its log ends at ${report}, beyond ours at ${endOffset}: it followed another history. Empty the slave's store, or ` +
        "make it the master if it has messages that this one has lost"
      : report > 0 && report < minOffset
      ? `its log ends at ${report}, and ours begins at ${minOffset}: what lies between has expired. Empty the slave's store`
      : null;
    if (refusal !== null) {
      log.error(`HA: slave ${this.remoteText} is refused: ${refusal}`);
      return this.close("refused");
    }
    this.#ackOffset = report;
    const emptyStart = this.replicaId === null ? source.newestFileOffset : minOffset;
    this.#sentOffset = report === 0 ? emptyStart : report;
    log.info(
      `HA: slave ${this.remoteText} has the log up to ${report} and is sent it from ${this.#sentOffset} on` +
        (this.isKnown ? "" : "; it is not known, and what it acknowledges does not count for producers"),
    );
    this.#context.onProgress();
    this.wake();
  }

  #acknowledged(report: number): void {
    if (report > this.#sentOffset) {
      this.#context.log.error(
        `HA: slave ${this.remoteText} acknowledges ${report}, but was sent the log up to ${this.#sentOffset}`,
      );
      return this.close("acknowledged what it was not sent");
    }
    if (report <= this.#ackOffset) return;
    this.#ackOffset = report;
    this.#context.onProgress();
  }

  /** Sends until there is nothing more. */
  async #send(): Promise<void> {
    while (!this.#closed) {
      const filled = this.hasBegun ? this.#fill() : 0;
      const size = typeof filled === "number" ? filled : await filled;
      if (this.#closed) return;
      if (size > 0) await this.#write(this.#buffer.subarray(0, size));
      else if (this.#heartbeatDue) await this.#write(this.#heartbeat());
      else break;
    }
    this.#sending = false;
  }

  #heartbeat(): Uint8Array {
    putFrameHead(this.#buffer, 0, this.#sentOffset, 0);
    return this.#buffer.subarray(0, FRAME_HEAD_SIZE);
  }

  async #write(bytes: Uint8Array): Promise<void> {
    this.#heartbeatDue = false;
    for (let written = 0; written < bytes.length && !this.#closed;) {
      written += await this.#socket.write(bytes.subarray(written));
    }
    this.#lastWriteMs = this.#context.clock.monotonicMs();
  }

  /** Puts frames with what there is into the buffer; returns their size. A promise only when the disk must be asked. */
  #fill(): number | Promise<number> {
    const { source } = this.#context;
    for (let at = 0;;) {
      const room = Math.min(this.#batchSize, this.#buffer.length - at - FRAME_HEAD_SIZE);
      const wanted = Math.min(room, source.endOffset - this.#sentOffset);
      const size = wanted <= 0 ? 0 : this.#allowed(wanted);
      if (size === 0) return at;
      const read = source.read(this.#bodyAt(at, size), this.#sentOffset);
      if (typeof read !== "number") {
        return read.then((count) => at + this.#frame(at, count));
      }
      at += this.#frame(at, read);
    }
  }

  #bodyAt(at: number, size: number): Uint8Array {
    return this.#buffer.subarray(at + FRAME_HEAD_SIZE, at + FRAME_HEAD_SIZE + size);
  }

  /** The body of `size` bytes at `at` is there: makes it a frame, which counts as sent. */
  #frame(at: number, size: number): number {
    if (size === 0) {
      throw new Error(
        `the log from ${this.#sentOffset} on has expired (it begins at ${this.#context.source.minOffset})`,
      );
    }
    putFrameHead(this.#buffer, at, this.#sentOffset, size);
    this.#sentOffset += size;
    this.bytesSent += size;
    this.#flow.sent(size);
    this.#context.flow.sent(size);
    return FRAME_HEAD_SIZE + size;
  }

  /** How much the limit lets through; asks to be woken when that is nothing. */
  #allowed(wanted: number): number {
    const { flow, clock } = this.#context;
    const size = flow.allowed(wanted);
    if (size === 0 && this.#retry === null) {
      this.#retry = clock.after(flow.nextSecondMs(), () => {
        this.#retry = null;
        this.wake();
      });
    }
    return size;
  }
}
