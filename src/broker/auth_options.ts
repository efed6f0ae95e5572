/**
 * Options of access control: the keys of RocketMQ's `AuthConfig` (5.x), with its defaults of 5.5.0. They stand in the broker's
 * properties file.
 *
 * @module
 */
import { accepted, bool, int, later, optionalText, type OptionValues } from "../common/option.ts";

/** All keys, by name. */
export const AUTH_OPTIONS = {
  aclCacheExpiredSecond: int(600, "s", "Idle time of a cached rule", later),
  aclCacheMaxNum: int(1000, "entries", "Most cached rules", later),
  aclCacheRefreshSecond: int(60, "s", "Time between refreshes of a cached rule", later),
  authConfigPath: optionalText("Directory of users and rules", later),
  authenticationEnabled: bool(false, "Requests must be signed by a known user", {
    ...later,
    refuse: "authentication is not supported yet; the broker would be open to everybody",
  }),
  authenticationMetadataProvider: optionalText("Java class that keeps users", accepted),
  authenticationProvider: optionalText("Java class that checks signatures", accepted),
  authenticationStrategy: optionalText("Java class that decides when to check signatures", accepted),
  authenticationWhitelist: optionalText("Request codes that need no signature, separated by `,`", later),
  authorizationEnabled: bool(false, "Requests must be allowed by a rule", {
    ...later,
    refuse: "authorization is not supported yet; the broker would be open to everybody",
  }),
  authorizationMetadataProvider: optionalText("Java class that keeps rules", accepted),
  authorizationProvider: optionalText("Java class that checks rules", accepted),
  authorizationStrategy: optionalText("Java class that decides when to check rules", accepted),
  authorizationWhitelist: optionalText("Request codes that need no rule, separated by `,`", later),
  clusterName: optionalText("Set by the broker, not by users", accepted),
  configName: optionalText("Set by the broker, not by users", accepted),
  initAuthenticationUser: optionalText("First user, made when there is none (JSON)", { ...later, isSecret: true }),
  innerClientAuthenticationCredentials: optionalText("User and secret of calls between brokers (JSON)", {
    ...later,
    isSecret: true,
  }),
  migrateAuthFromV1Enabled: bool(false, "Take users and rules from plain_acl.yml", later),
  statefulAuthenticationCacheExpiredSecond: int(60, "s", "Time a connection stays authenticated", later),
  statefulAuthenticationCacheMaxNum: int(10_000, "entries", "Most connections remembered as authenticated", later),
  statefulAuthorizationCacheExpiredSecond: int(60, "s", "Time a decision for a connection stays", later),
  statefulAuthorizationCacheMaxNum: int(10_000, "entries", "Most decisions remembered", later),
  userCacheExpiredSecond: int(600, "s", "Idle time of a cached user", later),
  userCacheMaxNum: int(1000, "entries", "Most cached users", later),
  userCacheRefreshSecond: int(60, "s", "Time between refreshes of a cached user", later),
};

/** Values of {@linkcode AUTH_OPTIONS}. */
export type AuthOptions = OptionValues<typeof AUTH_OPTIONS>;
