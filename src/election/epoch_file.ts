/**
 * What a replica remembers of elections beside its store, in `haEpoch.json`: the newest epoch and the newest state of its group
 * that it has seen, how long its log was, and whether that may be trusted to have what was acknowledged.
 *
 * A machine that lost its power has lost what was not synced. With ASYNC_FLUSH the log then may lack messages that this
 * replica acknowledged to its leader, while the in-sync set still names it. So the file keeps when the machine was booted, and
 * how long it was up: after an unclean stop in another boot the log is not trusted until it has caught up with a leader. The end
 * of the process alone loses nothing. It is the same boot when the machine is up for longer than it was, and the wall clock says
 * that it was booted at the same time: after a jump of that clock the log may be doubted without need. (Linux names each boot in
 * `/proc/sys/kernel/random/boot_id`, which the executable has no permission to read.)
 *
 * A log that is shorter than what of it was on the device is another one: the commitlog was removed, or set back to a copy. It is
 * not trusted either, nor is a store without this file: it is new, whatever its replica had before.
 *
 * @module
 */
import type { Disk } from "../common/disk.ts";
import { JsonFile } from "../common/json_file.ts";
import { isLater, NO_VERSION, type StateVersion } from "./group_state.ts";

/** The file's content. */
interface Content {
  readonly epoch: number;
  readonly bootedAtMs: number;
  /** How long the machine was up when this was written. */
  readonly uptimeMs: number;
  readonly isTrusted: boolean;
  /** Bytes of the log that were on the device. */
  readonly logBytes: number;
  readonly newestState: StateVersion;
}

/** Where there is no file. */
const UNKNOWN = { epoch: 0, isTrusted: false, logBytes: 0, newestState: NO_VERSION };
/** Times of one boot, as they are found at different moments, are not further apart. */
const SAME_BOOT_MS = 3000;

/** What is known at start. */
export interface EpochFileStart {
  /** Wall clock of the machine's boot. */
  readonly bootedAtMs: number;
  /** For how long the machine is up. */
  readonly uptimeMs: () => number;
  /** The store was not closed by its last process. */
  readonly isUnclean: boolean;
  /** Whether everything that is acknowledged is on the device. */
  readonly isSynced: boolean;
}

/** The file. Changes are on the device when a call returns. */
export class EpochFile {
  readonly #file: JsonFile;
  readonly #uptimeMs: () => number;
  #content: Content;
  #newestState: StateVersion;

  /** Reads it, or makes it. @throws {CorruptError} when it cannot be understood. @throws {DiskError} */
  constructor(disk: Disk, directory: string, { bootedAtMs, uptimeMs, isUnclean, isSynced }: EpochFileStart) {
    this.#file = new JsonFile(disk, `${directory}/haEpoch.json`);
    this.#uptimeMs = uptimeMs;
    const known = this.#file.load(decode)?.value ?? null;
    const isSameBoot = known !== null && uptimeMs() >= known.uptimeMs &&
      Math.abs(known.bootedAtMs - bootedAtMs) < SAME_BOOT_MS;
    const mayLack = isUnclean && !isSynced && !isSameBoot;
    const { epoch, isTrusted, logBytes, newestState } = known ?? UNKNOWN;
    this.#newestState = newestState;
    this.#content = { epoch, bootedAtMs, uptimeMs: 0, isTrusted: isTrusted && !mayLack, logBytes, newestState };
    this.#save({});
  }

  /** The newest epoch that was seen; 0 for none. */
  get epoch(): number {
    return this.#content.epoch;
  }

  /** Whether the log has everything that this replica acknowledged. */
  get isTrusted(): boolean {
    return this.#content.isTrusted;
  }

  /** Bytes of the log that are known to have been on the device. */
  get logBytes(): number {
    return this.#content.logBytes;
  }

  /** The newest state of the group that was seen. */
  get newestState(): StateVersion {
    return this.#newestState;
  }

  /** A newer epoch was seen. @throws {DiskError} */
  seen(epoch: number): void {
    if (epoch > this.#content.epoch) this.#save({ epoch });
  }

  /** A state of the group was seen. @throws {DiskError} when the next life will not know it; this one does. */
  stateSeen({ epoch, version }: StateVersion): void {
    if (isLater({ epoch, version }, this.#newestState)) this.#newestState = { epoch, version };
    if (isLater(this.#newestState, this.#content.newestState)) this.#save({ newestState: this.#newestState });
  }

  /** The store was opened with so much log. @throws {DiskError} */
  logFound(bytes: number): void {
    if (bytes < this.#content.logBytes && this.#content.isTrusted) this.#save({ isTrusted: false });
  }

  /** So much of the log is on the device; resolves when that is noted. @throws {DiskError} */
  async noteLog(bytes: number): Promise<void> {
    // What a doubtful log should have is known until it has caught up.
    if (bytes === this.#content.logBytes || !this.#content.isTrusted) return;
    this.#content = { ...this.#content, logBytes: bytes, uptimeMs: this.#uptimeMs() };
    await this.#file.save(JSON.stringify(this.#content));
  }

  /** The log has caught up with a leader's. @throws {DiskError} */
  trust(): void {
    if (!this.#content.isTrusted) this.#save({ isTrusted: true });
  }

  /** What could not be written is not known either: the next life would not know it. */
  #save(changes: Partial<Content>): void {
    const content = { ...this.#content, ...changes, uptimeMs: this.#uptimeMs() };
    this.#file.saveNow(JSON.stringify(content));
    this.#content = content;
  }
}

function decode(text: string): Content {
  const { epoch, bootedAtMs, uptimeMs = 0, isTrusted, logBytes = 0, newestState = NO_VERSION } = JSON.parse(text);
  const counts = [epoch, logBytes, newestState.epoch, newestState.version];
  const isWrong = counts.some((each) => !Number.isSafeInteger(each) || each < 0) ||
    ![bootedAtMs, uptimeMs].every(Number.isFinite) || typeof isTrusted !== "boolean";
  if (isWrong) throw new TypeError(`it has ${text}`);
  return { epoch, bootedAtMs, uptimeMs, isTrusted, logBytes, newestState };
}
