/**
 * `rucola broker`: reads the command line and runs one broker, or with several `-c` each in a worker of its own, until
 * SIGTERM or SIGINT; prints what mqbroker prints.
 *
 * RocketMQ counterpart: `BrokerStartup`, `BrokerContainerStartup`.
 *
 * @module
 */
import { SystemClock } from "../common/clock.ts";
import { readCommandLine } from "../common/command_line.ts";
import { messageOf } from "../common/errors.ts";
import { catchHangup } from "../common/hangup_signal.ts";
import { serviceManager } from "../common/net_notify.ts";
import { ConfigError } from "../common/options.ts";
import { announceProcess, runDirectory } from "../common/run_file.ts";
import { stopSignal } from "../common/stop_signal.ts";
import { BROKER_COMMAND_LINE, type BrokerArguments, type RunHost, runOneBroker } from "./broker_run.ts";

const USAGE = `usage: rucola broker [-c <arg>]… [-h] [-m] [-n <arg>] [-p] [--log-dir <arg>]
 -c,--configFile <arg>        Broker config properties file; several: each broker in a thread of its own
 -h,--help                    Print help
 -m,--printImportantConfig    Print important config item
 -n,--namesrvAddr <arg>       Name server address list, eg: '192.168.0.1:9876;192.168.0.2:9876'
 -p,--printConfigItem         Print all config item
    --log-dir <arg>           Directory of the log files

examples: rucola broker -n 127.0.0.1:9876 -c conf/broker.properties
          rucola broker -c conf/2m-noslave/broker-a.properties -c conf/2m-noslave/broker-b.properties`;

/** Exit code of RocketMQ (−1) when something fails during start. */
const EXIT_START_FAILED = 255;
const EXIT_USAGE = 1;

/** Runs the subcommand; resolves to the exit code when the broker has stopped. */
export async function runBroker(args: string[]): Promise<number> {
  let given: BrokerArguments;
  try {
    given = readCommandLine(BROKER_COMMAND_LINE, args);
  } catch (error) {
    console.error(`${messageOf(error)}\n${USAGE}`);
    return EXIT_USAGE;
  }
  if (given.help !== undefined) {
    console.log(USAGE);
    return 0;
  }
  try {
    if ((given.configFile?.length ?? 0) <= 1) return await runOneBroker(given, processHost());
    const { runBrokerGroup } = await import("./broker_group.ts");
    return await runBrokerGroup(given, processHost());
  } catch (error) {
    console.error(`rucola broker: ${messageOf(error)}`);
    return error instanceof ConfigError ? error.exitCode : EXIT_START_FAILED;
  }
}

/** The process itself: signals, systemd, the note for `rucola shutdown`. */
function processHost(): RunHost {
  const stopped = stopSignal();
  return {
    stopped,
    manager: serviceManager,
    hangup: catchHangup,
    announce: (disk, environment, warn) =>
      announceProcess({
        directory: runDirectory(disk, environment),
        clock: new SystemClock(),
        pid: Deno.pid,
        roles: ["broker"],
        stopped,
        warn,
      }),
  };
}
