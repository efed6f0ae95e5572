import { assertEquals } from "@std/assert";
import { type MasterPlace, ToldMasters } from "../../../src/broker/told_masters.ts";

const place = (name: string): MasterPlace => ({ masterAddr: `${name}:10911`, haServerAddr: `${name}:10912` });

Deno.test("what a name server tells again is no news, whatever others told meanwhile", () => {
  const told = new ToldMasters();
  assertEquals(told.isNews("ns1", place("old")), true);
  assertEquals(told.isNews("ns2", place("old")), true);
  assertEquals(told.isNews("ns1", place("new")), true);
  assertEquals(told.isNews("ns2", place("old")), false);
  assertEquals(told.isNews("ns1", place("new")), false);
});

Deno.test("all places that are told are gone through in a circle", () => {
  const told = new ToldMasters();
  assertEquals(told.other(place("a")), null);
  told.isNews("ns1", place("a"));
  assertEquals(told.other(place("a")), null);
  told.isNews("ns2", place("b"));
  told.isNews("ns3", place("a"));
  told.isNews("ns4", place("c"));
  assertEquals(told.other(place("a")), place("b"));
  assertEquals(told.other(place("b")), place("c"));
  assertEquals(told.other(place("c")), place("a"));
  assertEquals(told.other(place("elsewhere")), place("a"));
});
