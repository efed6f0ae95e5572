/**
 * The broker's configuration: read (26), change (25). RocketMQ counterpart: `AdminBrokerProcessor#updateBrokerConfig`.
 *
 * @module
 */
import { utf8, utf8Text } from "../../common/bytes.ts";
import type { Clock } from "../../common/clock.ts";
import { messageOf } from "../../common/errors.ts";
import type { Log } from "../../common/log.ts";
import { ConfigError } from "../../common/options.ts";
import { parseProperties } from "../../common/properties.ts";
import { type DataVersion, dataVersionJson } from "../../protocol/bodies/register.ts";
import { RequestCode, ResponseCode } from "../../protocol/codes.ts";
import { writeHeader } from "../../protocol/header.ts";
import { stringifyJson } from "../../protocol/json.ts";
import { ResponseError } from "../../protocol/response_error.ts";
import { OK, type Reply } from "../../remoting/command.ts";
import type { HandlerTable, Request } from "../../remoting/handler.ts";
import type { ChangeableConfig } from "../changeable_config.ts";
import { firstVersion, nextVersion } from "../data_version.ts";
import { isLiveBrokerKey } from "../live_keys.ts";

/** What these handlers use. */
export interface AdminConfigParts {
  readonly config: ChangeableConfig;
  readonly clock: Clock;
  readonly log: Log;
  /** Keys that nobody may change from outside, separated by `;` (`configBlackList`). */
  readonly blackList: () => string;
  /** Called when `brokerPermission` was changed: name servers are to be told. */
  readonly onPermissionChanged: () => void;
}

/**
 * Keys that nobody may change from outside: what the file is, and where the store lies, for a broker that is started with
 * another store than before has none of its messages.
 */
const ALWAYS_REFUSED = ["configBlackList", "brokerConfigPath", "storePathRootDir", "storePathCommitLog"];

/** Handlers of 25 and 26. */
export function adminConfigHandlers(parts: AdminConfigParts): HandlerTable {
  let version = firstVersion(parts.clock.now());
  return new Map([
    [RequestCode.GET_BROKER_CONFIG, () => readConfig(parts, version)],
    [RequestCode.UPDATE_BROKER_CONFIG, (request: Request) => {
      const remark = updateConfig(parts, request);
      version = nextVersion(version, parts.clock.now());
      return remark === null ? OK : { ...OK, remark };
    }],
  ]);
}

function readConfig({ config }: AdminConfigParts, version: DataVersion): Reply {
  return {
    ext: writeHeader({ version: stringifyJson(dataVersionJson(version)) }),
    body: utf8(config.format()),
  };
}

/** Returns what the operator should know: RocketMQ's tools show no remark of a success, ours do. */
function updateConfig(parts: AdminConfigParts, { command, connection }: Request): string | null {
  const changes = new Map<string, string>();
  for (const { key, value } of parseProperties(utf8Text(command.body)).entries) changes.set(key, value);
  const forbidden = new Set([...ALWAYS_REFUSED, ...parts.blackList().split(";")]);
  const refused = [...changes.keys()].filter((key) => forbidden.has(key));
  if (refused.length > 0) {
    throw new ResponseError(
      ResponseCode.NO_PERMISSION,
      `Can not update config in black list. Keys: ${refused.join(", ")}`,
    );
  }
  const unknown = apply(parts, changes);
  const text = [...changes].map(([key, value]) => `${key}=${value}`).join(", ");
  parts.log.info(`updateBrokerConfig, new config: [${text}] client: ${connection.remoteText}`);
  if (unknown.length > 0) parts.log.warn(`unknown keys were left out: ${unknown.join(", ")}`);
  if (changes.has("brokerPermission")) parts.onPermissionChanged();
  const late = [...changes.keys()].filter((key) => !unknown.includes(key) && !isLiveBrokerKey(key));
  const remarks: string[] = [];
  if (unknown.length > 0) remarks.push(`there is no key ${unknown.join(", ")}`);
  if (late.length > 0) remarks.push(`${late.join(", ")}: saved, and counts after a restart`);
  return remarks.length === 0 ? null : remarks.join("; ");
}

function apply({ config }: AdminConfigParts, changes: ReadonlyMap<string, string>): string[] {
  try {
    return config.update(changes);
  } catch (error) {
    if (error instanceof ConfigError) throw new ResponseError(ResponseCode.SYSTEM_ERROR, messageOf(error));
    throw error;
  }
}
