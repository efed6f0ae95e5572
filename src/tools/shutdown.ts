/**
 * `rucola shutdown namesrv|broker`: asks every name server or broker that this user runs on this machine to end, and prints
 * what mqshutdown prints. The servers end as after SIGTERM; the command does not wait for that.
 *
 * RocketMQ counterpart: `mqshutdown`.
 *
 * @module
 */
import { plainDashes } from "../common/command_line.ts";
import { requestStop, type RunDirectory, runDirectory, runningServers } from "../common/run_file.ts";
import { systemWorld, type ToolWorld } from "./world.ts";

const ABSENT_ROLES: readonly string[] = ["controller", "proxy", "broker container", "brokerContainer"];

/** Runs the subcommand on this machine; resolves to the exit code. */
export function runShutdownCommand(args: string[]): Promise<number> {
  const world = systemWorld();
  return Promise.resolve(runShutdown(args, world, runDirectory(world.disk, world.environment)));
}

/** Runs the subcommand; returns the exit code, 1 when nothing of the kind runs. */
export function runShutdown(args: readonly string[], world: Pick<ToolWorld, "write">, directory: RunDirectory): number {
  const [role = ""] = args.map(plainDashes);
  if (role !== "namesrv" && role !== "broker") {
    world.write(ABSENT_ROLES.includes(role) ? `No mq${role} running.\n` : "Usage: mqshutdown broker | namesrv\n");
    return role === "-h" || role === "--help" ? 0 : 1;
  }
  const servers = runningServers(directory, role);
  if (servers.length === 0) {
    world.write(`No mq${role} running.\n`);
    return 1;
  }
  const pids = servers.map(({ pid }) => pid).join(" ");
  world.write(`The mq${role}(${pids}) is running...\n`);
  for (const server of servers) requestStop(directory, server);
  world.write(`Send shutdown request to mq${role}(${pids}) OK\n`);
  return 0;
}
