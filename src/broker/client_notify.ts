/**
 * Requests from the broker to its clients, on the connections that they made: that members of their group changed, that they
 * are to move their offsets, and what they tell about themselves.
 *
 * RocketMQ counterpart: `Broker2Client`, `DefaultConsumerIdsChangeListener`.
 *
 * @module
 */
import type { Clock, Timer } from "../common/clock.ts";
import { ConnectionError } from "../common/errors.ts";
import type { Log } from "../common/log.ts";
import { encodeOffsetTable, encodeOffsetTableForC, type OffsetTable } from "../protocol/bodies/offset_table.ts";
import { RequestCode } from "../protocol/codes.ts";
import { writeHeader } from "../protocol/header.ts";
import type { Command, Outgoing } from "../remoting/command.ts";
import type { Connection } from "../remoting/connection.ts";
import type { ClientChannel, ConsumerGroup } from "./clients.ts";
import type { GroupTable } from "./groups.ts";

/** How long a client may take to answer. Source: RocketMQ `Broker2Client#callClient`. */
const CALL_TIMEOUT_MS = 10_000;

/** What an administrator's reset tells the members of a group. */
export interface ResetNotice {
  readonly topic: string;
  readonly group: string;
  readonly timestamp: number;
  readonly isForce: boolean;
  readonly offsets: OffsetTable;
  /** The request came from a C++ tool, whose clients read another form. */
  readonly forC: boolean;
}

/**
 * Time from a change of a group to the notice of it. A Java client that hears of the change before it is through with the
 * answer to its own heartbeat rebalances, finds its heartbeat lock taken, and then waits half a minute for the next
 * heartbeat while the broker refuses its pulls (SUBSCRIPTION_NOT_LATEST). Changes within this time are told once.
 */
const NOTICE_DELAY_MS = 100;

/** Sends the requests. */
export class ClientNotifier {
  /** Groups whose members will be told. */
  readonly #changed = new Map<string, ConsumerGroup>();
  #timer: Timer | null = null;
  #isClosed = false;

  /** @param options `notifyConsumerIdsChangedEnable` switches notices of membership for all groups. */
  constructor(
    readonly groups: GroupTable,
    readonly options: { readonly notifyConsumerIdsChangedEnable: boolean },
    readonly clock: Clock,
    readonly log: Log,
  ) {}

  /** Tells all members of a group that its members or topics changed, unless group or broker do not want that. */
  groupChanged(group: ConsumerGroup): void {
    if (this.#isClosed) return;
    if (!this.options.notifyConsumerIdsChangedEnable || group.messageModel === "BROADCASTING") return;
    if (this.groups.get(group.name)?.notifyConsumerIdsChangedEnable === false) return;
    this.#timer ??= this.clock.after(NOTICE_DELAY_MS, () => this.#tellMembers());
    this.#changed.set(group.name, group);
  }

  /** Tells nobody any more, for the connections are about to end. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#changed.clear();
  }

  #tellMembers(): void {
    this.#timer = null;
    const groups = [...this.#changed.values()];
    this.#changed.clear();
    for (const group of groups) this.#tell(group);
  }

  #tell(group: ConsumerGroup): void {
    const notice: Outgoing = {
      code: RequestCode.NOTIFY_CONSUMER_IDS_CHANGED,
      ext: writeHeader({ consumerGroup: group.name }),
    };
    for (const member of group.members) this.#oneway(member.connection, notice);
  }

  /** Tells all members of a group to move their offsets (the way of 4.x). */
  resetOffsets(members: Iterable<ClientChannel>, notice: ResetNotice): void {
    const { topic, group, timestamp, isForce, offsets } = notice;
    const request: Outgoing = {
      code: RequestCode.RESET_CONSUMER_CLIENT_OFFSET,
      ext: writeHeader({ topic, group, timestamp, isForce }),
      body: notice.forC ? encodeOffsetTableForC(offsets) : encodeOffsetTable(offsets),
    };
    for (const member of members) {
      if (this.#oneway(member.connection, request)) {
        this.log.info(
          `[reset-offset] reset offset success. topic=${topic}, group=${group}, clientId=${member.clientId}`,
        );
      }
    }
  }

  /** Asks a client and waits for its answer. @throws {ConnectionError} when it does not answer within 10 s. */
  call(connection: Connection, request: Outgoing, timeoutMs: number = CALL_TIMEOUT_MS): Promise<Command> {
    return connection.invoke(request, timeoutMs);
  }

  #oneway(connection: Connection, request: Outgoing): boolean {
    try {
      connection.oneway(request);
      return true;
    } catch (error) {
      // The connection has ended; its end is handled where it is followed.
      if (error instanceof ConnectionError) return false;
      throw error;
    }
  }
}
