/**
 * The configuration of a broker that a test starts in its own process.
 *
 * @module
 */
import { brokerOptionParts, type BrokerSettings, readBrokerOptions } from "../../src/broker/read_options.ts";
import { ConfigFile } from "../../src/common/config_file.ts";
import type { Disk } from "../../src/common/disk.ts";
import { createEnvironment } from "../../src/common/environment.ts";

/** Options as `overrides` has them, with the file at `path` before them where one exists; of no machine's environment. */
export function testBrokerConfiguration(
  disk: Disk,
  overrides: Readonly<Record<string, string>>,
  path = "/broker.properties",
): ConfigFile<BrokerSettings> {
  return new ConfigFile({
    disk,
    path,
    mustExist: false,
    read: readBrokerOptions,
    partsOf: brokerOptionParts,
    source: { environment: createEnvironment(), overrides },
  });
}
