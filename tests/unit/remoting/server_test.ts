/** The server: ports, idle connections, limits and its end, on virtual time. @module */
import { assertEquals, assertThrows } from "@std/assert";
import { ConnectionError } from "../../../src/common/errors.ts";
import { simWorld } from "../../support/world.ts";
import { RawPeer, requestFrame, SERVER, startServer } from "./rig.ts";

const HELLO = 4711;

Deno.test("a connection silent for 120 s is closed, one that speaks or is spoken to is not", () =>
  simWorld(1).run(async (world) => {
    const { server, process } = startServer(world, [[HELLO, () => ({})]]);
    const ended: string[] = [];
    server.onDisconnect((connection) => ended.push(connection.remote.host));
    const silent = await RawPeer.connect(world, "silent");
    const speaking = await RawPeer.connect(world, "speaking");
    const listening = await RawPeer.connect(world, "listening");
    await world.until(() => server.connections.size === 3, "three connections");
    const toListening = [...server.connections].find(({ remote }) => remote.host === listening.socket.local.host)!;

    for (let i = 0; i < 5; i++) {
      await world.clock.sleep(29_000);
      await speaking.send(requestFrame(HELLO, i));
      toListening.oneway({ code: 40 });
      assertEquals((await speaking.receive())?.opaque, i);
    }

    assertEquals(ended, [silent.socket.local.host]);
    assertEquals(await silent.receive(), null);
    assertEquals(server.connections.size, 2);
    const { host, port } = silent.socket.local;
    const lines = process.records.records.map(({ text }) => text);
    assertEquals(lines, [`close the connection to ${host}:${port}: idle for 125 s`]);
    await server.close();
  }));

Deno.test("a large frame, a pause in which buffers are given back, and the connection still works", () =>
  simWorld(2).run(async (world) => {
    const { server } = startServer(world, [[HELLO, () => ({})]]);
    const peer = await RawPeer.connect(world);
    const large = new Uint8Array(300_000);
    large.set(requestFrame(HELLO, 1));
    new DataView(large.buffer).setInt32(0, large.length - 4); // the rest is body
    for (let i = 0; i < 3; i++) {
      await peer.send(large);
      assertEquals((await peer.receive())?.opaque, 1);
      await world.clock.sleep(40_000);
    }
    assertEquals(server.connections.size, 1);
    await server.close();
  }));

Deno.test("two ports serve the same connections' set, each with its own table", () =>
  simWorld(3).run(async (world) => {
    const { server } = startServer(world, [[HELLO, () => ({ remark: "main" })], [11, () => ({ remark: "pull" })]]);
    const vip = server.listen(
      { host: "0.0.0.0", port: SERVER.port - 2 },
      new Map([[HELLO, () => ({ remark: "vip" })]]),
    );
    const onMain = await RawPeer.connect(world);
    const onVip = await RawPeer.connect(world, "client", vip.port);
    const ask = async (peer: RawPeer, code: number) => {
      await peer.send(requestFrame(code, 1));
      return (await peer.receive())?.remark;
    };

    assertEquals([await ask(onMain, HELLO), await ask(onMain, 11)], ["main", "pull"]);
    assertEquals(await ask(onVip, HELLO), "vip");
    assertEquals(await ask(onVip, 11), " request type 11 not supported (PULL_MESSAGE)");
    assertEquals([vip.port, server.connections.size], [10909, 2]);
    await server.close();
  }));

Deno.test("a taken port is an error that names it", () =>
  simWorld(4).run(async (world) => {
    const { server } = startServer(world, []);
    assertThrows(() => server.listen(SERVER, new Map()), ConnectionError, "10.0.0.1:10911");
    await server.close();
  }));

Deno.test("more connections than the limit are refused with a log line", () =>
  simWorld(5).run(async (world) => {
    const { server, process } = startServer(world, [], { connectionsMax: 2 });
    await RawPeer.connect(world, "a");
    await RawPeer.connect(world, "b");
    const third = await RawPeer.connect(world, "c");

    assertEquals(await third.receive(), null);
    const { host, port } = third.socket.local;
    assertEquals(process.records.records.map(({ text }) => text), [
      `refuse the connection from ${host}:${port}: 2 are open`,
    ]);
    await server.close();
  }));

Deno.test("closing lets answers get through, then ends the connections and the timers", () =>
  simWorld(6).run(async (world) => {
    const { server } = startServer(world, [[HELLO, () => ({ body: new Uint8Array(1_000_000) })]]);
    const peer = await RawPeer.connect(world);
    await peer.send(requestFrame(HELLO, 1));
    await world.until(
      () => [...server.connections].some(({ outbox }) => outbox.pendingBytes > 0),
      "an answer under way",
    );

    const closing = server.close(10_000);
    assertEquals((await peer.receive())?.body.length, 1_000_000);
    assertEquals(await peer.receive(), null);
    await closing;
    assertEquals([server.connections.size, world.clock.monotonicMs() < 5000], [0, true]);
  }));

Deno.test("closing waits for a peer that does not read no longer than it was told", () =>
  simWorld(7).run(async (world) => {
    const { server } = startServer(world, [[HELLO, () => ({ body: new Uint8Array(1_000_000) })]]);
    const peer = await RawPeer.connect(world);
    await peer.send(requestFrame(HELLO, 1));
    await world.until(
      () => [...server.connections].some(({ outbox }) => outbox.pendingBytes > 0),
      "an answer under way",
    );

    const startMs = world.clock.monotonicMs();
    await server.close(2000);
    assertEquals([server.connections.size, Math.round(world.clock.monotonicMs() - startMs)], [0, 2000]);
  }));
