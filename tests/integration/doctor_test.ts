/**
 * `rucola doctor` against clusters with one thing wrong in each, on virtual time.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Broker } from "../../src/broker/broker.ts";
import { testBrokerConfiguration } from "../support/broker_configuration.ts";
import { createEnvironment } from "../../src/common/environment.ts";
import { runDoctor } from "../../src/tools/doctor/command.ts";
import type { Finding } from "../../src/tools/doctor/finding.ts";
import { type SimWorld, simWorld } from "../support/world.ts";
import { startCluster } from "./client_cluster.ts";

/** Starts a broker on a machine of its own. */
async function startBroker(world: SimWorld, machineName: string, overrides: Record<string, string>): Promise<Broker> {
  const machine = world.machine(machineName);
  const { net, clock, disk, random, logging } = machine.boot();
  const broker = new Broker({
    net,
    clock,
    disk,
    random,
    configuration: testBrokerConfiguration(disk, {
      brokerIP1: machine.ip,
      brokerIP2: machine.ip,
      storePathRootDir: "/store",
      mappedFileSizeCommitLog: String(16 * 1024 * 1024),
      ...overrides,
    }),
    log: (name) => logging.logger(name),
  });
  await broker.start();
  return broker;
}

/** Runs the doctor on a machine where clients run. */
async function examine(world: SimWorld, ...args: string[]): Promise<{ code: number; findings: Finding[] }> {
  const { net, clock, random, disk } = world.machine("app").boot();
  let out = "";
  const write = (text: string) => void (out += text);
  const environment = createEnvironment();
  const code = await runDoctor([...args, "--json"], {
    net,
    clock,
    random,
    disk,
    environment,
    write,
    writeError: write,
  });
  return { code, findings: JSON.parse(out) };
}

/** Names of the checks that found something wrong. */
function wrong(findings: readonly Finding[]): string[] {
  return findings.filter(({ severity }) => severity !== "ok").map(({ check }) => check);
}

/** The one finding of a check; what is wrong must say what it means and what to change. */
function only(findings: readonly Finding[], check: string): Finding {
  const found = findings.filter((each) => each.check === check && each.severity !== "ok");
  assertEquals(found.length, 1, JSON.stringify(findings));
  assert((found[0]!.meaning ?? "") !== "" && (found[0]!.remedy ?? "") !== "");
  return found[0]!;
}

Deno.test("a cluster in order: every address is reached, a message comes back, exit code 0", async () => {
  await simWorld(1).run(async (world) => {
    const { namesrvAddr } = await startCluster(world);
    await startBroker(world, "host-a", { brokerName: "a", namesrvAddr });
    const { code, findings } = await examine(world, "-n", namesrvAddr, "--probe");
    assertEquals(wrong(findings), []);
    assertEquals(code, 0);
    const checks = findings.map(({ check }) => check);
    for (const check of ["namesrv", "broker-address", "vip-port", "clock", "disk", "probe"]) {
      assert(checks.includes(check), check);
    }
  });
});

Deno.test("a name server that nobody registers with, and a port that is none of a name server's", async () => {
  await simWorld(2).run(async (world) => {
    const { namesrvAddr } = await startCluster(world);
    const empty = await examine(world, "-n", namesrvAddr);
    assertEquals(empty.code, 2);
    assertStringIncludes(only(empty.findings, "namesrv-empty").meaning!, "No topic route info");

    await startBroker(world, "host-a", { brokerName: "a", namesrvAddr });
    const asNamesrv = `${world.machine("host-a").ip}:10911`;
    const { code, findings } = await examine(
      world,
      "-n",
      `${asNamesrv};${namesrvAddr};${world.machine("host-a").ip}:1`,
    );
    assertEquals(code, 2);
    assertStringIncludes(only(findings, "namesrv-wrong").remedy!, `instead of ${asNamesrv}`);
    only(findings, "namesrv-unreachable");
  });
});

Deno.test("a brokerIP1 that clients do not reach", async () => {
  await simWorld(3).run(async (world) => {
    const { namesrvAddr } = await startCluster(world);
    await startBroker(world, "host-a", { brokerName: "a", namesrvAddr, brokerIP1: "172.17.0.2" });
    const { code, findings } = await examine(world, "-n", namesrvAddr, "--probe");
    assertEquals(code, 2);
    const finding = only(findings, "broker-unreachable");
    assertEquals(finding.subject, "broker a (id 0) at 172.17.0.2:10911");
    assertStringIncludes(finding.remedy!, "brokerIP1=172.17.0.2 looks like the address of a container network");
    assertEquals(wrong(findings), ["broker-unreachable"], "one cause, one finding");
  });
});

Deno.test("two brokers that claim one name and id", async () => {
  await simWorld(4).run(async (world) => {
    const { namesrvAddr } = await startCluster(world);
    await startBroker(world, "host-a", { brokerName: "a", namesrvAddr });
    await startBroker(world, "host-b", { brokerName: "a", namesrvAddr });
    const { code, findings } = await examine(world, "-n", namesrvAddr);
    assertEquals(code, 2);
    const [a, b] = [world.machine("host-a").ip, world.machine("host-b").ip];
    assertStringIncludes(only(findings, "duplicate-broker").text, `${a}:10911 and ${b}:10911 both claim`);
  });
});

Deno.test("two brokers that advertise one address", async () => {
  await simWorld(8).run(async (world) => {
    const { namesrvAddr } = await startCluster(world);
    await startBroker(world, "host-a", { brokerName: "a", namesrvAddr });
    await startBroker(world, "host-b", { brokerName: "b", namesrvAddr, brokerIP1: world.machine("host-a").ip });
    const { findings } = await examine(world, "-n", namesrvAddr);
    assertStringIncludes(only(findings, "broker-identity").text, "another broker answers there: a with id 0");
  });
});

Deno.test("members of a group that want different things, and a broker that refuses sends", async () => {
  await simWorld(5).run(async (world) => {
    const cluster = await startCluster(world);
    const { namesrvAddr } = cluster;
    await startBroker(world, "host-a", { brokerName: "a", namesrvAddr, brokerPermission: "4" });
    for (const [machine, tags] of [["app-1", "TagA"], ["app-2", "TagB"]] as const) {
      const consumer = cluster.client(machine).pushConsumer({ group: "CG" });
      consumer.subscribe("TBW102", tags);
      consumer.onMessages(() => {});
      await consumer.start();
    }
    const { findings } = await examine(world, "-n", namesrvAddr);
    const finding = only(findings, "subscriptions");
    assertStringIncludes(finding.subject, "group CG, topic TBW102");
    assert(finding.text.includes('wants "TagA"') && finding.text.includes('wants "TagB"'), finding.text);
    assertStringIncludes(only(findings, "permission").text, "refuses sends");
  });
});

Deno.test("name servers that know different brokers", async () => {
  await simWorld(6).run(async (world) => {
    const { namesrvAddr } = await startCluster(world);
    await startBroker(world, "host-a", { brokerName: "a", namesrvAddr });
    const { NameServer } = await import("../../src/namesrv/namesrv.ts");
    const { openNamesrvConfiguration } = await import("../../src/namesrv/configuration.ts");
    const machine = world.machine("namesrv-2");
    const { net, clock, disk, logging } = machine.boot();
    const configuration = openNamesrvConfiguration({ disk, overrides: { kvConfigPath: "/kv.json" } });
    await new NameServer({ net, clock, disk, log: logging.logger("namesrv"), configuration }).start();
    const second = `${machine.ip}:9876`;
    const { findings } = await examine(world, "-n", `${namesrvAddr};${second}`);
    assertStringIncludes(only(findings, "namesrv-differ").text, `is not registered with ${second}`);
  });
});

Deno.test("a command line that cannot be understood has an exit code of its own", async () => {
  await simWorld(7).run(async (world) => {
    const { net, clock, random, disk } = world.machine("app").boot();
    for (const args of [["--nope"], ["-n", "a:b:c"], ["--timeout", "soon"]]) {
      let errors = "";
      const environment = createEnvironment();
      const writeError = (text: string) => void (errors += text);
      assertEquals(await runDoctor(args, { net, clock, random, disk, environment, write() {}, writeError }), 3);
      assertStringIncludes(errors, "usage: rucola doctor");
    }
  });
});
