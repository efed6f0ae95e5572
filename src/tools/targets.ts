/**
 * Which brokers a command is for: those of `-b` (one address) or `-c` (the masters of a cluster).
 *
 * @module
 */
import { MASTER_ID } from "../protocol/bodies/route.ts";
import { UsageError } from "./arguments.ts";
import type { CommandContext } from "./command.ts";

/** Addresses, `host:port`. @throws {UsageError} when neither option is given. @throws {ClientError} without a master. */
export async function targetAddresses(
  { admin, options }: Pick<CommandContext, "admin" | "options">,
): Promise<string[]> {
  const address = options.optional("b");
  if (address !== undefined) return [address];
  const cluster = options.optional("c");
  if (cluster === undefined) throw new UsageError("one of the options -b and -c is needed");
  return (await admin.masters(cluster)).map((each) => each.address);
}

/** {@linkcode targetAddresses}, or all masters of all clusters when neither option is given. */
export async function targetsOrAll(context: Pick<CommandContext, "admin" | "options">): Promise<string[]> {
  if (context.options.has("b") || context.options.has("c")) return await targetAddresses(context);
  return (await context.admin.members()).filter(({ brokerId }) => brokerId === MASTER_ID).map(({ address }) => address);
}
