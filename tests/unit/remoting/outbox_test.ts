/** What is written on a connection: order, batching, partial writes, failures. @module */
import { assert, assertEquals } from "@std/assert";
import { concatBytes, equalBytes } from "../../../src/common/bytes.ts";
import { ConnectionError } from "../../../src/common/errors.ts";
import type { Socket } from "../../../src/common/net.ts";
import { SeededRandom } from "../../../src/common/random.ts";
import { Outbox } from "../../../src/remoting/outbox.ts";

const ADDRESS = { host: "127.0.0.1", port: 1 };

/** A socket that takes what the test lets it take. */
class StubSocket implements Socket {
  readonly local = ADDRESS;
  readonly remote = ADDRESS;
  readonly taken: Uint8Array[] = [];
  #pending: { bytes: Uint8Array; resolve: (count: number) => void; reject: (error: Error) => void } | null = null;

  read(): Promise<number | null> {
    return new Promise(() => {});
  }

  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => this.#pending = { bytes, resolve, reject });
  }

  close(): void {}

  get isWriting(): boolean {
    return this.#pending !== null;
  }

  get offered(): number {
    return this.#pending?.bytes.length ?? 0;
  }

  /** Takes `count` bytes of the pending write and lets what follows happen. */
  async take(count: number): Promise<void> {
    const { bytes, resolve } = this.#pending!;
    this.#pending = null;
    this.taken.push(bytes.slice(0, count));
    resolve(Math.min(count, bytes.length));
    await settled();
  }

  async fail(): Promise<void> {
    const { reject } = this.#pending!;
    this.#pending = null;
    reject(new ConnectionError("closed", "reset by the peer"));
    await settled();
  }
}

/** Lets promise reactions run. */
async function settled(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

function setup() {
  const socket = new StubSocket();
  const turn: (() => void)[] = [];
  const failures: unknown[] = [];
  let writes = 0;
  const outbox = new Outbox(socket, (fn) => turn.push(fn), (reason) => failures.push(reason), () => writes++);
  const endTurn = () => {
    for (const fn of turn.splice(0)) fn();
  };
  return { socket, outbox, failures, endTurn, writes: () => writes };
}

Deno.test("what a turn adds is written with one call at its end, in order", async () => {
  const { socket, outbox, endTurn } = setup();
  outbox.add(Uint8Array.of(1, 2));
  outbox.add(Uint8Array.of(3));
  assertEquals(socket.isWriting, false);

  endTurn();
  await socket.take(3);

  assertEquals(socket.taken, [Uint8Array.of(1, 2, 3)]);
  assertEquals(outbox.pendingBytes, 0);
});

Deno.test("large answers are written before the turn ends, one write at a time, and small ones are not", async () => {
  const { socket, outbox, endTurn, writes } = setup();
  outbox.add(Uint8Array.of(1));
  outbox.writeEarly();
  assertEquals(socket.isWriting, false);

  outbox.add(new Uint8Array(5000).fill(2));
  outbox.writeEarly();
  assertEquals(socket.offered, 5001);
  outbox.add(new Uint8Array(5000).fill(3));
  outbox.writeEarly();
  endTurn();
  assertEquals(socket.offered, 5001);
  await socket.take(5001);
  await socket.take(5000);

  assertEquals([writes(), socket.isWriting, outbox.pendingBytes], [2, false, 0]);
  const [first, second] = socket.taken;
  assertEquals([first![0], first!.at(-1), second![0]], [1, 2, 3]);
  outbox.close();
  outbox.writeEarly();
  assertEquals(socket.isWriting, false);
});

Deno.test("a connection that is answered one request after the other has one buffer, and a second one when it is needed", async () => {
  const { socket, outbox, endTurn } = setup();
  const buffers = new Set<ArrayBufferLike>();
  const answer = () => {
    outbox.add(new Uint8Array(5000));
    buffers.add(outbox.bytes.buffer);
    endTurn();
  };
  for (let i = 0; i < 3; i++) {
    answer();
    await socket.take(5000);
  }
  assertEquals(buffers.size, 1);

  for (let i = 0; i < 5; i++) {
    answer();
    answer();
    await socket.take(5000);
    await socket.take(5000);
  }
  assertEquals(buffers.size, 2);
});

Deno.test("a write that takes a part goes on with the rest, and what is added meanwhile comes behind", async () => {
  const { socket, outbox, endTurn, writes } = setup();
  outbox.add(Uint8Array.of(1, 2, 3, 4));
  endTurn();
  await socket.take(1);
  outbox.add(Uint8Array.of(5));
  endTurn();
  assertEquals(socket.offered, 3);
  await socket.take(3);
  await socket.take(1);

  assertEquals(concatBytes(socket.taken), Uint8Array.of(1, 2, 3, 4, 5));
  assertEquals([writes(), socket.isWriting, outbox.pendingBytes], [3, false, 0]);
});

Deno.test("reserved bytes that were not needed are given back", async () => {
  const { socket, outbox, endTurn } = setup();
  const at = outbox.reserve(10);
  outbox.bytes[at] = 9;
  outbox.unreserve(9);
  outbox.add(Uint8Array.of(8));
  endTurn();
  await socket.take(2);
  assertEquals(socket.taken, [Uint8Array.of(9, 8)]);
});

Deno.test("being drained waits for everything, and is told of the end", async () => {
  const { socket, outbox, endTurn } = setup();
  let drained = 0;
  await outbox.drained();
  outbox.add(new Uint8Array(3));
  outbox.drained().then(() => drained++);
  endTurn();
  await socket.take(2);
  assertEquals(drained, 0);
  await socket.take(1);
  assertEquals(drained, 1);

  outbox.add(new Uint8Array(3));
  outbox.drained().then(() => drained++);
  outbox.close();
  await settled();
  assertEquals(drained, 2);
});

Deno.test("a failed write is reported once, and nothing is kept or written after it", async () => {
  const { socket, outbox, failures, endTurn } = setup();
  outbox.add(Uint8Array.of(1));
  endTurn();
  outbox.add(Uint8Array.of(2));
  endTurn();
  await socket.fail();
  for (let i = 0; i < 100; i++) {
    outbox.add(new Uint8Array(1000));
    endTurn();
  }

  assertEquals(failures.map(String), ["ConnectionError: reset by the peer"]);
  assertEquals([socket.isWriting, outbox.pendingBytes], [false, 0]);
});

Deno.test("large buffers are given back when nothing is pending, and not before", async () => {
  const { socket, outbox, endTurn } = setup();
  const size = outbox.bytes.length;
  outbox.add(new Uint8Array(500_000).fill(7));
  outbox.shrink();
  endTurn();
  await socket.take(500_000);
  outbox.add(Uint8Array.of(1));
  endTurn();
  await socket.take(1);
  outbox.add(Uint8Array.of(2)); // into the large buffer, which is the spare one again
  endTurn();
  await socket.take(1);
  outbox.shrink();
  assertEquals(outbox.bytes.length, size);
  assertEquals(concatBytes(socket.taken).length, 500_002);
  assert(socket.taken[0]!.every((byte) => byte === 7));
});

Deno.test("any interleaving of adding and writing keeps the order (property)", async () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = new SeededRandom(seed);
    const { socket, outbox, endTurn } = setup();
    const model: Uint8Array[] = [];
    for (let i = 0; i < 200; i++) {
      if (random.int(2) === 0) {
        const part = new Uint8Array(random.int(6000)).fill(i);
        model.push(part);
        outbox.add(part);
      } else if (socket.isWriting) {
        await socket.take(1 + random.int(socket.offered));
      } else {
        endTurn();
      }
    }
    endTurn();
    while (socket.isWriting) await socket.take(socket.offered);
    assert(equalBytes(concatBytes(socket.taken), concatBytes(model)), `seed ${seed}`);
  }
});
