/**
 * What a part needs of a logger; the real ones come from `logger.ts`.
 *
 * @module
 */

/** Takes lines for an operator. Never called for each message or request. */
export interface Log {
  info(text: string): void;
  warn(text: string): void;
  error(text: string): void;
}

/** Drops everything. */
export const SILENT_LOG: Log = { info() {}, warn() {}, error() {} };
