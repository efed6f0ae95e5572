/** What every `Net` promises, asked of the machine's (on loopback) and of the simulated one. @module */
import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { ConnectionError } from "../../../src/common/errors.ts";
import type { Listener, Net, Socket } from "../../../src/common/net.ts";
import { DenoNet } from "../../../src/common/net_deno.ts";
import { simWorld } from "../../support/world.ts";

const TIMEOUT_MS = 5000;

/** Runs a test on both networks, with a listener on a free port. */
function onBoth(name: string, body: (net: Net, listener: Listener) => Promise<void>): void {
  const test = async (net: Net) => {
    const listener = net.listen({ host: "127.0.0.1", port: 0 });
    try {
      await body(net, listener);
    } finally {
      listener.close();
    }
  };
  Deno.test(`${name} (machine)`, () => test(new DenoNet()));
  Deno.test(`${name} (simulated)`, () => simWorld(1).run((world) => test(world.machine("a").boot().net)));
}

/** Both ends of a new connection: the client's first. */
async function connected(net: Net, listener: Listener): Promise<[Socket, Socket]> {
  const accepting = listener.accept();
  const client = await net.connect(listener.address, TIMEOUT_MS);
  const server = await accepting;
  assert(server !== null);
  return [client, server];
}

onBoth("both ends know each other's address", async (net, listener) => {
  const [client, server] = await connected(net, listener);

  assertEquals(client.remote, listener.address);
  assertEquals(server.local, listener.address);
  assertEquals(server.remote, client.local);

  client.close();
  server.close();
});

onBoth("a megabyte arrives whole and in order, then the end", async (net, listener) => {
  const [client, server] = await connected(net, listener);
  const sent = Uint8Array.from({ length: 1 << 20 }, (_, i) => i % 251);
  const sending = (async () => {
    for (let at = 0; at < sent.length;) at += await client.write(sent.subarray(at));
    client.close();
  })();

  const received = new Uint8Array(sent.length + 1);
  let size = 0;
  for (let count = await server.read(received); count !== null; count = await server.read(received.subarray(size))) {
    size += count;
  }

  await sending;
  assertEquals(size, sent.length);
  assert(sent.every((byte, i) => byte === received[i]));
  server.close();
});

onBoth("closing fails a pending read of the same end, and is idempotent", async (net, listener) => {
  const [client, server] = await connected(net, listener);
  const read = client.read(new Uint8Array(1));

  client.close();
  client.close();

  await assertRejects(() => read, ConnectionError);
  await assertRejects(() => client.read(new Uint8Array(1)), ConnectionError);
  await assertRejects(() => client.write(new Uint8Array(1)), ConnectionError);
  assertEquals(await server.read(new Uint8Array(1)), null);
  server.close();
});

onBoth("writing on and on to a peer that has closed fails", async (net, listener) => {
  const [client, server] = await connected(net, listener);
  server.close();

  const error = await assertRejects(async () => {
    for (let i = 0; i < 10_000; i++) await client.write(new Uint8Array(1000));
  }, ConnectionError);

  assertEquals(error.retriable, true);
  client.close();
});

onBoth("nobody listening is a failed connect, and a port in use cannot be listened on", async (net, listener) => {
  const other = net.listen({ host: "127.0.0.1", port: 0 });
  const { address } = other;
  other.close();

  const error = await assertRejects(() => net.connect(address, TIMEOUT_MS), ConnectionError);
  assertEquals(error.fault, "connect");
  assertThrows(() => net.listen(listener.address), ConnectionError, "Cannot listen on 127.0.0.1:");
});

onBoth("closing a listener ends its accept and leaves connections alone", async (net, listener) => {
  const [client, server] = await connected(net, listener);
  const accepting = listener.accept();

  listener.close();
  listener.close();

  assertEquals(await accepting, null);
  await client.write(new Uint8Array([7]));
  const into = new Uint8Array(4);
  assertEquals([await server.read(into), into[0]], [1, 7]);
  client.close();
  server.close();
});

onBoth("ends of a turn are called in the order of asking", async (net) => {
  const called: number[] = [];

  await new Promise<void>((resolve) => {
    for (let i = 0; i < 3; i++) net.atEndOfTurn(() => called.push(i));
    net.atEndOfTurn(resolve);
    assertEquals(called, []);
  });

  assertEquals(called, [0, 1, 2]);
});

onBoth("a machine has a name and a loopback address", (net) => {
  assert(net.hostName().length > 0);
  assert(net.interfaces().some(({ address, family }) => address === "127.0.0.1" && family === "IPv4"));
  return Promise.resolve();
});

onBoth("names and addresses of this machine are resolved, others fail with a clear error", async (net) => {
  assertEquals((await net.resolve("localhost"))[0], "127.0.0.1");
  assertEquals(await net.resolve("192.0.2.7"), ["192.0.2.7"]);
  const error = await assertRejects(() => net.resolve("no-such-host.invalid"), ConnectionError);
  assertStringIncludes(error.message, "Cannot find the address of no-such-host.invalid");
});
