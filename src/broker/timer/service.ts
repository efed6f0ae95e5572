/**
 * Everything about timers in one broker, put together: rewriting, delivery, storing again, and what administrators see.
 *
 * @module
 */
import type { Clock } from "../../common/clock.ts";
import type { Disk } from "../../common/disk.ts";
import type { Log } from "../../common/log.ts";
import type { MessageStore } from "../../store/store.ts";
import type { Identity } from "../identity.ts";
import type { MessagePut } from "../message_put.ts";
import type { BrokerSettings } from "../read_options.ts";
import { PendingMessages } from "./pending_messages.ts";
import { delayMaxMs, timerRewriter } from "./rewriter.ts";
import { TimerRoll } from "./roll.ts";
import { Timer } from "./timer.ts";

const HOUR_MS = 3_600_000;

/** What the service is made of. */
export interface TimerServiceParts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  readonly store: MessageStore;
  readonly put: MessagePut;
  readonly identity: Identity;
  /** The settings that count now. */
  readonly settings: () => BrokerSettings;
}

/** Timers of a broker; with `timerWheelEnable=false` it only refuses messages that ask for a time. */
export class TimerService {
  /** Null when timers are off. */
  readonly timer: Timer | null;
  /** For administrators; null when timers are off. */
  readonly pending: PendingMessages | null = null;
  readonly #roll: TimerRoll | null = null;

  /** Adds the rewriter of timer messages. */
  constructor(parts: TimerServiceParts) {
    const { settings, put, store, clock, log, disk, identity: { host } } = parts;
    const { timerWheelEnable: isEnabled, timerPrecisionMs: tickMs, storePathRootDir: rootDir } = settings().store;
    const now = () => clock.now();
    const maxMs = () => delayMaxMs(settings().store.timerMaxDelaySec);
    put.addRewriter(timerRewriter({ isEnabled: () => isEnabled, tickMs, delayMaxMs: maxMs, now }));
    this.timer = isEnabled ? new Timer({ store, put, disk, clock, log, settings: { rootDir, tickMs } }) : null;
    const { timer } = this;
    if (timer === null) return;
    const keptMs = () => settings().store.fileReservedTime * HOUR_MS;
    this.#roll = new TimerRoll({ timer, store, put, clock, log, tickMs, keptMs });
    this.pending = new PendingMessages({ timer, store, put, host, tickMs, now });
  }

  /** Files everything that is pending. @throws {CorruptError} @throws {DiskError} */
  async open(): Promise<void> {
    await this.timer?.open();
  }

  /** Begins to deliver: on a master. */
  start(): void {
    this.timer?.start();
    this.#roll?.start();
  }

  /** Stops delivering; resolves when what has begun is done. */
  async stop(): Promise<void> {
    await this.#roll?.stop();
    await this.timer?.stop();
  }

  /** Saves everything. @throws {DiskError} */
  async close(): Promise<void> {
    await this.timer?.close();
  }
}
