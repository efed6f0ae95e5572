/**
 * How the queues of a topic are shared among the members of a group. Each member computes its own share from the same two
 * sorted lists, so all must use the same strategy, and a strategy must be a pure function. Together the shares hold each
 * queue exactly once (except by configuration and machine room, where the operator sees to that).
 *
 * Source: RocketMQ `AllocateMessageQueueStrategy` and its implementations.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { utf8 } from "../common/bytes.ts";
import type { MessageQueue } from "../protocol/message_queue.ts";

/** Shares queues. */
export interface AllocationStrategy {
  /** RocketMQ's name for it. */
  readonly name: string;
  /**
   * The queues of member `clientId`.
   *
   * @param queues all queues of one topic, sorted. @param clientIds all members, sorted; contains `clientId`.
   */
  allocate(clientId: string, queues: readonly MessageQueue[], clientIds: readonly string[]): MessageQueue[];
}

/** A run of neighbouring queues for each member, the first ones one longer when it does not come out even. */
export const averagely: AllocationStrategy = {
  name: "AVG",
  allocate(clientId, queues, clientIds) {
    const index = clientIds.indexOf(clientId);
    if (index < 0) return [];
    const rest = queues.length % clientIds.length;
    const size = Math.floor(queues.length / clientIds.length);
    const start = index * size + Math.min(index, rest);
    return queues.slice(start, start + size + (index < rest ? 1 : 0));
  },
};

/** Queues dealt out one by one, like cards. */
export const averagelyByCircle: AllocationStrategy = {
  name: "AVG_BY_CIRCLE",
  allocate(clientId, queues, clientIds) {
    const index = clientIds.indexOf(clientId);
    return index < 0 ? [] : queues.filter((_, i) => i % clientIds.length === index);
  },
};

/** The given queues, whoever else is there. */
export function byConfig(queues: readonly MessageQueue[]): AllocationStrategy {
  return { name: "CONFIG", allocate: () => [...queues] };
}

/**
 * Queues of the given machine rooms, where a broker's name is `room@name`, dealt out evenly; the rest, which does not
 * come out even, one each to the first members.
 */
export function byMachineRoom(rooms: ReadonlySet<string>): AllocationStrategy {
  return {
    name: "MACHINE_ROOM",
    allocate(clientId, queues, clientIds) {
      const index = clientIds.indexOf(clientId);
      if (index < 0) return [];
      const own = queues.filter(({ brokerName }) => {
        const parts = brokerName.split("@");
        return parts.length === 2 && rooms.has(parts[0]!);
      });
      const size = Math.floor(own.length / clientIds.length);
      const share = own.slice(index * size, (index + 1) * size);
      const extra = own[size * clientIds.length + index];
      return extra === undefined ? share : [...share, extra];
    },
  };
}

/** Tells which machine room brokers and clients are in. */
export interface MachineRoomResolver {
  /** Room of a queue's broker. */
  brokerRoom(queue: MessageQueue): string;
  /** Room of a member. */
  clientRoom(clientId: string): string;
}

/** Queues of a room among the members of that room; those of rooms without members among all. */
export function nearbyMachineRoom(inner: AllocationStrategy, resolver: MachineRoomResolver): AllocationStrategy {
  return {
    name: `MACHINE_ROOM_NEARBY-${inner.name}`,
    allocate(clientId, queues, clientIds) {
      if (!clientIds.includes(clientId)) return [];
      const membersOf = groupBy(clientIds, (each) => resolver.clientRoom(each));
      const queuesOf = groupBy(queues, (each) => resolver.brokerRoom(each));
      const room = resolver.clientRoom(clientId);
      const own = inner.allocate(clientId, queuesOf.get(room) ?? [], membersOf.get(room)!);
      const orphanRooms = [...queuesOf.keys()].filter((each) => !membersOf.has(each)).sort();
      return [...own, ...orphanRooms.flatMap((each) => inner.allocate(clientId, queuesOf.get(each)!, clientIds))];
    },
  };
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

/**
 * Members and queues on a ring of hashes: few queues move when a member comes or goes.
 *
 * @param virtualNodes places of each member on the ring; Java's default is 10.
 */
export function consistentHash(virtualNodes = 10): AllocationStrategy {
  return {
    name: "CONSISTENT_HASH",
    allocate(clientId, queues, clientIds) {
      if (!clientIds.includes(clientId)) return [];
      const ring = makeRing(clientIds, virtualNodes);
      return queues.filter((queue) => memberAt(ring, ringHash(ringKey(queue))) === clientId);
    },
  };
}

interface RingPlace {
  readonly hash: number;
  readonly clientId: string;
}

function makeRing(clientIds: readonly string[], virtualNodes: number): RingPlace[] {
  const places = new Map<number, string>(); // of two equal hashes the later one stays, as in Java's map
  for (const clientId of clientIds) {
    for (let i = 0; i < virtualNodes; i++) places.set(ringHash(`${clientId}-${i}`), clientId);
  }
  return Array.from(places, ([hash, clientId]) => ({ hash, clientId })).sort((a, b) => a.hash - b.hash);
}

function memberAt(ring: readonly RingPlace[], hash: number): string | undefined {
  return (ring.find((place) => place.hash >= hash) ?? ring[0])?.clientId;
}

/** Java hashes the queue's text. */
function ringKey(queue: MessageQueue): string {
  return `MessageQueue [topic=${queue.topic}, brokerName=${queue.brokerName}, queueId=${queue.queueId}]`;
}

/** The first four bytes of the MD5 digest, unsigned. */
function ringHash(text: string): number {
  return createHash("md5").update(utf8(text)).digest().readUInt32BE(0);
}
