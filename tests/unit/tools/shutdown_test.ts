/**
 * Ending servers through files, on a simulated disk and on the machine's.
 * @module
 */
import { assertEquals } from "@std/assert";
import { DenoDisk } from "../../../src/common/disk_deno.ts";
import { announceRun, type RunDirectory, runningServers } from "../../../src/common/run_file.ts";
import { runShutdown } from "../../../src/tools/shutdown.ts";
import { simWorld } from "../../support/world.ts";

function shutdown(directory: RunDirectory, ...args: string[]): { code: number; text: string } {
  let text = "";
  const code = runShutdown(args, { write: (part) => void (text += part) }, directory);
  return { code, text };
}

Deno.test("A server that is asked to end hears of it, and leaves nothing behind", async () => {
  const sim = simWorld(1);
  await sim.run(async () => {
    const { clock, disk } = sim.machine("host").boot();
    const directory = { disk, path: "/home/.rucola/run" };
    let stopped = 0;
    using _run = announceRun(directory, { role: "broker", pid: 42, clock, onStop: () => stopped++ });
    assertEquals(shutdown(directory, "namesrv"), { code: 1, text: "No mqnamesrv running.\n" });
    assertEquals(shutdown(directory, "broker"), {
      code: 0,
      text: "The mqbroker(42) is running...\nSend shutdown request to mqbroker(42) OK\n",
    });
    await sim.until(() => stopped > 0, "the request");
    await clock.sleep(1000);
    assertEquals([stopped, disk.list(directory.path)], [1, []]);
    assertEquals(shutdown(directory, "broker"), { code: 1, text: "No mqbroker running.\n" });
  });
});

Deno.test("Several servers are all asked", async () => {
  const sim = simWorld(2);
  await sim.run(async () => {
    const { clock, disk } = sim.machine("host").boot();
    const directory = { disk, path: "/run" };
    const stopped: number[] = [];
    for (const pid of [7, 8]) announceRun(directory, { role: "namesrv", pid, clock, onStop: () => stopped.push(pid) });
    assertEquals(shutdown(directory, "namesrv").text.split("\n")[0], "The mqnamesrv(7 8) is running...");
    await sim.until(() => stopped.length === 2, "both requests");
  });
});

Deno.test("The file of a killed process, and a request that it never saw, are removed", async () => {
  const directory = { disk: new DenoDisk(), path: await Deno.makeTempDir() };
  try {
    await Deno.writeTextFile(`${directory.path}/broker-99.run`, "");
    await Deno.writeTextFile(`${directory.path}/broker-99.stop`, "");
    assertEquals(runningServers(directory, "broker"), []);
    assertEquals(directory.disk.list(directory.path), []);
  } finally {
    await Deno.remove(directory.path, { recursive: true });
  }
});

Deno.test("Anything else than the two roles prints the usage", () => {
  const sim = simWorld(3);
  const { disk } = sim.machine("host").boot();
  assertEquals(shutdown({ disk, path: "/run" }), { code: 1, text: "Usage: mqshutdown broker | namesrv\n" });
  assertEquals(shutdown({ disk, path: "/run" }, "proxy"), { code: 1, text: "No mqproxy running.\n" });
});
