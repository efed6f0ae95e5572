/**
 * A day's sum from a broker's statistics.
 *
 * @module
 */
import type { BrokerStatsData } from "../protocol/bodies/stats.ts";

/**
 * The sum over the last day or, since brokers sample it by the hour, over the last hour or minute until there is one. Source:
 * RocketMQ `StatsAllSubCommand#compute24HourSum`.
 */
export function daySum(stats: BrokerStatsData | null): number {
  return stats === null ? 0 : stats.statsDay.sum || stats.statsHour.sum || stats.statsMinute.sum;
}
