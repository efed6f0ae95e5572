import { assert, assertEquals, assertMatch } from "@std/assert";
import { removeTree } from "../../src/common/disk.ts";
import { simWorld } from "../support/world.ts";
import { ClusterWorld, readTopic } from "./cluster_world.ts";

Deno.test("a broker whose tables were lost says what follows, and its topics can be read again", async () => {
  await simWorld(5).run(async (world) => {
    const cluster = new ClusterWorld(world);
    await cluster.startNameServers();
    let broker = await cluster.startBroker("broker-a", {});
    await using app = cluster.client("app");
    const producer = app.producer({ group: "PG" });
    await producer.start();
    for (let n = 0; n < 20; n++) await producer.send({ topic: "Orders", body: `${n}` });
    await broker.stop();
    const root = "/store";
    for (const name of ["topics", "subscriptionGroup", "consumerOffset"]) {
      assert(
        broker.process.disk.stat(`${root}/config/${name}.json`) !== null,
        `${name}.json is written though nothing came for it`,
      );
    }
    removeTree(broker.process.disk, `${root}/config`);
    broker = await cluster.startBroker("broker-a", {});
    const told = broker.process.records.records.map(({ text }) => text).filter((text) =>
      text.includes("is missing though")
    );
    assertEquals(told.length, 3, told.join("\n"));
    assertMatch(told.join("\n"), /consumerOffset\.json.*consumers begin where their consumeFromWhere says/);
    assertEquals((await readTopic(app, "Orders")).length, 20);
    await broker.stop();
  });
});
