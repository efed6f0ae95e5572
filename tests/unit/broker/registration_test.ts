import { assert, assertEquals } from "@std/assert";
import { JsonFile } from "../../../src/common/json_file.ts";
import { type BrokerOptions, defaultBrokerOptions } from "../../../src/broker/options.ts";
import { nameServerAddresses, type RegisterResult, Registration } from "../../../src/broker/registration.ts";
import { topicConfig, TopicTable } from "../../../src/broker/topics.ts";
import { decodeRegisterBody } from "../../../src/protocol/bodies/register.ts";
import { encodeKvTable } from "../../../src/protocol/bodies/route.ts";
import { RemotingClient } from "../../../src/remoting/client.ts";
import type { Command, Reply } from "../../../src/remoting/command.ts";
import { RemotingServer } from "../../../src/remoting/server.ts";
import { type SimWorld, simWorld } from "../../support/world.ts";

/** A name server that writes down what it is told. */
function fakeNameServer(world: SimWorld, name: string, answer: (command: Command) => Reply = () => ({})) {
  const process = world.machine(name).boot();
  const { net, clock } = process;
  const requests: Command[] = [];
  const server = new RemotingServer({ net, clock, log: process.logging.logger(name), idleMs: 3_600_000 });
  const handle = ({ command }: { command: Command }) => {
    requests.push(command);
    return answer(command);
  };
  server.listen({ host: "0.0.0.0", port: 9876 }, new Map([103, 104, 322, 904].map((code) => [code, handle])));
  const address = `${world.machine(name).ip}:9876`;
  const of = (code: number) => requests.filter((request) => request.code === code);
  const topicsOf = (request: Command) => [...decodeRegisterBody(request.body, 513).topicConfigTable.keys()];
  return { process, server, requests, address, of, topicsOf };
}

function broker(
  world: SimWorld,
  addresses: readonly string[],
  overrides: Partial<BrokerOptions> = {},
  nameServers: () => readonly string[] = () => addresses,
) {
  const process = world.machine("broker").boot();
  const { net, clock, disk } = process;
  const log = process.logging.logger("broker");
  const options = defaultBrokerOptions({ brokerName: "broker-a", ...overrides });
  const topics = new TopicTable({ clock, log, options, hasTimer: false, file: new JsonFile(disk, "/topics.json") });
  topics.load();
  const client = new RemotingClient({ net, clock, log });
  const results: RegisterResult[] = [];
  let permission = 6;
  const identity = {
    clusterName: "DefaultCluster",
    brokerName: "broker-a",
    brokerId: 0,
    brokerAddr: "10.0.0.9:10911",
    haServerAddr: "10.0.0.9:10912",
  };
  const registration = new Registration({
    client,
    clock,
    log,
    topics,
    options,
    identity: () => identity,
    permission: () => permission,
    nameServers,
    onRegistered: (result) => results.push(result),
  }, addresses);
  const lines = (part: string) => process.records.records.filter((record) => record.text.includes(part)).length;
  const stop = async () => {
    await registration.stop();
    client.close();
  };
  return { registration, topics, client, results, lines, stop, setPermission: (value: number) => permission = value };
}

Deno.test("lists of name servers are read with blanks, empty parts and missing ports", () => {
  assertEquals(nameServerAddresses(" a:1 ;b;;a:1;c:9;"), ["a:1", "b:9876", "c:9"]);
  assertEquals(nameServerAddresses(null), []);
});

Deno.test("a broker registers everywhere at start, every 30 s and at stop", async () => {
  await simWorld(1).run(async (world) => {
    const servers = [fakeNameServer(world, "ns1"), fakeNameServer(world, "ns2")];
    const { registration, topics, stop } = broker(world, servers.map(({ address }) => address));
    await registration.start();
    for (const { requests, topicsOf } of servers) {
      assertEquals(requests.length, 1);
      assertEquals(topicsOf(requests[0]!).sort(), [...topics.topics.keys()].sort());
      const { brokerName, brokerId, clusterName, brokerAddr, haServerAddr, compressed } = requests[0]!.ext;
      assertEquals(
        [brokerName, brokerId, clusterName, brokerAddr, haServerAddr, compressed],
        ["broker-a", "0", "DefaultCluster", "10.0.0.9:10911", "10.0.0.9:10912", "false"],
      );
    }
    await world.clock.sleep(65_000);
    for (const { of } of servers) assertEquals(of(103).length, 3);
    await stop();
    for (const { of, server } of servers) {
      assertEquals(of(104).length, 1);
      await server.close();
    }
  });
});

Deno.test("changes of a turn are one registration of just what changed, a removal is one of everything", async () => {
  await simWorld(2).run(async (world) => {
    const ns = fakeNameServer(world, "ns1");
    const { registration, topics, stop } = broker(world, [ns.address]);
    await registration.start();
    topics.update(topicConfig("A"));
    topics.update(topicConfig("B"));
    await registration.settled(3000);
    assertEquals(ns.of(103).slice(1).map(ns.topicsOf), [["A", "B"]]);
    const { dataVersion } = decodeRegisterBody(ns.of(103)[1]!.body, 513);
    assertEquals(dataVersion, topics.dataVersion);
    topics.delete("A");
    await registration.settled(3000);
    assertEquals(ns.topicsOf(ns.of(103).at(-1)!).length, topics.topics.size);
    await stop();
    await ns.server.close();
  });
});

Deno.test("a name server that is away is told of once and registered with when it is back; others go on", async () => {
  await simWorld(3).run(async (world) => {
    const up = fakeNameServer(world, "ns1");
    const down = fakeNameServer(world, "ns2");
    down.process.kill();
    const { registration, topics, lines, stop } = broker(world, [up.address, down.address]);
    await registration.start();
    assertEquals(up.of(103).length, 1);
    await world.clock.sleep(100_000);
    assertEquals(lines("Failed to register current broker to name server"), 1);
    assertEquals(registration.nameServers.map(({ isRegistered }) => isRegistered), [true, false]);
    const back = fakeNameServer(world, "ns2");
    await world.until(() => back.of(103).length > 0, "the registration with the name server that is back", 10_000);
    assertEquals(back.topicsOf(back.of(103)[0]!).length, topics.topics.size);
    assertEquals(lines(`to name server ${back.address} OK`), 1);
    await stop();
    await up.server.close();
    await back.server.close();
  });
});

Deno.test("everything is registered again after a refusal and on a new connection", async () => {
  await simWorld(4).run(async (world) => {
    let refuses = false;
    const ns = fakeNameServer(world, "ns1", () => refuses ? { code: 1, remark: "register broker failed" } : {});
    const { registration, topics, lines, stop } = broker(world, [ns.address]);
    await registration.start();
    refuses = true;
    topics.update(topicConfig("A"));
    await registration.settled(3000);
    refuses = false;
    await world.until(() => lines("OK") === 2, "the second success", 10_000);
    assertEquals(ns.of(103).map((request) => ns.topicsOf(request).length).slice(1), [1, topics.topics.size]);
    ns.process.kill();
    const restarted = fakeNameServer(world, "ns1");
    await world.clock.sleep(100);
    topics.update(topicConfig("B"));
    await world.until(() => restarted.of(103).length > 0, "the registration with the restarted name server", 10_000);
    assertEquals(restarted.topicsOf(restarted.of(103)[0]!).length, topics.topics.size);
    await stop();
    await restarted.server.close();
  });
});

Deno.test("a name server that is restarted hears of the broker in a moment, one that stays away every few seconds", async () => {
  await simWorld(5).run(async (world) => {
    const ns = fakeNameServer(world, "ns1");
    const { registration, stop } = broker(world, [ns.address]);
    await registration.start();
    ns.process.kill();
    const restarted = fakeNameServer(world, "ns1");
    await world.until(() => restarted.of(103).length > 0, "the registration with the restarted name server", 1500);
    restarted.process.kill();
    await world.clock.sleep(10_000);
    const late = fakeNameServer(world, "ns1");
    await world.until(() => late.of(103).length > 0, "the registration with the late name server", 3500);
    await stop();
    await late.server.close();
  });
});

Deno.test("what a name server answers is handed on: master, order topics", async () => {
  await simWorld(5).run(async (world) => {
    const ns = fakeNameServer(
      world,
      "ns1",
      ({ code }) =>
        code === 103
          ? { ext: { masterAddr: "m:1", haServerAddr: "m:2" }, body: encodeKvTable(new Map([["T", "broker-a:4"]])) }
          : {},
    );
    const { registration, topics, results, stop } = broker(world, [ns.address]);
    topics.createIfAbsent(topicConfig("T"));
    await registration.start();
    assertEquals(topics.get("T")?.order, true);
    const { masterAddr, haServerAddr, orderTopics } = results[0]!;
    assertEquals([masterAddr, haServerAddr, [...orderTopics!]], ["m:1", "m:2", [["T", "broker-a:4"]]]);
    await stop();
    await ns.server.close();
  });
});

Deno.test("brokerPermission is a mask over what is registered", async () => {
  await simWorld(6).run(async (world) => {
    const ns = fakeNameServer(world, "ns1");
    const { registration, setPermission, stop } = broker(world, [ns.address], { compressedRegister: true });
    await registration.start();
    setPermission(4);
    await registration.registerNow();
    const perms = [...decodeRegisterBody(ns.of(103).at(-1)!.body, 513).topicConfigTable.values()].map(({ perm }) =>
      perm
    );
    assert(perms.every((perm) => (perm & 2) === 0) && perms.some((perm) => perm === 4));
    assertEquals(ns.of(103).at(-1)!.ext["compressed"], "true");
    await stop();
    await ns.server.close();
  });
});

Deno.test("without forceRegister a name server that has our version is only asked for it", async () => {
  await simWorld(7).run(async (world) => {
    let changed = "false";
    const ns = fakeNameServer(world, "ns1", ({ code }) => code === 322 ? { ext: { changed } } : {});
    const { registration, stop } = broker(world, [ns.address], { forceRegister: false });
    await registration.start();
    await world.clock.sleep(65_000);
    assertEquals([ns.of(103).length, ns.of(322).length], [1, 2]);
    changed = "true";
    await world.clock.sleep(30_000);
    assertEquals([ns.of(103).length, ns.of(322).length], [2, 3]);
    await stop();
    await ns.server.close();
  });
});

Deno.test("a broker whose slaves may stand in for it sends light heartbeats", async () => {
  for (const [compatibleWithOldNameSrv, code] of [[true, 322], [false, 904]] as const) {
    await simWorld(8).run(async (world) => {
      const ns = fakeNameServer(world, "ns1");
      const options = { enableSlaveActingMaster: true, compatibleWithOldNameSrv };
      const { registration, stop } = broker(world, [ns.address], options);
      await registration.start();
      const { enableActingMaster, heartbeatTimeoutMillis } = ns.of(103)[0]!.ext;
      assertEquals([enableActingMaster, heartbeatTimeoutMillis], ["true", "10000"]);
      await world.clock.sleep(5500);
      assertEquals(ns.of(code).length, 5);
      await stop();
      await ns.server.close();
    });
  }
});

Deno.test("a list that changes in the configuration is followed at the next round", async () => {
  await simWorld(10).run(async (world) => {
    const [a, b] = [fakeNameServer(world, "ns1"), fakeNameServer(world, "ns2")];
    const present = [a.address];
    const { registration, stop } = broker(world, present, {}, () => present);
    await registration.start();
    present.push(b.address);
    await world.clock.sleep(31_000);
    assertEquals([a.of(103).length, b.of(103).length], [2, 1]);
    await stop();
    await a.server.close();
    await b.server.close();
  });
});
