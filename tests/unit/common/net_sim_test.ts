/** The simulated network: what arrives, when, and what breaks. @module */
import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { SimClock } from "../../../src/common/clock_sim.ts";
import { ConnectionError } from "../../../src/common/errors.ts";
import type { Listener, Socket } from "../../../src/common/net.ts";
import { SimNet, type SimNetOptions } from "../../../src/common/net_sim.ts";
import type { SimHost } from "../../../src/common/net_sim_host.ts";
import { SeededRandom } from "../../../src/common/random.ts";

const PORT = 9876;
const SERVER = { host: "10.0.0.2", port: PORT };

interface Fixture {
  clock: SimClock;
  net: SimNet;
  alice: SimHost;
  bob: SimHost;
  listener: Listener;
}

/** Two machines 1 ms apart; `bob` listens. */
function twoMachines(options: Partial<SimNetOptions> = {}): Fixture {
  const clock = new SimClock();
  const net = new SimNet({ clock, random: new SeededRandom(1), latencyMs: 1, splitRate: 0, ...options });
  const alice = net.host("alice", "10.0.0.1"), bob = net.host("bob", "10.0.0.2");
  return { clock, net, alice, bob, listener: bob.listen({ host: "0.0.0.0", port: PORT }) };
}

/** A connection from `alice` to `bob`: the client's end, then the server's. */
async function connected({ clock, alice, listener }: Fixture): Promise<[Socket, Socket]> {
  const both = Promise.all([alice.connect(SERVER, 1000), listener.accept()]);
  await clock.advance(10);
  const [client, server] = await both;
  assert(server !== null);
  return [client, server];
}

function bytes(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => i * 7);
}

async function writeAll(socket: Socket, data: Uint8Array): Promise<void> {
  for (let at = 0; at < data.length;) at += await socket.write(data.subarray(at));
}

/** Everything until the end of the stream. */
async function readAll(socket: Socket): Promise<Uint8Array> {
  const all: number[] = [];
  const into = new Uint8Array(1000);
  for (let count = await socket.read(into); count !== null; count = await socket.read(into)) {
    all.push(...into.subarray(0, count));
  }
  return Uint8Array.from(all);
}

/** What a promise came to, if it did. */
function watch<T>(promise: Promise<T>): { value?: T; error?: unknown; settled: boolean } {
  const watched: { value?: T; error?: unknown; settled: boolean } = { settled: false };
  promise.then((value) => Object.assign(watched, { value, settled: true }), (error) => {
    Object.assign(watched, { error, settled: true });
  });
  return watched;
}

Deno.test("a connection takes a round trip and a message one way", async () => {
  const fixture = twoMachines();
  const { clock, alice, listener } = fixture;
  const client = watch(alice.connect(SERVER, 1000)), server = watch(listener.accept());
  await clock.advance(1.9);
  assertEquals([server.settled, client.settled], [true, false]);
  await clock.advance(0.1);
  assertEquals(client.value?.remote, SERVER);
  assertEquals(server.value?.remote, client.value?.local);

  const into = new Uint8Array(10);
  const read = watch(server.value!.read(into));
  assertEquals(await client.value!.write(new Uint8Array([1, 2, 3])), 3);
  await clock.advance(0.99);
  assertEquals(read.settled, false);
  await clock.advance(0.01);
  assertEquals([read.value, into[2]], [3, 3]);
});

Deno.test("a server that speaks first is heard", async () => {
  const { clock, alice, listener } = twoMachines();
  listener.accept().then((socket) => socket?.write(new Uint8Array([42])));
  const into = new Uint8Array(1);
  const read = watch(alice.connect(SERVER, 1000).then((socket) => socket.read(into)));

  await clock.advance(10);

  assertEquals([read.value, into[0]], [1, 42]);
});

Deno.test("a stream arrives whole and in order, however reads and writes are split", async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const fixture = twoMachines({
      random: new SeededRandom(seed),
      splitRate: 0.7,
      jitterMs: 3,
      lossRate: 0.1,
      bufferBytes: 700,
    });
    const [client, server] = await connected(fixture);
    const sent = bytes(5000);
    writeAll(client, sent).then(() => client.close());

    const received = watch(readAll(server));
    await fixture.clock.advance(100_000);

    assertEquals(received.value, sent);
  }
});

Deno.test("writes wait at a full buffer until the peer reads", async () => {
  const fixture = twoMachines({ bufferBytes: 100 });
  const [client, server] = await connected(fixture);

  assertEquals(await client.write(bytes(250)), 100);
  const second = watch(client.write(bytes(250)));
  await fixture.clock.advance(1000);
  assertEquals(second.settled, false);
  assertEquals(await server.read(new Uint8Array(30)), 30);
  await fixture.clock.advance(0);
  assertEquals(second.value, 30);
});

Deno.test("bandwidth spreads bytes over time", async () => {
  const fixture = twoMachines({ bytesPerMs: 10 });
  const [client, server] = await connected(fixture);
  const startMs = fixture.clock.monotonicMs();
  await client.write(bytes(1000));
  const read = watch(server.read(new Uint8Array(1000)).then(() => fixture.clock.monotonicMs() - startMs));

  await fixture.clock.advance(1000);

  assertEquals(read.value, 101);
});

Deno.test("closing lets the peer read what was sent, then the end", async () => {
  const fixture = twoMachines();
  const [client, server] = await connected(fixture);
  await client.write(bytes(10));
  client.close();
  client.close();

  const received = watch(readAll(server));
  await fixture.clock.advance(10);

  assertEquals(received.value, bytes(10));
  await assertRejects(() => client.write(bytes(1)), ConnectionError);
  await assertRejects(() => client.read(new Uint8Array(1)), ConnectionError);
});

Deno.test("closing fails the pending calls of its own end", async () => {
  const fixture = twoMachines({ bufferBytes: 10 });
  const [client] = await connected(fixture);
  await client.write(bytes(10));
  const read = watch(client.read(new Uint8Array(1))), write = watch(client.write(bytes(1)));

  client.close();
  await fixture.clock.settle();

  assert(read.error instanceof ConnectionError && write.error instanceof ConnectionError);
});

Deno.test("writing to an end that is closed brings a reset", async () => {
  const fixture = twoMachines();
  const [client, server] = await connected(fixture);
  server.close();
  await fixture.clock.advance(10);
  const into = new Uint8Array(1);

  assertEquals(await client.read(into), null);
  assertEquals(await client.write(bytes(5)), 5);
  await fixture.clock.advance(10);
  await assertRejects(() => client.write(bytes(5)), ConnectionError, "reset by the peer");
});

Deno.test("closing with unread bytes resets the connection", async () => {
  const fixture = twoMachines();
  const [client, server] = await connected(fixture);
  await client.write(bytes(5));
  await fixture.clock.advance(10);
  const read = watch(client.read(new Uint8Array(1)));

  server.close();
  await fixture.clock.advance(10);

  assert(read.error instanceof ConnectionError);
});

Deno.test("connecting tells refusal, unknown names and silence apart", async () => {
  const { clock, alice, listener, net } = twoMachines();
  const refused = watch(alice.connect({ host: "bob", port: 1 }, 1000));
  const unknown = watch(alice.connect({ host: "carol", port: 1 }, 1000));
  const silent = watch(alice.connect({ host: "10.9.9.9", port: 1 }, 1000));
  await clock.advance(2);
  assertEquals((refused.error as Error).message, "Cannot connect to bob:1: connection refused");
  assertEquals((unknown.error as Error).message, "Cannot connect to carol:1: no such host");
  assertEquals(silent.settled, false);
  await clock.advance(998);
  assertEquals((silent.error as Error).message, "Cannot connect to 10.9.9.9:1: no answer within 1000 ms");

  listener.close();
  const late = watch(alice.connect(SERVER, 1000));
  await clock.advance(2);
  assertEquals((late.error as ConnectionError).fault, "connect");

  net.powerOff("bob");
  const off = watch(alice.connect(SERVER, 50));
  await clock.advance(50);
  assertEquals((off.error as Error).message, "Cannot connect to 10.0.0.2:9876: no answer within 50 ms");
});

Deno.test("a port is listened on once, and free after its listener is closed", async () => {
  const { net, bob, listener } = twoMachines();

  assertThrows(() => bob.listen(SERVER), ConnectionError, "the port is taken");
  assertThrows(() => net.host("bob", "10.0.0.2").listen(SERVER), ConnectionError, "the port is taken");
  assertThrows(() => bob.listen({ host: "10.0.0.1", port: 1 }), ConnectionError, "not an address of this machine");
  const accepting = listener.accept();
  listener.close();
  listener.close();
  assertEquals(await accepting, null);
  assertEquals(await listener.accept(), null);
  bob.listen(SERVER);
  const first = bob.listen({ host: "127.0.0.1", port: 0 }), second = bob.listen({ host: "127.0.0.1", port: 0 });
  assert(first.address.port > 0);
  assertNotEquals(first.address.port, second.address.port);
});

Deno.test("what listens on loopback is reached from its own machine only", async () => {
  const { clock, net, alice, bob } = twoMachines();
  const listener = bob.listen({ host: "localhost", port: 7 });
  const other = watch(net.host("bob", "10.0.0.2").connect({ host: "127.0.0.1", port: 7 }, 100));
  const remote = watch(alice.connect({ host: "bob", port: 7 }, 100));
  const accepted = watch(listener.accept());

  await clock.advance(10);

  assertEquals(other.value?.remote, { host: "127.0.0.1", port: 7 });
  assertEquals(accepted.value?.remote.host, "127.0.0.1");
  assert(remote.error instanceof ConnectionError);
});

Deno.test("a partition holds bytes back until it heals, in order", async () => {
  const fixture = twoMachines();
  const { clock, net } = fixture;
  const [client, server] = await connected(fixture);
  await client.write(new Uint8Array([1]));
  net.partition("alice", "bob");
  await client.write(new Uint8Array([2]));
  const into = new Uint8Array(10);
  const read = watch(server.read(into));
  await clock.advance(60_000);
  assertEquals(read.settled, false);

  net.heal("alice", "bob");
  await client.write(new Uint8Array([3]));
  await clock.advance(10);

  let count = read.value ?? 0;
  while (count < 3) count += (await server.read(into.subarray(count))) ?? Infinity;
  assertEquals(into.subarray(0, 3), new Uint8Array([1, 2, 3]));
});

Deno.test("a one-way partition lets the other direction through", async () => {
  const fixture = twoMachines();
  const [client, server] = await connected(fixture);
  fixture.net.partition("alice", "bob", { oneWay: true });
  await client.write(bytes(1));
  await server.write(bytes(2));
  const toServer = watch(server.read(new Uint8Array(9))), toClient = watch(client.read(new Uint8Array(9)));

  await fixture.clock.advance(100);

  assertEquals([toServer.settled, toClient.value], [false, 2]);
});

Deno.test("a sender gives up on a long partition", async () => {
  const fixture = twoMachines({ giveUpMs: 30_000 });
  const [client, server] = await connected(fixture);
  fixture.net.isolate("bob");
  await client.write(bytes(1));
  const clientRead = watch(client.read(new Uint8Array(1))), serverRead = watch(server.read(new Uint8Array(1)));

  await fixture.clock.advance(31_000);

  assert(clientRead.error instanceof ConnectionError);
  assertEquals(serverRead.settled, false, "it sent nothing and notices nothing");
});

Deno.test("a reset breaks both ends after what had arrived was read", async () => {
  const fixture = twoMachines();
  const [client, server] = await connected(fixture);
  await client.write(bytes(4));
  await fixture.clock.advance(5);
  const read = watch(client.read(new Uint8Array(1)));

  fixture.net.reset("bob", "alice");
  await fixture.clock.settle();

  assert(read.error instanceof ConnectionError);
  assertEquals(await server.read(new Uint8Array(9)), 4);
  await assertRejects(() => server.read(new Uint8Array(9)), ConnectionError);
});

Deno.test("a killed process leaves its peers the end of the stream and its port free", async () => {
  const fixture = twoMachines();
  const { clock, net, bob, alice } = fixture;
  const [client, server] = await connected(fixture);
  const own = watch(server.read(new Uint8Array(1))), accepting = watch(fixture.listener.accept());
  const peer = watch(client.read(new Uint8Array(1)));

  bob.kill();
  await clock.advance(10);

  assertEquals(peer.value, null);
  assertEquals([own.settled, accepting.settled], [false, false]);
  const again = net.host("bob", "10.0.0.2").listen(SERVER);
  const reconnected = watch(alice.connect(SERVER, 100));
  await clock.advance(10);
  assert(reconnected.value);
  again.close();
});

Deno.test("a machine without power is silent; back again, it resets old connections", async () => {
  const fixture = twoMachines();
  const { clock, net } = fixture;
  const [client] = await connected(fixture);
  net.powerOff("bob");
  const read = watch(client.read(new Uint8Array(1)));
  await client.write(bytes(3));
  await clock.advance(60_000);
  assertEquals(read.settled, false);

  net.powerOn("bob");
  await clock.advance(10);

  assert(read.error instanceof ConnectionError);
});

Deno.test("the end of a turn comes behind all arrivals of the same instant, in order of asking", async () => {
  const fixture = twoMachines();
  const { clock, bob } = fixture;
  const pairs = [await connected(fixture), await connected(fixture), await connected(fixture)];
  const events: string[] = [];
  pairs.forEach(([, server], i) => {
    server.read(new Uint8Array(1)).then(async () => {
      for (let hop = 0; hop < 20; hop++) await Promise.resolve();
      events.push(`read ${i}`);
      bob.atEndOfTurn(() => {
        events.push(`end ${i}`);
        if (i === 0) bob.atEndOfTurn(() => events.push("asked at the end"));
      });
    });
  });
  for (const [client] of pairs) await client.write(bytes(1));

  await clock.advance(5);

  assertEquals(events, ["read 0", "read 1", "read 2", "end 0", "end 1", "end 2", "asked at the end"]);
});

Deno.test("a machine tells its name and addresses", () => {
  const { alice } = twoMachines();

  assertEquals(alice.hostName(), "alice");
  assertEquals(alice.interfaces().map((entry) => entry.address), ["127.0.0.1", "10.0.0.1"]);
});
