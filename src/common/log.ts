/**
 * What a part needs of a logger; the real ones come from `logger.ts`.
 *
 * @module
 */

/** Takes lines for an operator. Never called for each message or request. */
export interface Log {
  /** What happened as intended. */
  info(text: string): void;
  /** What an operator may want to mend. */
  warn(text: string): void;
  /** What failed. */
  error(text: string): void;
}

/** Drops everything. */
export const SILENT_LOG: Log = { info() {}, warn() {}, error() {} };
