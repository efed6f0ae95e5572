import { assertEquals, assertRejects } from "@std/assert";
import { TableAnswers } from "../../../src/broker/table_answers.ts";
import { utf8Text } from "../../../src/common/bytes.ts";
import { command, type Reply } from "../../../src/remoting/command.ts";
import type { Connection } from "../../../src/remoting/connection.ts";
import type { Request } from "../../../src/remoting/handler.ts";
import { BusyClock } from "../../support/busy_clock.ts";

/** Tables, and connections that note what they are answered. */
function world() {
  const clock = new BusyClock();
  const answered: string[] = [];
  const connect = (name: string) => {
    const connection = {
      closed: false,
      outbox: { pendingBytes: 0 },
      answer: (_request: unknown, { body }: Reply) => {
        if (!connection.closed) answered.push(`${name}: ${utf8Text(body!).length}`);
      },
    };
    const request = { command: command({ code: 21 }), connection: connection as unknown as Connection } as Request;
    return { connection, request };
  };
  return { clock, answered, tables: new TableAnswers(clock), connect };
}

/** How many pieces were asked for, and the pieces. */
function counted(count: number) {
  const made = { pieces: 0 };
  const pieces = function* () {
    for (; made.pieces < count; made.pieces++) yield "x";
  };
  return { made, pieces };
}

Deno.test("a large table is made in slices, and the next one when it is answered, whoever asks", async () => {
  const { clock, answered, tables, connect } = world();
  const [first, second] = [counted(500), counted(500)];

  const done = [tables.answer(connect("a").request, first.pieces), tables.answer(connect("b").request, second.pieces)];
  await clock.advance(1);
  const early = [first.made.pieces > 0 && first.made.pieces < 200, second.made.pieces, answered.length];
  await clock.advance(1000);

  assertEquals(early, [true, 0, 0]);
  assertEquals(answered, ["a: 500", "b: 500"]);
  assertEquals(await Promise.all(done), [null, null]);
});

Deno.test("a table is made no further for a connection that has ended, and others get theirs", async () => {
  const { clock, answered, tables, connect } = world();
  const [gone, other] = [connect("gone"), connect("other")];
  const table = counted(500);

  tables.answer(gone.request, table.pieces);
  tables.answer(other.request, () => ["{}"]);
  await clock.advance(1);
  gone.connection.closed = true;
  await clock.advance(1000);

  assertEquals(answered, ["other: 2"]);
  assertEquals(table.made.pieces < 200, true);
});

Deno.test("a table that cannot be made is an error of its request alone", async () => {
  const { tables, connect, answered } = world();

  const failed = tables.answer(connect("a").request, () => {
    throw new Error("no table");
  });
  const next = tables.answer(connect("b").request, () => ["{}"]);

  await assertRejects(() => failed, Error, "no table");
  await next;
  assertEquals(answered, ["b: 2"]);
});
