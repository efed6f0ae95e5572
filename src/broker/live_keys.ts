/**
 * Which options of a broker count at once when the file is read again or a request changes them; all others are kept and
 * count after a restart.
 *
 * @module
 */

const LIVE_KEYS: ReadonlySet<string> = new Set([
  "autoCreateSubscriptionGroup",
  "autoCreateTopicEnable",
  "autoDeleteUnusedStats",
  "brokerAddresses",
  "brokerPermission",
  "cleanFileForciblyEnable",
  "clearRetryTopicWhenDeleteTopic",
  "configBlackList",
  "deleteCommitLogFilesInterval",
  "deleteFileBatchMax",
  "deleteWhen",
  "diskFreeBytesEnough",
  "diskMaxUsedSpaceRatio",
  "diskSpaceCleanForciblyRatio",
  "diskSpaceWarningLevelRatio",
  "enableMixedMessageType",
  "enablePropertyFilter",
  "fileReservedTime",
  "filterDataCleanTimeSpan",
  "filterSupportRetry",
  "logLevel",
  "namesrvAddr",
  "notifyConsumerIdsChangedEnable",
  "popFromRetryProbability",
  "popFromRetryProbabilityForPriority",
  "rejectPullConsumerEnable",
  "slaveReadEnable",
  "transactionCheckInterval",
  "transactionCheckMax",
  "transactionTimeOut",
  "useServerSideResetOffset",
  "validateSystemTopicWhenUpdateTopic",
]);

/** Whether a change of the option counts without a restart. */
export function isLiveBrokerKey(key: string): boolean {
  return LIVE_KEYS.has(key);
}
