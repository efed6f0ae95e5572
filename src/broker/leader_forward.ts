/**
 * Requests that only a leader can serve, at a replica that follows: they go on to the leader, and its answers back. So a
 * client that has not heard of a change yet, which may take it half a minute, sends without a failure.
 *
 * A request goes on once at most: a replica that gets one from another replica and does not lead refuses it as a slave does.
 * The leader takes the replica for the host where a message was born.
 *
 * Source: ours.
 *
 * @module
 */
import { ConnectionError } from "../common/errors.ts";
import { RequestCode } from "../protocol/codes.ts";
import type { RemotingClient } from "../remoting/client.ts";
import { isOneway, OK, type Reply } from "../remoting/command.ts";
import type { Handler, HandlerTable, Request } from "../remoting/handler.ts";

/** What goes on to the leader. */
const FORWARDED: readonly number[] = [
  RequestCode.SEND_MESSAGE,
  RequestCode.SEND_MESSAGE_V2,
  RequestCode.SEND_BATCH_MESSAGE,
  RequestCode.CONSUMER_SEND_MSG_BACK,
  RequestCode.END_TRANSACTION,
];
/** As long as a client waits. */
const TIMEOUT_MS = 3000;
/** Marks a request that was sent on. */
const FORWARDED_FIELD = "rucolaForwarded";

/** Where the leader is, and how it is reached. */
export interface ForwardParts {
  readonly client: RemotingClient;
  /** `host:port`; null while nobody is known. */
  readonly leaderAddr: () => string | null;
}

/** The same table with handlers that send on what only the leader can serve. */
export function forwardToLeader(handlers: HandlerTable, parts: ForwardParts): HandlerTable {
  const table = new Map(handlers);
  for (const code of FORWARDED) {
    const own = handlers.get(code);
    if (own !== undefined) table.set(code, forwarder(own, parts));
  }
  return table;
}

function forwarder(own: Handler, { client, leaderAddr }: ForwardParts): Handler {
  return async (request: Request): Promise<Reply | null> => {
    const { command } = request;
    const address = leaderAddr();
    if (address === null || command.ext[FORWARDED_FIELD] !== undefined) return await own(request);
    const outgoing = { code: command.code, ext: { ...command.ext, [FORWARDED_FIELD]: "true" }, body: command.body };
    if (isOneway(command)) {
      await client.oneway(address, outgoing);
      return OK;
    }
    try {
      const { code, remark, ext, body } = await client.invoke(address, outgoing, TIMEOUT_MS);
      return { code, remark, ext, body };
    } catch (error) {
      // The leader may be gone a moment before we hear of it: the client is told to try again, as by any slave.
      if (error instanceof ConnectionError && error.fault !== "timeout") return await own(request);
      throw error;
    }
  };
}
