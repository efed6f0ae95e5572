/**
 * The layout with the most parts, disturbed in short: nothing acknowledged may be missing, and a restart may fail no send. The
 * whole of it, for all layouts, is `deno task layouts`.
 *
 * @module
 */
import { failures, runLayout } from "../../scripts/cluster/layout_run.ts";
import { whyNoSite } from "../../scripts/cluster/site.ts";
import { type Check, type CheckContext, Skip } from "../../scripts/interop/check.ts";

const LAYOUT = "2m-2s-sync";
const SECONDS = 5;

/** One check: it takes root and Linux. */
export const LAYOUT_CHECKS: readonly Check[] = [{
  name: "layouts.quick",
  about: `${LAYOUT} in network namespaces loses nothing when a name server is cut off, a master killed, a slave paused`,
  run: checkLayout,
}];

async function checkLayout(context: CheckContext): Promise<void> {
  const { command } = context.target;
  if (command === undefined) throw new Skip("the layouts are those of conf/, for our executable");
  const reason = await whyNoSite(command);
  if (reason !== null) throw new Skip(reason);
  const rows = await runLayout(LAYOUT, { command, quick: true, seconds: SECONDS });
  const sends = rows.reduce((sum, row) => sum + row.sends, 0);
  context.remark = `${rows.length} disturbances, ${sends} sends`;
  const wrong = failures(rows);
  if (rows.length === 0 || sends === 0) throw new Error("nothing was disturbed, or nothing sent");
  if (wrong.length > 0) throw new Error(wrong.join("; "));
}
