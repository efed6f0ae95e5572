/**
 * `rucola broker`: reads the command line and runs one broker, or with several `-c` each in a worker of its own, until
 * SIGTERM or SIGINT; prints what mqbroker prints.
 *
 * RocketMQ counterpart: `BrokerStartup`, `BrokerContainerStartup`.
 *
 * @module
 */
import { SystemClock } from "../common/clock.ts";
import { catchHangup } from "../common/hangup_signal.ts";
import { serviceManager } from "../common/net_notify.ts";
import { runServerCommand } from "../common/run_command.ts";
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

/** Runs the subcommand; resolves to the exit code when the broker has stopped. */
export function runBroker(args: string[]): Promise<number> {
  return runServerCommand({ name: "rucola broker", usage: USAGE, options: BROKER_COMMAND_LINE, run: runGiven }, args);
}

async function runGiven(given: BrokerArguments): Promise<number> {
  if ((given.configFile?.length ?? 0) <= 1) return await runOneBroker(given, processHost());
  const { runBrokerGroup } = await import("./broker_group.ts");
  return await runBrokerGroup(given, processHost());
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
