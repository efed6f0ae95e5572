/**
 * What a replica remembers of elections beside its store, in `haEpoch.json`: the newest epoch that it has seen, and whether
 * its log may be trusted to have what was acknowledged.
 *
 * A machine that lost its power has lost what was not synced. With ASYNC_FLUSH the log then may lack messages that this
 * replica acknowledged to its leader, while the in-sync set still names it. So the file keeps when the machine was booted:
 * after an unclean stop in another boot the log is not trusted until it has caught up with a leader. The end of the process
 * alone loses nothing. The time of the boot is the wall clock's: after a jump of that the log may be doubted without need.
 *
 * A store without this file is new, whatever its replica had before, and is not trusted either.
 *
 * @module
 */
import type { Disk } from "../common/disk.ts";
import { JsonFile } from "../common/json_file.ts";

/** The file's content. */
interface Content {
  readonly epoch: number;
  readonly bootedAtMs: number;
  readonly isTrusted: boolean;
}

/** Times of one boot, as they are found at different moments, are not further apart. */
const SAME_BOOT_MS = 3000;

/** What is known at start. */
export interface EpochFileStart {
  /** Wall clock of the machine's boot. */
  readonly bootedAtMs: number;
  /** The store was not closed by its last process. */
  readonly isUnclean: boolean;
  /** Whether everything that is acknowledged is on the device. */
  readonly isSynced: boolean;
}

/** The file. Changes are on the device when a call returns. */
export class EpochFile {
  /** Whether there was none before. */
  readonly isNew: boolean;
  readonly #file: JsonFile;
  #content: Content;

  /** Reads it, or makes it. @throws {CorruptError} when it cannot be understood. @throws {DiskError} */
  constructor(disk: Disk, directory: string, { bootedAtMs, isUnclean, isSynced }: EpochFileStart) {
    this.#file = new JsonFile(disk, `${directory}/haEpoch.json`);
    const known = this.#file.load(decode)?.value;
    this.isNew = known === undefined;
    const mayLack = isUnclean && !isSynced && !(Math.abs((known?.bootedAtMs ?? NaN) - bootedAtMs) < SAME_BOOT_MS);
    this.#content = { epoch: known?.epoch ?? 0, bootedAtMs, isTrusted: (known?.isTrusted ?? false) && !mayLack };
    this.#save(this.#content);
  }

  /** The newest epoch that was seen; 0 for none. */
  get epoch(): number {
    return this.#content.epoch;
  }

  /** Whether the log has everything that this replica acknowledged. */
  get isTrusted(): boolean {
    return this.#content.isTrusted;
  }

  /** A newer epoch was seen. @throws {DiskError} */
  seen(epoch: number): void {
    if (epoch <= this.#content.epoch) return;
    this.#save({ ...this.#content, epoch });
  }

  /** The log has caught up with a leader's. @throws {DiskError} */
  trust(): void {
    if (this.#content.isTrusted) return;
    this.#save({ ...this.#content, isTrusted: true });
  }

  /** What could not be written is not known either: the next life would not know it. */
  #save(content: Content): void {
    this.#file.saveNow(JSON.stringify(content));
    this.#content = content;
  }
}

function decode(text: string): Content {
  const { epoch, bootedAtMs, isTrusted } = JSON.parse(text);
  if (!Number.isSafeInteger(epoch) || epoch < 0 || !Number.isFinite(bootedAtMs) || typeof isTrusted !== "boolean") {
    throw new TypeError(`it has epoch=${epoch}, bootedAtMs=${bootedAtMs}, isTrusted=${isTrusted}`);
  }
  return { epoch, bootedAtMs, isTrusted };
}
