/** A connection's behaviour towards peers that behave and peers that do not, on a simulated network. @module */
import { assert, assertEquals, assertLess, assertRejects, assertThrows } from "@std/assert";
import { concatBytes, utf8 } from "../../../src/common/bytes.ts";
import { SimClock } from "../../../src/common/clock_sim.ts";
import { ConnectionError } from "../../../src/common/errors.ts";
import { SILENT_LOG } from "../../../src/common/log.ts";
import type { Socket } from "../../../src/common/net.ts";
import { ResponseError } from "../../../src/protocol/response_error.ts";
import { command, FLAG_ONEWAY, FLAG_RESPONSE, SERIALIZE_ROCKETMQ } from "../../../src/remoting/command.ts";
import { Connection, DEFAULT_LIMITS } from "../../../src/remoting/connection.ts";
import { encodeFrame } from "../../../src/remoting/frame.ts";
import { simWorld } from "../../support/world.ts";
import { RawPeer, requestFrame, startServer } from "./rig.ts";

const HELLO = 4711;

Deno.test("a malformed frame closes its connection with one log line, and nobody else notices", () =>
  simWorld(1).run(async (world) => {
    const { server, process } = startServer(world, [[HELLO, () => ({ remark: "hello" })]]);
    const good = await RawPeer.connect(world, "good");
    const bad = await RawPeer.connect(world, "bad");
    const badAddress = `${bad.socket.local.host}:${bad.socket.local.port}`;

    await bad.send(concatBytes([requestFrame(HELLO, 1), utf8("GET / HTTP/1.1\r\n\r\n")]));
    assertEquals((await bad.receive().catch(() => null))?.remark ?? null, null);
    await world.until(() => server.connections.size === 1, "the end of the bad connection");
    await good.send(requestFrame(HELLO, 2));

    assertEquals((await good.receive())?.remark, "hello");
    assertEquals(process.records.records.map(({ level, text }) => `${level} ${text}`), [
      `WARN close the connection to ${badAddress}, malformed frame: frame length 1195725856 is not between 4 and ` +
      "16777212: an HTTP request, and this port speaks remoting",
    ]);
    await server.close();
  }));

Deno.test("an unknown request code is answered with code 3 and a remark that names it; one-way with silence", () =>
  simWorld(2).run(async (world) => {
    const { server } = startServer(world, [[HELLO, () => ({})]]);
    const peer = await RawPeer.connect(world);

    await peer.send(requestFrame(9999, 1));
    await peer.send(requestFrame(9999, 2, FLAG_ONEWAY));
    await peer.send(requestFrame(310, 3));

    const answers = [await peer.receive(), await peer.receive()];
    assertEquals(answers.map((answer) => [answer?.code, answer?.opaque, answer?.flag, answer?.remark]), [
      [3, 1, FLAG_RESPONSE, " request type 9999 not supported"],
      [3, 3, FLAG_RESPONSE, " request type 310 not supported (SEND_MESSAGE_V2)"],
    ]);
    await server.close();
  }));

Deno.test("an answer comes in the encoding of its request", () =>
  simWorld(3).run(async (world) => {
    const { server } = startServer(world, [[HELLO, () => ({ ext: { a: "b" }, body: utf8("body") })]]);
    const peer = await RawPeer.connect(world);
    const binary = encodeFrame(command({ code: HELLO, opaque: -5 }), new Uint8Array(0), SERIALIZE_ROCKETMQ);

    await peer.send(concatBytes([binary, requestFrame(HELLO, 6)]));

    const answers = [await peer.receive(), await peer.receive()];
    assertEquals(answers.map((answer) => [answer?.serialize, answer?.opaque, answer?.ext.a]), [[1, -5, "b"], [
      0,
      6,
      "b",
    ]]);
    assertEquals(answers[0]?.body, utf8("body"));
    await server.close();
  }));

Deno.test("errors of handlers become responses: refusals as they are, anything else SYSTEM_ERROR and a log line", () =>
  simWorld(4).run(async (world) => {
    const refuse = () => {
      throw new ResponseError(16, "no permission");
    };
    const { server, process } = startServer(world, [
      [1, refuse],
      [2, () => Promise.resolve().then(refuse)],
      [3, () => {
        throw new TypeError("oops");
      }],
      [4, () => Promise.reject(new TypeError("later"))],
      [5, () => null],
      [6, () => Promise.resolve({ code: 6 })],
    ]);
    const peer = await RawPeer.connect(world);

    for (let code = 1; code <= 6; code++) await peer.send(requestFrame(code, code));
    await peer.send(requestFrame(3, 33, FLAG_ONEWAY));
    const answers = new Map<number | undefined, string>();
    for (let i = 0; i < 5; i++) {
      const answer = await peer.receive();
      answers.set(answer?.opaque, `${answer?.code} ${answer?.remark}`);
    }

    assertEquals([...answers].sort(([a], [b]) => a! - b!), [
      [1, "16 no permission"],
      [2, "16 no permission"],
      [3, "1 oops"],
      [4, "1 later"],
      [6, "6 null"],
    ]);
    const errors = process.records.records.filter(({ level }) => level === "ERROR");
    assertEquals(errors.length, 3);
    assert(errors[0]?.text.includes("failed: TypeError: oops"));
    await server.close();
  }));

Deno.test("a response that nobody waits for is ignored", () =>
  simWorld(5).run(async (world) => {
    const { server } = startServer(world, [[HELLO, () => ({ code: 0 })]]);
    const peer = await RawPeer.connect(world);

    await peer.send(requestFrame(HELLO, 1, FLAG_RESPONSE));
    await peer.send(requestFrame(HELLO, 2));

    assertEquals((await peer.receive())?.opaque, 2);
    await server.close();
  }));

Deno.test("requests go both ways on one connection, with opaques of their own", () =>
  simWorld(6).run(async (world) => {
    const asked: Promise<string | null>[] = [];
    const { server } = startServer(world, [[HELLO, ({ connection }) => {
      asked.push(connection.invoke({ code: 40, ext: { group: "g" } }, 1000).then(({ remark }) => remark));
      connection.oneway({ code: 41 });
      return { remark: "mine" };
    }]]);
    const peer = await RawPeer.connect(world);
    await peer.send(requestFrame(HELLO, 1));

    const frames = [await peer.receive(), await peer.receive(), await peer.receive()];
    const request = frames.find((frame) => frame?.code === 40)!;
    await peer.send(encodeFrame({ ...request, flag: FLAG_RESPONSE, remark: "yours" }, new Uint8Array(0), 0));

    assertEquals(frames.find((frame) => frame?.code === 41)?.flag, FLAG_ONEWAY);
    assertEquals(frames.find((frame) => frame?.flag === FLAG_RESPONSE)?.remark, "mine");
    assertEquals(await asked[0], "yours");
    await server.close();
  }));

Deno.test("a fast handler takes what it wants and leaves the rest to the general one; its exception closes", () =>
  simWorld(7).run(async (world) => {
    let fastCalls = 0;
    const { server, process } = startServer(world, [[HELLO, () => ({ remark: "general" })]], {
      fast: new Map([
        [HELLO, () => ++fastCalls > 1000],
        [9, () => {
          throw new RangeError("bug");
        }],
      ]),
    });
    const peer = await RawPeer.connect(world);
    await peer.send(requestFrame(HELLO, 1));
    assertEquals([(await peer.receive())?.remark, fastCalls], ["general", 1]);

    await peer.send(requestFrame(9, 2));
    assertEquals(await peer.receive().catch(() => null), null);
    assert(process.records.records.some(({ level, text }) => level === "ERROR" && text.includes("bug")));
    await server.close();
  }));

Deno.test("nothing is read or served while too much waits to be written, also within one read", () =>
  simWorld(8).run(async (world) => {
    let served = 0;
    const body = new Uint8Array(20_000);
    const { server } = startServer(world, [[HELLO, () => {
      served++;
      return { body };
    }]], { outboxBytesMax: 100_000 });
    const peer = await RawPeer.connect(world);
    const count = 100;
    const sending = peer.send(concatBytes(Array.from({ length: count }, (_, i) => requestFrame(HELLO, i))));

    await world.clock.sleep(5000); // the peer does not read
    assertLess(served, 30);

    for (let i = 0; i < count; i++) {
      const answer = await peer.receive();
      assertEquals([answer?.opaque, answer?.body.length], [i, body.length]);
    }
    await sending;
    assertEquals(served, count);
    await server.close();
  }));

Deno.test("a large answer is on its way when the next request is served, small ones when the turn ends", async () => {
  const incoming = concatBytes([1, 2, 3].map((opaque) => requestFrame(HELLO, opaque)));
  const written: number[] = [];
  const turn: (() => void)[] = [];
  let isRead = false;
  const socket: Socket = {
    local: { host: "10.0.0.1", port: 1 },
    remote: { host: "10.0.0.2", port: 2 },
    read: (into) => {
      if (isRead) return new Promise(() => {});
      isRead = true;
      into.set(incoming);
      return Promise.resolve(incoming.length);
    },
    write: (bytes) => {
      written.push(bytes.length);
      return Promise.resolve(bytes.length);
    },
    close: () => {},
  };
  const writtenWhenServed: number[] = [];
  const connection = new Connection(socket, {
    net: { atEndOfTurn: (fn) => void turn.push(fn) },
    clock: new SimClock(),
    log: SILENT_LOG,
    handlers: new Map([[HELLO, ({ command: { opaque } }) => {
      writtenWhenServed.push(written.length);
      return opaque === 2 ? { body: new Uint8Array(5000) } : {};
    }]]),
    fastHandlers: new Map(),
    limits: DEFAULT_LIMITS,
  });

  void connection.run();
  for (let i = 0; i < 10; i++) await Promise.resolve();

  assertEquals(writtenWhenServed, [0, 0, 1]);
  connection.close("the test is over");
});

Deno.test("the end of the connection fails what waits and what comes later", () =>
  simWorld(9).run(async (world) => {
    const { server } = startServer(world, []);
    const peer = await RawPeer.connect(world);
    await world.until(() => server.connections.size === 1, "the connection");
    const [connection] = [...server.connections];
    const waiting = connection!.invoke({ code: 40 }, 60_000);
    const failed = assertRejects(() => waiting, ConnectionError, "closed by the peer");
    const closed: unknown[] = [];
    connection!.onClose((it) => closed.push(it));
    await peer.receive();
    peer.socket.close();
    await failed;

    await assertRejects(() => connection!.invoke({ code: 40 }, 10), ConnectionError, "closed by the peer");
    assertThrows(() => connection!.oneway({ code: 40 }), ConnectionError);
    connection!.answer(command({ code: 1 }), {});
    connection!.onClose((it) => closed.push(it));
    assertEquals(closed, [connection, connection]);
    await server.close();
  }));
