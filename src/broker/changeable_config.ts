/**
 * A broker's configuration as requests read and change it, and options that follow its changes.
 *
 * @module
 */

/** Settings that can be read and changed; a `ConfigFile` is one. */
export interface ChangeableConfig {
  /** All options as properties text. */
  format(): string;
  /** Changes options, all or none; returns the keys that nobody knows. @throws {ConfigError} @throws {DiskError} */
  update(changes: ReadonlyMap<string, string>): string[];
}

/** Options whose values are always the present ones: each is asked of `current` when it is read. Not for hot paths. */
export function liveOptions<T extends object>(current: () => T): Readonly<T> {
  return new Proxy({} as T, { get: (_target, name) => Reflect.get(current(), name) });
}
