/**
 * `rucola doctor`: tests a cluster from where it is run, as a client there would meet it, and says for each finding what it
 * means and what to change. Reads only, unless `--probe` asks for a message there and back.
 *
 * Exit codes: 0 all in order, 1 warnings, 2 problems, 3 the command line cannot be understood.
 *
 * Ours; RocketMQ has nothing like it.
 *
 * @module
 */
import { openEtcd } from "../../broker/election_settings.ts";
import { type CommandLine, readCommandLine } from "../../common/command_line.ts";
import { messageOf } from "../../common/errors.ts";
import { SILENT_LOG } from "../../common/log.ts";
import { MASTER_ID } from "../../protocol/bodies/route.ts";
import { RemotingClient } from "../../remoting/client.ts";
import { UsageError } from "../arguments.ts";
import { connect, nameServers, systemWorld, type ToolWorld } from "../world.ts";
import { examineAddress, type ToldBroker } from "./addresses.ts";
import { examineCluster } from "./cluster.ts";
import { examineElections, type OpenAuthority } from "./elections.ts";
import { exitCodeOf, type Finding, findingLines, summaryLine } from "./finding.ts";
import { examineMachine } from "./machines.ts";
import { examineNameServers } from "./name_servers.ts";
import type { ExaminedBroker, ExaminedNameServer, Examiner } from "./patient.ts";
import { probeBrokers } from "./probe.ts";

const USAGE = `usage: rucola doctor [-n <arg>] [--probe] [--json] [--timeout <ms>]
 -n,--namesrvAddr <arg>   Name server address list, eg: '192.168.0.1:9876;192.168.0.2:9876' (NAMESRV_ADDR)
    --probe               Send a message to each master, and read it back
    --json                Print the findings as JSON
    --timeout <ms>        How long a node may take to answer (3000)
 -h,--help                Print help

Run it where clients run: it connects to the addresses that they are told.
Exit codes: 0 all in order, 1 warnings, 2 problems, 3 usage.`;

const OPTIONS = {
  namesrvAddr: { names: ["-n", "--namesrvAddr"], hasValue: true },
  probe: { names: ["--probe"], hasValue: false },
  json: { names: ["--json"], hasValue: false },
  timeout: { names: ["--timeout"], hasValue: true },
  help: { names: ["-h", "--help"], hasValue: false },
} as const;

const EXIT_USAGE = 3;
const DEFAULT_TIMEOUT_MS = 3000;

/** Runs the subcommand on this machine; resolves to the exit code. */
export function runDoctorCommand(args: string[]): Promise<number> {
  return runDoctor(args, systemWorld());
}

/** Runs the subcommand; resolves to the exit code. @param openAuthority how an etcd is reached. */
export async function runDoctor(
  args: readonly string[],
  world: ToolWorld,
  openAuthority: OpenAuthority = (options) => openEtcd(options, world),
): Promise<number> {
  let given: CommandLine<keyof typeof OPTIONS>;
  let addresses: string[];
  let timeoutMs: number;
  try {
    given = readCommandLine(OPTIONS, args);
    addresses = nameServers(given.namesrvAddr?.at(-1), world.environment);
    timeoutMs = readTimeout(given.timeout?.at(-1));
  } catch (error) {
    if (!(error instanceof TypeError) && !(error instanceof UsageError)) throw error;
    world.writeError(`${messageOf(error)}\n${USAGE}\n`);
    return EXIT_USAGE;
  }
  if (given.help !== undefined) {
    world.write(`${USAGE}\n`);
    return 0;
  }
  const isJson = given.json !== undefined;
  const findings: Finding[] = [];
  const report = (finding: Finding) => {
    findings.push(finding);
    if (!isJson) world.write(`${findingLines(finding).join("\n")}\n`);
  };
  await examine({ addresses, timeoutMs, probes: given.probe !== undefined, openAuthority }, world, report);
  world.write(isJson ? `${JSON.stringify(findings, null, 2)}\n` : `\n${summaryLine(findings)}\n`);
  return exitCodeOf(findings);
}

function readTimeout(text: string | undefined): number {
  if (text === undefined) return DEFAULT_TIMEOUT_MS;
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new TypeError(`--timeout ${text}: expected milliseconds`);
}

/** What to examine. */
interface Order {
  readonly addresses: readonly string[];
  readonly timeoutMs: number;
  readonly probes: boolean;
  readonly openAuthority: OpenAuthority;
}

async function examine(
  { addresses, timeoutMs, probes, openAuthority }: Order,
  world: ToolWorld,
  report: (finding: Finding) => void,
): Promise<void> {
  const { net, clock } = world;
  const remoting = new RemotingClient({ net, clock, log: SILENT_LOG, connectTimeoutMs: timeoutMs });
  const examiner: Examiner = { world, remoting, timeoutMs };
  try {
    const servers = await examineNameServers(examiner, addresses, report);
    const told = toldBrokers(servers);
    const brokers: ExaminedBroker[] = [];
    // One after the other: what is found out about one broker stands together.
    for (const each of told) {
      const hasSlaves = told.some((other) => other.brokerName === each.brokerName && other.brokerId !== MASTER_ID);
      const broker = await examineAddress(examiner, each, hasSlaves, report);
      examineMachine(broker, report);
      brokers.push(broker);
    }
    await examineCluster(examiner, brokers, report);
    await examineElections(openAuthority, brokers, report);
    if (probes && servers.length > 0) {
      await using client = connect(servers.map(({ address }) => address), world);
      await probeBrokers(client, clock, brokers, report);
    }
  } finally {
    remoting.close();
  }
}

/** All brokers that any name server tells of, each address once, by name and id. */
function toldBrokers(servers: readonly ExaminedNameServer[]): ToldBroker[] {
  const told = new Map<string, ToldBroker>();
  for (const { info } of servers) {
    for (const { cluster, brokerName, brokerAddrs } of info.brokerAddrTable.values()) {
      for (const [brokerId, address] of brokerAddrs) {
        told.set(`${brokerName}\n${brokerId}\n${address}`, { cluster, brokerName, brokerId, address });
      }
    }
  }
  return [...told.values()].sort((a, b) =>
    a.brokerName < b.brokerName ? -1 : a.brokerName > b.brokerName ? 1 : a.brokerId - b.brokerId
  );
}
