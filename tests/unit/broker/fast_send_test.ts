import { assertEquals, assertLessOrEqual } from "@std/assert";
import { EMPTY, utf8 } from "../../../src/common/bytes.ts";
import { Interner } from "../../../src/common/intern.ts";
import { FastSend, type FastSendParts } from "../../../src/broker/fast_send.ts";
import type { PendingSend } from "../../../src/broker/send_reply.ts";
import type { Connection } from "../../../src/remoting/connection.ts";
import { FrameReader } from "../../../src/remoting/frame.ts";
import { type AppendMessage, type AppendResult, PutStatus, type Waiter } from "../../../src/store/store.ts";
import { encodeOddly } from "../../support/odd_frames.ts";
import { feed } from "../remoting/golden_frames.ts";

/** A fast path on a store that takes everything and a writer that only notes what it is given. */
function world(batchCount: number) {
  const waiting: Waiter[] = [];
  const written: { send: PendingSend; count: number; offsets: number[] }[] = [];
  const store = {
    append: (_message: AppendMessage, out: AppendResult) => {
      Object.assign(out, { physicalOffset: 7, count: 1 });
      return PutStatus.PUT_OK;
    },
    appendBatch: (_message: AppendMessage, out: AppendResult) => {
      for (let i = 0; i < batchCount; i++) out.batchOffsets[i] = 1000 + i;
      out.count = batchCount;
      return PutStatus.PUT_OK;
    },
    whenSafe: (_end: number, _waits: boolean, waiter: Waiter) => void waiting.push(waiter),
  };
  const fast = new FastSend({
    store,
    topics: { get: () => ({ queueNums: 1 }) },
    stats: { countPut: () => {} },
    names: new Interner(),
    reply: {
      write: (send: PendingSend) =>
        void written.push({ send, count: send.count, offsets: send.offsets.slice(0, send.count) }),
    },
    propertiesSuffix: EMPTY,
    refused: () => {},
  } as unknown as FastSendParts);
  const connection = { remote: { host: "10.0.0.1", port: 1 } } as Connection;
  const send = (properties: string, code: number) => {
    const fields = [...Object.entries({ a: "PG", b: "T", c: "TBW102", d: "4", e: "0", f: "0", g: "1", h: "0" })];
    const reader = new FrameReader();
    const encoding = { code, isBinary: true, opaque: 1, flag: 0, body: utf8("x") };
    feed(reader, encodeOddly([...fields, ["i", properties]], encoding));
    assertEquals(reader.next(), true);
    const handler = code === 320 ? fast.batch : fast.one;
    assertEquals(handler(reader, connection), true);
  };
  const settle = () => waiting.shift()!.settle(PutStatus.PUT_OK);
  return { send, settle, written };
}

Deno.test("a send that waits to be used again holds neither its connection nor the offsets of a large batch", () => {
  const { send, settle, written } = world(100_000);

  send("", 320);
  settle();

  const [{ send: released, count } = { send: null, count: 0 }] = written;
  assertEquals(count, 100_000);
  assertEquals(released?.connection, null);
  assertLessOrEqual(released!.offsets.length, 256);
});

Deno.test("a send that is used again tells where its own message lies, and nothing of the batch before", () => {
  const { send, settle, written } = world(3);

  send("", 320);
  settle();
  send("UNIQ_KEY\x01k\x02", 310);
  settle();

  assertEquals(written[0]?.send, written[1]?.send);
  assertEquals(written.map(({ offsets }) => offsets), [[1000, 1001, 1002], [7]]);
});
