/**
 * Ports for servers that are about to start.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { freeBrokerPort, freePort, usePorts } from "../../../scripts/interop/ports.ts";

Deno.test("ports of servers that do not listen yet are not given again, whatever belongs to them", () => {
  // Room for little more than the three servers of a check.
  usePorts("27500-27550");
  for (let round = 0; round < 50; round++) {
    const [master, slave] = [freeBrokerPort(), freeBrokerPort()];
    const all = [master, slave].flatMap((port) => [port - 2, port, port + 1]).concat(freePort());
    assertEquals(new Set(all).size, all.length, all.join(" "));
  }
  usePorts("20000-32000");
});
