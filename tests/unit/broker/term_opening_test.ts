import { assertEquals, assertRejects } from "@std/assert";
import { TermOpening } from "../../../src/broker/term_opening.ts";
import { SimClock } from "../../../src/common/clock_sim.ts";
import { RequestCode } from "../../../src/protocol/codes.ts";
import { ResponseError } from "../../../src/protocol/response_error.ts";
import { OK, type Reply } from "../../../src/remoting/command.ts";
import type { Frame } from "../../../src/remoting/frame.ts";
import type { Connection } from "../../../src/remoting/connection.ts";
import type { Request } from "../../../src/remoting/handler.ts";

function opening() {
  const clock = new SimClock();
  const term = new TermOpening(clock);
  const served: number[] = [];
  const codes = [RequestCode.PULL_MESSAGE, RequestCode.SEND_MESSAGE, RequestCode.EXCHANGE_BROKER_HA_INFO];
  const handlers = term.hold(new Map(codes.map((code) => [code, () => (served.push(code), OK)])));
  const ask = async (code: number): Promise<Reply | null> => await handlers.get(code)!({} as Request);
  return { clock, term, served, ask };
}

Deno.test("before its term is open a leader serves its replicas, and has clients wait", async () => {
  const { term, served, ask } = opening();
  const waiting = [ask(RequestCode.PULL_MESSAGE), ask(RequestCode.SEND_MESSAGE)];
  await ask(RequestCode.EXCHANGE_BROKER_HA_INFO);
  assertEquals(served, [RequestCode.EXCHANGE_BROKER_HA_INFO]);
  term.open();
  assertEquals(await Promise.all(waiting), [OK, OK]);
  await ask(RequestCode.PULL_MESSAGE);
  assertEquals(served.slice(1), [RequestCode.PULL_MESSAGE, RequestCode.SEND_MESSAGE, RequestCode.PULL_MESSAGE]);
});

Deno.test("whoever has waited for too long is told to try again, and is not served afterwards", async () => {
  const { clock, term, served, ask } = opening();
  const refused = assertRejects(() => ask(RequestCode.SEND_MESSAGE), ResponseError, "has just been elected");
  await clock.advance(2000);
  await refused;
  term.open();
  await clock.advance(10);
  assertEquals(served, []);
});

Deno.test("before the term is open nothing is served by the fast handlers", () => {
  const { term } = opening();
  const fast = term.holdFast(new Map([[RequestCode.SEND_MESSAGE_V2, () => true]])).get(RequestCode.SEND_MESSAGE_V2)!;
  const call = () => fast({} as Frame, {} as Connection);
  assertEquals(call(), false);
  term.open();
  assertEquals(call(), true);
});
