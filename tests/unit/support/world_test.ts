/** A simulated world runs programs, kills them and notices when nothing can happen. @module */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { utf8, utf8Text } from "../../../src/common/bytes.ts";
import { readWhole } from "../../../src/common/disk.ts";
import { ConnectionError } from "../../../src/common/errors.ts";
import type { Socket } from "../../../src/common/net.ts";
import { type SimProcess, simWorld } from "../../support/world.ts";

const PORT = 10911;

/** A program: keeps what it is sent in a file, syncs it and answers with the size. */
async function serve({ net, disk, logging }: SimProcess): Promise<void> {
  disk.makeDirectory("/data");
  disk.syncDirectory("/");
  const file = disk.open("/data/log", { create: true });
  disk.syncDirectory("/data");
  const listener = net.listen({ host: "0.0.0.0", port: PORT });
  logging.logger("broker").info("listening");
  const talk = async (socket: Socket) => {
    const into = new Uint8Array(100);
    for (let count = await socket.read(into); count !== null; count = await socket.read(into)) {
      file.write(into.subarray(0, count), file.size());
      await file.sync();
      await socket.write(new Uint8Array([file.size()]));
    }
    socket.close();
  };
  for (let socket = await listener.accept(); socket !== null; socket = await listener.accept()) {
    talk(socket).catch((error) => logging.logger("broker").warn("connection lost", error));
  }
}

async function ask(socket: Socket, text: string): Promise<number | null> {
  await socket.write(utf8(text));
  const into = new Uint8Array(1);
  return await socket.read(into) === null ? null : into[0]!;
}

Deno.test("programs talk over the network and survive a power loss on virtual time", async () => {
  const world = simWorld(1, { disk: { latencyMs: 4 }, net: { splitRate: 0 } });

  await world.run(async () => {
    const machine = world.machine("broker-a");
    serve(machine.boot());
    const client = world.machine("client").boot();
    const socket = await client.net.connect({ host: machine.ip, port: PORT }, 3000);
    assertEquals(await ask(socket, "one"), 3);
    const answer = ask(socket, "lost");
    await world.clock.sleep(1);

    machine.powerOff();
    assertEquals(await Promise.race([answer, client.clock.sleep(60_000)]), undefined);
    machine.powerOn();
    assertEquals(utf8Text(readWhole(machine.disk, "/data/log")!), "one");
    serve(machine.boot());
    const again = await client.net.connect({ host: "broker-a", port: PORT }, 3000);
    assertEquals(await ask(again, "two"), 6);
  });

  assert(world.clock.monotonicMs() > 60_000);
  assertEquals(world.logLines.length, 2);
  assert(world.logLines[0]!.includes("[broker-a]") && world.logLines[0]!.endsWith("listening"), world.logLines[0]);
});

Deno.test("a killed process runs no timer, keeps its files and ends its connections", async () => {
  const world = simWorld(1);

  await world.run(async () => {
    const machine = world.machine("broker-a");
    const broker = machine.boot();
    serve(broker);
    let ticks = 0;
    broker.clock.every(1, () => ticks++);
    const client = world.machine("client").boot();
    const socket = await client.net.connect({ host: machine.ip, port: PORT }, 3000);
    await ask(socket, "x");
    await world.until(() => ticks >= 5, "five ticks");

    broker.kill();
    const ticksAtDeath = ticks;

    assertEquals(await socket.read(new Uint8Array(1)), null);
    await client.clock.sleep(100);
    assertEquals(ticks, ticksAtDeath);
    await assertRejects(() => client.net.connect({ host: machine.ip, port: PORT }, 3000), ConnectionError, "refused");
    assertEquals(utf8Text(readWhole(machine.disk, "/data/log")!), "x");
  });

  assertEquals(world.clock.nextTimerMs, null);
});

Deno.test("the same seed gives the same run, another seed another", async () => {
  const record = async (seed: number) => {
    const world = simWorld(seed, { net: { jitterMs: 5, splitRate: 0.5 } });
    return await world.run(async () => {
      serve(world.machine("broker-a").boot());
      const client = world.machine("client").boot();
      const socket = await client.net.connect({ host: "broker-a", port: PORT }, 3000);
      const events: unknown[] = [];
      for (let i = 0; i < 5; i++) events.push(await ask(socket, "some bytes"), client.clock.monotonicMs());
      return events;
    });
  };

  assertEquals(await record(3), await record(3));
  assert(JSON.stringify(await record(3)) !== JSON.stringify(await record(4)));
});

/** Runs `body` with what it prints to stderr collected. */
async function captureErrors(body: () => Promise<void>): Promise<string> {
  const original = console.error;
  let printed = "";
  console.error = (text: string) => printed += text;
  try {
    await body();
  } finally {
    console.error = original;
  }
  return printed;
}

Deno.test("a deadlock, a test without end and a failure are told with the seed", async () => {
  const printed = await captureErrors(async () => {
    await assertRejects(() => simWorld(77).run(() => new Promise(() => {})), Error, "Deadlock");
    await assertRejects(
      () =>
        simWorld(78, { limitMs: 1000 }).run((world) => {
          world.clock.every(10, () => {});
          return new Promise(() => {});
        }),
      Error,
      "did not finish by 1000 ms; 1 timers",
    );
    await assertRejects(() => simWorld(79).run(() => Promise.reject(new Error("wrong"))), Error, "wrong");
    await assertRejects(
      () =>
        simWorld(80).run((world) => {
          world.clock.after(5, () => {
            throw new Error("uncaught");
          });
          return world.clock.sleep(10);
        }),
      Error,
      "uncaught",
    );
    await assertRejects(
      () => simWorld(81).run((world) => world.until(() => false, "nothing", 50)),
      Error,
      "for nothing",
    );
  });

  for (const seed of [77, 78, 79, 80, 81]) assert(printed.includes(`seed ${seed}`), printed);
  assert(printed.includes("failed at 5 ms, seed 80"), printed);
});

Deno.test("real asynchronous work that nobody tracked is waited for", async () => {
  const size = await simWorld(1).run(async () => (await crypto.subtle.digest("SHA-256", utf8("x").slice())).byteLength);

  assertEquals(size, 32);
});
