import { assertEquals } from "@std/assert";
import { tellOfNameServers } from "../../../src/broker/name_server_warnings.ts";
import { SimClock } from "../../../src/common/clock_sim.ts";

const SETTING = "b.properties:5: namesrvAddr=a:1;b:2;c:3;d:4";
const link = (address: string, isRegistered: boolean, failure: string | null = null) => ({
  address,
  isRegistered,
  failure,
});

Deno.test("a name server that is away is told at once; one that is being asked later, with what it came to", async () => {
  const clock = new SimClock();
  const told: string[] = [];
  let nameServers = [link("a:1", true), link("b:2", false, "refused"), link("c:3", false), link("d:4", false)];
  using _told = tellOfNameServers({
    clock,
    nameServers: () => nameServers,
    setting: SETTING,
    warn: (text) => told.push(text),
  });
  assertEquals(told, [`${SETTING}: not registered with b:2 yet, trying on: refused`]);
  nameServers = [link("a:1", true), link("b:2", false, "refused"), link("c:3", true), link("d:4", false)];
  await clock.advance(10_000);
  assertEquals(told.slice(1), [`${SETTING}: not registered with d:4 yet, trying on: it has not answered yet`]);
});

Deno.test("nothing is told of name servers that know the broker by then, nor after its end", async () => {
  const clock = new SimClock();
  const told: string[] = [];
  let registered = false;
  const facts = {
    clock,
    nameServers: () => [link("a:1", registered)],
    setting: SETTING,
    warn: (text: string) => told.push(text),
  };
  using _first = tellOfNameServers(facts);
  tellOfNameServers(facts)[Symbol.dispose]();
  registered = true;
  await clock.advance(10_000);
  assertEquals(told, []);
});
