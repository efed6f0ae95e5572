/** The client: pooled connections, timeouts, reconnecting, on a simulated network. @module */
import { assertEquals, assertRejects } from "@std/assert";
import { ConnectionError } from "../../../src/common/errors.ts";
import { RemotingClient, type RemotingClientOptions } from "../../../src/remoting/client.ts";
import { type SimWorld, simWorld } from "../../support/world.ts";
import { SERVER_TEXT, startServer } from "./rig.ts";

const HELLO = 4711;
const NEVER = 4712;

function startClient(world: SimWorld, options: Partial<RemotingClientOptions> = {}): RemotingClient {
  const { net, clock, logging } = world.machine("client").boot();
  return new RemotingClient({ net, clock, log: logging.logger("client"), ...options });
}

Deno.test("concurrent first requests share one connection, and each gets its own response", () =>
  simWorld(1).run(async (world) => {
    const { server } = startServer(world, [[HELLO, ({ command }) => ({ remark: command.ext.n ?? null })]]);
    const client = startClient(world);

    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => client.invoke(SERVER_TEXT, { code: HELLO, ext: { n: `${n}` } }, 1000)),
    );

    assertEquals(answers.map(({ remark }) => remark), Array.from({ length: 20 }, (_, n) => `${n}`));
    assertEquals([server.connections.size, client.isConnected(SERVER_TEXT)], [1, true]);
    client.close();
    await server.close();
  }));

Deno.test("a broken connection is made again at the next use", () =>
  simWorld(2).run(async (world) => {
    const { server } = startServer(world, [[HELLO, () => ({})], [NEVER, () => null]]);
    const client = startClient(world);
    const waiting = client.invoke(SERVER_TEXT, { code: NEVER }, 60_000);
    const failed = assertRejects(() => waiting, ConnectionError);
    await world.until(() => server.connections.size === 1, "the connection");

    world.net.reset("client", "server");
    await failed;
    assertEquals(client.isConnected(SERVER_TEXT), false);

    assertEquals((await client.invoke(SERVER_TEXT, { code: HELLO }, 1000)).code, 0);
    client.close();
    await server.close();
  }));

Deno.test("a server that is away is an error each time, until it is there", () =>
  simWorld(3).run(async (world) => {
    world.machine("server");
    const client = startClient(world);
    for (let i = 0; i < 2; i++) {
      const error = await assertRejects(() => client.invoke(SERVER_TEXT, { code: HELLO }, 1000), ConnectionError);
      assertEquals(error.fault, "connect");
    }
    const { server } = startServer(world, [[HELLO, () => ({})]]);
    assertEquals((await client.invoke(SERVER_TEXT, { code: HELLO }, 1000)).code, 0);
    client.close();
    await server.close();
  }));

Deno.test("the timeout counts from the call, connecting included", () =>
  simWorld(4).run(async (world) => {
    const { server } = startServer(world, [[NEVER, () => null]]);
    const client = startClient(world);
    world.net.partition("client", "server");
    const startMs = world.clock.monotonicMs();
    const error = await assertRejects(() => client.invoke(SERVER_TEXT, { code: NEVER }, 500), ConnectionError);
    assertEquals([error.fault, world.clock.monotonicMs() - startMs], ["timeout", 500]);

    world.net.heal();
    await client.connection(SERVER_TEXT);
    const askedMs = world.clock.monotonicMs();
    const late = await assertRejects(() => client.invoke(SERVER_TEXT, { code: NEVER }, 700), ConnectionError);
    assertEquals([late.fault, Math.round(world.clock.monotonicMs() - askedMs)], ["timeout", 700]);
    assertEquals(client.isConnected(SERVER_TEXT), true);
    client.close();
    await server.close();
  }));

Deno.test("a timeout closes the connection where that was asked for", () =>
  simWorld(5).run(async (world) => {
    const { server } = startServer(world, [[NEVER, () => null]]);
    const client = startClient(world, { closeOnTimeout: true });
    await assertRejects(() => client.invoke(SERVER_TEXT, { code: NEVER }, 100), ConnectionError);
    assertEquals(client.isConnected(SERVER_TEXT), false);
    client.close();
    await server.close();
  }));

Deno.test("a peer's requests on our connection are served by our handlers", () =>
  simWorld(6).run(async (world) => {
    const { server } = startServer(world, [[HELLO, async ({ connection }) => {
      const { remark } = await connection.invoke({ code: 40 }, 1000);
      return { remark };
    }]]);
    const client = startClient(world, { handlers: new Map([[40, () => ({ remark: "notified" })]]) });
    assertEquals((await client.invoke(SERVER_TEXT, { code: HELLO }, 2000)).remark, "notified");
    client.close();
    await server.close();
  }));

Deno.test("an idle connection is closed, and closing the client ends everything", () =>
  simWorld(7).run(async (world) => {
    const { server } = startServer(world, [[HELLO, () => ({})], [NEVER, () => null]]);
    const client = startClient(world, { idleMs: 60_000 });
    await client.invoke(SERVER_TEXT, { code: HELLO }, 1000);
    await world.clock.sleep(66_000);
    assertEquals(client.isConnected(SERVER_TEXT), false);

    const waiting = client.invoke(SERVER_TEXT, { code: NEVER }, 60_000);
    const failed = assertRejects(() => waiting, ConnectionError, "client shutdown");
    await world.until(() => client.isConnected(SERVER_TEXT), "the connection");
    await world.clock.sleep(10);
    client.close();
    await failed;
    await assertRejects(
      () => client.invoke(SERVER_TEXT, { code: HELLO }, 1000),
      ConnectionError,
      "the client is closed",
    );
    await server.close();
  }));
