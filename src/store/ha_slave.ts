/**
 * The slave's side of replication: connects to the master, says how far its log goes, and appends what comes, byte for byte
 * at the same offsets.
 *
 * A report says: everything below it is written, and synced where `flushDiskType=SYNC_FLUSH`. It is made when the store says
 * so, and every `haSendHeartbeatInterval`. Frames must follow each other without a gap; anything else closes the connection,
 * and the next one begins where the log ends. A record that is cut off by a broken connection is never in the log.
 *
 * RocketMQ counterpart: `DefaultHAClient`.
 *
 * @module
 */
import type { Clock, Timer } from "../common/clock.ts";
import { messageOf } from "../common/errors.ts";
import type { Log } from "../common/log.ts";
import { type Address, type Net, parseAddress, type Socket } from "../common/net.ts";
import { PutStatus, type Waiter } from "./append_message.ts";
import { HaFlow } from "./ha_flow.ts";
import { encodeReport, FrameReader, type HaFrame } from "./ha_protocol.ts";
import { HistoryError, RecordCutter } from "./ha_records.ts";
import type { ReplicaLog } from "./replica_log.ts";

const CONNECT_TIMEOUT_MS = 3000;
/**
 * A master that is not there is looked for so often: while it has no slave a SYNC_MASTER tells its producers
 * SLAVE_NOT_AVAILABLE. Ours; RocketMQ's slaves try every 5 s.
 */
const RECONNECT_MS = 1000;
/** A master that ended the connection soon would do so again: it is asked so much later. Source: RocketMQ `DefaultHAClient`. */
const REFUSED_MS = 5000;
/** Nobody has told a master's address yet: asks again so much later. */
const NO_MASTER_MS = 1000;
const TICK_MS = 1000;

/** What the slave needs of the store. */
export interface ReplicaSink {
  readonly replicaLog: ReplicaLog;
  /** Takes whole records at the end of the log. @throws {Error} when they cannot be taken. */
  appendReplica(offset: number, bytes: Uint8Array): void;
  /** Has the waiter told when everything below `endOffset` is as safe as the store's options promise. */
  whenSafe(endOffset: number, waitsForStore: boolean, waiter: Waiter): void;
}

/** What the slave's side is made of. */
export interface HaSlaveParts {
  readonly net: Net;
  readonly clock: Clock;
  readonly log: Log;
  readonly store: ReplicaSink;
  /** `host:port` of the master's HA port; null while nobody knows it. */
  readonly masterAddress: () => string | null;
  /**
   * Called on each new connection before anything is sent: makes sure that our log is a beginning of the master's, cutting
   * it if it must. False: nobody could tell. @throws when it is not and nothing can be done.
   */
  readonly agree: (own: Address) => Promise<boolean>;
  /** The connection at this address was ended before anything came: says why, where that is known. */
  readonly explainSilence?: (address: string) => string | null;
  /** The master was not found at its address, or nobody has told one. */
  readonly onAway?: () => void;
  /** After a connection ended the next one comes so much later; 5 s unless given. */
  readonly reconnectMs?: number;
  readonly options: { readonly haSendHeartbeatInterval: number; readonly haHousekeepingInterval: number };
}

/** The slave's side; see the module's text. */
export class HaSlave {
  /** Wall clock of the last bytes from the master, 0 before the first. */
  lastReadTimestamp = 0;
  /** Wall clock of the last report. */
  lastWriteTimestamp = 0;
  /** End of the master's log as far as frames have told. */
  masterOffset = 0;
  readonly #parts: HaSlaveParts;
  readonly #flow: HaFlow;
  readonly #cutter: RecordCutter;
  #socket: Socket | null = null;
  /** When the last attempt's connection was there; Infinity when there was none. */
  #connectedMs = Infinity;
  /** On the last connection, once we had reported, nothing came. */
  #wasMute = false;
  #stopped = false;
  /** Ends the attempt to connect. */
  #attempt = new AbortController();
  #patience = new AbortController();
  #running: Promise<void> | null = null;

  /** {@linkcode start} begins. */
  constructor(parts: HaSlaveParts) {
    this.#parts = parts;
    this.#flow = new HaFlow(parts.clock);
    this.#cutter = new RecordCutter(parts.store.replicaLog.fileSize);
  }

  /** Whether the master is being followed now. */
  get isConnected(): boolean {
    return this.#socket !== null;
  }

  /** Bytes received in the last second. */
  get bytesInSecond(): number {
    return this.#flow.bytesInSecond;
  }

  /** Follows the master from now on. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** There is another master: lets go of the present one, and does not wait any longer. */
  masterReplaced(): void {
    this.#socket?.close();
    this.#attempt.abort();
    this.masterChanged();
  }

  /** The master's address may have changed: does not wait any longer. */
  masterChanged(): void {
    this.#patience.abort();
    this.#patience = new AbortController();
  }

  /** Ends; resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#attempt.abort();
    this.#socket?.close();
    this.#patience.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, log, masterAddress } = this.#parts;
    while (!this.#stopped) {
      const address = masterAddress();
      let waitMs = address === null ? NO_MASTER_MS : this.#parts.reconnectMs ?? RECONNECT_MS;
      if (address !== null) {
        this.#connectedMs = Infinity;
        this.#wasMute = false;
        try {
          await this.#follow(address);
        } catch (error) {
          if (this.#stopped) return;
          const isLoud = error instanceof HistoryError;
          const why = this.#wasMute ? this.#parts.explainSilence?.(address) ?? null : null;
          const text = `HA: not following the master ${address}: ${messageOf(error)}${why === null ? "" : `: ${why}`}`;
          log[isLoud || why !== null ? "error" : "warn"](text);
        }
        if (this.#wasRefused()) waitMs = this.#parts.reconnectMs ?? REFUSED_MS;
      }
      if (address === null || this.#connectedMs === Infinity) this.#parts.onAway?.();
      if (!this.#stopped) await clock.sleep(waitMs, this.#patience.signal).catch(() => {});
    }
  }

  /** Whether the last connection ended soon after it was there. */
  #wasRefused(): boolean {
    return this.#connectedMs < Infinity && this.#parts.clock.monotonicMs() - this.#connectedMs < REFUSED_MS;
  }

  async #follow(address: string): Promise<void> {
    const { net, log, agree, store } = this.#parts;
    const socket = await this.#unlessGivenUp(net.connect(parseAddress(address), CONNECT_TIMEOUT_MS));
    this.#socket = socket;
    this.#connectedMs = this.#parts.clock.monotonicMs();
    try {
      this.#cutter.isSameHistory = await agree(socket.local);
      if (this.#stopped) return;
      const { endOffset } = store.replicaLog;
      await isSafe(store, endOffset);
      this.#cutter.startAt(endOffset);
      log.info(`HA: following the master ${address} from ${endOffset} on`);
      this.#wasMute = true;
      await new Following(this.#parts, socket, this.#cutter, this).run();
    } finally {
      this.#socket = null;
      socket.close();
    }
  }

  /** The connection that is being made, unless the attempt is given up first: a dead host takes seconds to show. */
  #unlessGivenUp(connecting: Promise<Socket>): Promise<Socket> {
    const { signal } = this.#attempt = new AbortController();
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => {
        reject(new Error("the attempt was given up"));
        connecting.then((socket) => socket.close(), () => {});
      }, { once: true });
      connecting.then(resolve, reject);
    });
  }

  /** For {@link Following}: bytes came. */
  received(count: number, masterOffset: number): void {
    this.#flow.sent(count);
    this.#wasMute = false;
    this.masterOffset = Math.max(this.masterOffset, masterOffset);
    this.lastReadTimestamp = this.#parts.clock.now();
  }
}

/** Resolves when everything below `endOffset` is as safe as a report says. @throws when the store cannot make it so. */
async function isSafe(store: ReplicaSink, endOffset: number): Promise<void> {
  for (;;) {
    const status = await new Promise<PutStatus>((settle) => store.whenSafe(endOffset, true, { settle }));
    if (status === PutStatus.PUT_OK) return;
    if (!mayBeSafeYet(status)) throw notStored();
  }
}

/** Whether a slow disk is all that is wrong. */
function mayBeSafeYet(status: PutStatus): boolean {
  return status === PutStatus.FLUSH_DISK_TIMEOUT;
}

function notStored(): Error {
  return new Error("what it sent could not be stored");
}

/** One connection to a master, from the first report on. */
class Following {
  readonly #parts: HaSlaveParts;
  readonly #socket: Socket;
  readonly #cutter: RecordCutter;
  readonly #slave: HaSlave;
  readonly #frames = new FrameReader();
  #lastReadMs: number;
  #lastWriteMs: number;
  #reporting = false;
  #reportAgain = false;
  #reported = -1;
  /** The log is written, and synced if it must be, up to here. */
  #safeOffset: number;
  /** Why the connection must end. */
  #failure: Error | null = null;
  #closed = false;

  constructor(parts: HaSlaveParts, socket: Socket, cutter: RecordCutter, slave: HaSlave) {
    this.#parts = parts;
    this.#socket = socket;
    this.#cutter = cutter;
    this.#slave = slave;
    this.#safeOffset = cutter.endOffset;
    this.#lastReadMs = this.#lastWriteMs = parts.clock.monotonicMs();
  }

  /** Reads until the connection ends. @throws what it ended of. */
  async run(): Promise<void> {
    this.#report(true);
    const timer: Timer = this.#parts.clock.every(TICK_MS, () => this.#tick());
    try {
      for (;;) {
        const count = await this.#socket.read(this.#frames.room());
        if (count === null) throw new Error("the master closed the connection");
        this.#frames.filled(count);
        this.#lastReadMs = this.#parts.clock.monotonicMs();
        this.#takeFrames(count);
        if (this.#failure !== null) throw this.#failure;
      }
    } catch (error) {
      throw this.#failure ?? error;
    } finally {
      this.#closed = true;
      timer.cancel();
    }
  }

  /** Takes all frames of a read; the log's end is told when it is safe. */
  #takeFrames(count: number): void {
    let appendedTo = -1;
    let masterOffset = 0;
    for (let frame = this.#frames.next(); frame !== null; frame = this.#frames.next()) {
      masterOffset = frame.physicalOffset + frame.body.length;
      const end = this.#takeFrame(frame);
      if (end >= 0) appendedTo = end;
    }
    this.#slave.received(count, masterOffset);
    if (appendedTo >= 0) this.#tellWhenSafe(appendedTo);
  }

  /** Without a promise in between: the report leaves as soon as the store says so. */
  #tellWhenSafe(endOffset: number): void {
    const settle = (status: PutStatus) => {
      if (status === PutStatus.PUT_OK) this.#isSafeTo(endOffset);
      else if (mayBeSafeYet(status)) this.#tellWhenSafe(endOffset);
      else this.#fail(notStored());
    };
    this.#parts.store.whenSafe(endOffset, true, { settle });
  }

  /** Returns where the log ends now, −1 when it did not grow. */
  #takeFrame({ physicalOffset, body }: HaFrame): number {
    const expected = this.#cutter.endOffset;
    if (expected === 0 && physicalOffset > 0) this.#startEmpty(physicalOffset);
    else if (physicalOffset !== expected) {
      throw new HistoryError(`the master sends offset ${physicalOffset}, ours goes on at ${expected}`);
    }
    if (body.length === 0) return -1;
    const whole = this.#cutter.take(body);
    if (whole === null) return -1;
    this.#parts.store.appendReplica(whole.offset, whole.bytes);
    return whole.offset + whole.bytes.length;
  }

  /** An empty log begins where the master's newest file does. */
  #startEmpty(physicalOffset: number): void {
    const { fileSize } = this.#parts.store.replicaLog;
    if (physicalOffset % fileSize !== 0) {
      throw new HistoryError(
        `the master's newest file begins at ${physicalOffset}, which is no multiple of our file size ${fileSize}. ` +
          "Set mappedFileSizeCommitLog as at the master",
      );
    }
    this.#cutter.startAt(physicalOffset);
  }

  #isSafeTo(endOffset: number): void {
    this.#safeOffset = Math.max(this.#safeOffset, endOffset);
    if (!this.#closed) this.#report(false);
  }

  #tick(): void {
    const { clock, options } = this.#parts;
    const now = clock.monotonicMs();
    if (now - this.#lastReadMs > options.haHousekeepingInterval) {
      this.#fail(new Error(`nothing came for ${Math.round(now - this.#lastReadMs)} ms`));
    } else if (now - this.#lastWriteMs >= options.haSendHeartbeatInterval) this.#report(true);
  }

  /** Tells the master how far the log is safe; `anyway`: also when that is what it was told last. */
  #report(anyway: boolean): void {
    if (this.#reporting) {
      this.#reportAgain = true;
      return;
    }
    const offset = this.#safeOffset;
    if (!anyway && offset === this.#reported) return;
    this.#reporting = true;
    this.#write(offset).catch((error) => this.#fail(error));
  }

  async #write(offset: number): Promise<void> {
    const bytes = encodeReport(offset);
    for (let written = 0; written < bytes.length;) written += await this.#socket.write(bytes.subarray(written));
    const { clock } = this.#parts;
    this.#reported = offset;
    this.#lastWriteMs = clock.monotonicMs();
    this.#slave.lastWriteTimestamp = clock.now();
    this.#reporting = false;
    if (!this.#reportAgain || this.#closed) return;
    this.#reportAgain = false;
    this.#report(false);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#socket.close();
  }
}
