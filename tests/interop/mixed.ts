/**
 * Our servers and Java's in one cluster, as in the days in which somebody replaces one by the other; and all kinds of
 * messages in one broker.
 *
 * @module
 */
import type { Check } from "../../scripts/interop/check.ts";
import { MIXED_RUN_CHECKS } from "./mixed_run.ts";
import { checkQuickstart } from "./quickstart.ts";

/** Each kind of server with the other kind beside it, and each kind of message with all others. */
export const MIXED_CHECKS: readonly Check[] = [
  {
    name: "mixed.javaBroker",
    about: "a Java 5.5.0 broker registers at our name server, and the Java client works with both",
    async run(context) {
      await using cluster = await context.startCluster({ broker: context.reference });
      await checkQuickstart(context, "5.5.0", cluster.namesrvAddr);
    },
  },
  {
    name: "mixed.javaNamesrv",
    about: "our broker registers at a Java 5.5.0 name server, and the Java client works with both",
    async run(context) {
      await using cluster = await context.startCluster({ namesrv: context.reference });
      await checkQuickstart(context, "5.5.0", cluster.namesrvAddr);
    },
  },
  ...MIXED_RUN_CHECKS,
];
