/**
 * The options of a running name server, as tools see and change them (318, 319). What is only read at start (`listenPort`,
 * `kvConfigPath`, …) takes effect at the next one.
 *
 * RocketMQ counterpart: the black list of `DefaultRequestProcessor`, and `Configuration`.
 *
 * @module
 */
import { ConfigFile } from "../common/config_file.ts";
import type { Disk } from "../common/disk.ts";
import { createEnvironment, type Environment } from "../common/environment.ts";
import { ConfigError } from "../common/options.ts";
import { parseProperties } from "../common/properties.ts";
import { ResponseCode } from "../protocol/codes.ts";
import { ResponseError, systemError } from "../protocol/response_error.ts";
import { namesrvOptionParts, type NamesrvSettings, readNamesrvOptions } from "./options.ts";

/** Keys that refuse remote update whatever `configBlackList` says. */
const ALWAYS_REFUSED = ["configBlackList", "configStorePath", "kvConfigPath", "rocketmqHome"];

/** Settings that can change; a `ConfigFile<NamesrvSettings>` is one. */
export interface NamesrvConfiguration {
  /** The settings that count now. */
  readonly settings: NamesrvSettings;
  /** Changes options, all or none; returns unknown keys. @throws {ConfigError | DiskError} */
  update(changes: ReadonlyMap<string, string>): string[];
  /** All options as properties text. */
  format(): string;
}

/** Where the configuration of a name server comes from. */
export interface NamesrvConfigurationSource {
  readonly disk: Disk;
  /** By default one that depends on no machine. */
  readonly environment?: Environment;
  /** The file that the operator named (`-c`); without one, `~/namesrv/namesrv.properties` where that exists. */
  readonly path?: string | undefined;
  /** Settings that come after the file. */
  readonly overrides?: Readonly<Record<string, string>>;
}

/**
 * Reads the configuration of a name server.
 *
 * @throws {DiskError} when the named file cannot be read.
 * @throws {ConfigError} when a value cannot be read.
 */
export function openNamesrvConfiguration(source: NamesrvConfigurationSource): ConfigFile<NamesrvSettings> {
  const { disk, environment = createEnvironment(), overrides = {} } = source;
  const path = source.path ?? overrides["configStorePath"] ?? `${environment.userHome}/namesrv/namesrv.properties`;
  return new ConfigFile({
    disk,
    path,
    mustExist: source.path !== undefined,
    read: readNamesrvOptions,
    partsOf: namesrvOptionParts,
    source: { environment, overrides: { ...overrides, configStorePath: path } },
  });
}

/**
 * Changes options as a tool asked for by properties text; returns the keys that are unknown and were left out.
 *
 * @throws {ResponseError} NO_PERMISSION for a key of the black list, SYSTEM_ERROR for a value that cannot be read; nothing
 * was changed then.
 * @throws {DiskError} when the change cannot be saved; nothing was changed then.
 */
export function updateByRequest(configuration: NamesrvConfiguration, text: string): string[] {
  const changes = new Map(parseProperties(text).entries.map(({ key, rawValue }) => [key, rawValue]));
  const blackList = configuration.settings.namesrv.configBlackList.split(";").map((key) => key.trim());
  if ([...ALWAYS_REFUSED, ...blackList].some((key) => changes.has(key))) {
    throw new ResponseError(ResponseCode.NO_PERMISSION, "Can not update config in black list.");
  }
  try {
    return configuration.update(changes);
  } catch (error) {
    throw error instanceof ConfigError ? systemError(error.message) : error;
  }
}
