/**
 * The list of all checks with RocketMQ's own clients and tools, in the order in which they run: quick ones first.
 *
 * @module
 */
import type { Check } from "../../scripts/interop/check.ts";
import { BENCHMARK_CHECKS } from "./benchmark.ts";
import { CLIENT_CHECKS } from "./client.ts";
import { CONFORMANCE_CHECKS } from "./conformance.ts";
import { FAILOVER_CHECKS } from "./failover.ts";
import { FULL_DISK_CHECKS } from "./full_disk.ts";
import { GO_CHECKS } from "./go_client.ts";
import { KILL_CHECKS } from "./kill.ts";
import { LAYOUT_CHECKS } from "./layouts.ts";
import { MIXED_CHECKS } from "./mixed.ts";
import { MQADMIN_CHECKS } from "./mqadmin.ts";
import { QUICKSTART_CHECKS } from "./quickstart.ts";
import { REPLICATION_CHECKS } from "./replication.ts";
import { ROLLING_CHECKS } from "./rolling.ts";
import { STORE_EXCHANGE_CHECKS } from "./store_exchange.ts";
import { TOOLS_CHECKS } from "./tools_compare.ts";
import { WIRE_CHECKS } from "./wire_compare.ts";

/** Every check. */
export const CHECKS: readonly Check[] = [
  ...QUICKSTART_CHECKS,
  ...CLIENT_CHECKS,
  ...MIXED_CHECKS,
  ...GO_CHECKS,
  ...WIRE_CHECKS,
  ...MQADMIN_CHECKS,
  ...TOOLS_CHECKS,
  ...BENCHMARK_CHECKS,
  ...FULL_DISK_CHECKS,
  ...STORE_EXCHANGE_CHECKS,
  ...KILL_CHECKS,
  ...REPLICATION_CHECKS,
  ...ROLLING_CHECKS,
  ...LAYOUT_CHECKS,
  ...FAILOVER_CHECKS,
  ...CONFORMANCE_CHECKS,
];
