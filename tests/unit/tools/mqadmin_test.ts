/**
 * The list of commands, their help and what happens with names that are none; without a cluster.
 * @module
 */
import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { createEnvironment } from "../../../src/common/environment.ts";
import { BrokerError } from "../../../src/client/errors.ts";
import { errorText, runTools } from "../../../src/tools/mqadmin.ts";
import { commandList, findCommand, ownCommandList } from "../../../src/tools/registry.ts";
import { nameServers, type ToolWorld } from "../../../src/tools/world.ts";
import { type SimWorld, simWorld } from "../../support/world.ts";

const GOLDEN = new URL("../../golden/tools/", import.meta.url);

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A machine for a tool, which writes to where it is told. */
function toolWorld(sim: SimWorld, output: Pick<ToolWorld, "write" | "writeError">): ToolWorld {
  const { clock, net, disk, random } = sim.machine("tool").boot();
  return { clock, net, disk, random, environment: createEnvironment(), ...output };
}

async function run(...args: string[]): Promise<Ran> {
  const sim = simWorld(1);
  return await sim.run(async () => {
    let [stdout, stderr] = ["", ""];
    const world = toolWorld(sim, {
      write: (text) => void (stdout += text),
      writeError: (text) => void (stderr += text),
    });
    // As main does with what a program throws.
    const code = await runTools(args, world).catch((error: unknown) => {
      stderr += `${error}`;
      return 1;
    });
    return { code, stdout, stderr };
  });
}

/** What mqadmin 5.5.0 prints for `help COMMAND`, by command. */
function goldenHelp(): Map<string, string> {
  const text = Deno.readTextFileSync(new URL("mqadmin-help-5.5.0.txt", GOLDEN));
  return new Map(
    text.split(/^=== /m).slice(1).map((part) => {
      const end = part.indexOf("\n");
      return [part.slice(0, end), part.slice(end + 1).trimEnd()];
    }),
  );
}

Deno.test("Without a command the list is that of mqadmin 5.5.0 with a paragraph for what only Rucola has", async () => {
  const golden = Deno.readTextFileSync(new URL("mqadmin-list-5.5.0.txt", GOLDEN));
  const { code, stdout, stderr } = await run();
  const [begin = "", own = "", end = ""] = stdout.split(/^(Commands that only Rucola has are:\n(?: {3}.*\n)+)\n/m);
  assertEquals({ code, stdout: begin + end, stderr }, { code: 0, stdout: golden, stderr: "" });
  for (const { name } of ownCommandList()) assertMatch(own, new RegExp(`^ {3}${name} +[A-Z]`, "m"));
});

Deno.test("The help of commands that only Rucola has shows their options and an example", async () => {
  for (const { name } of ownCommandList()) {
    const { code, stdout } = await run(name, "-h");
    assertEquals(code, 0);
    assertMatch(stdout, new RegExp(`^usage: mqadmin ${name} `));
    assertMatch(stdout, new RegExp(`^example: rucola tools ${name} `, "m"));
  }
});

Deno.test("Commands that only RocketMQ 4.9 had are known, and say why they do not exist", async () => {
  const { code, stderr } = await run("getAclConfig", "-b", "127.0.0.1:10911");
  assertEquals(code, 1);
  assertMatch(stderr, /^getAclConfig: not available .* no users and access rules/);
});

Deno.test("The help of every command begins with what mqadmin 5.5.0 prints, and goes on with an example", async () => {
  const golden = goldenHelp();
  let compared = 0;
  for (const { name } of commandList()) {
    if (findCommand(name) === undefined) continue;
    const { code, stdout } = await run("help", name);
    assertEquals(code, 0);
    const [usage, rest = ""] = stdout.split("\n\nexample: ");
    assertEquals(usage, golden.get(name), name);
    assertMatch(rest, new RegExp(`^rucola tools ${name} `));
    assertEquals((await run(name, "-h")).stdout, stdout, `${name} -h`);
    compared++;
  }
  assertEquals(compared >= 58, true, `${compared} commands were compared`);
});

Deno.test("Every command of mqadmin exists or says why it does not", async () => {
  const names = [...goldenHelp().keys()];
  assertEquals(commandList().map(({ name }) => name), names);
  for (const name of names.filter((name) => findCommand(name) === undefined)) {
    const { code, stdout, stderr } = await run(name);
    assertEquals([code, stdout], [1, ""]);
    assertMatch(stderr, new RegExp(`^${name}: (not available in this version|does not apply)`));
  }
});

Deno.test("Names are found in any case, near misses are suggested", async () => {
  assertStringIncludes((await run("TOPICSTATUS", "-h")).stdout, "usage: mqadmin topicStatus ");
  assertEquals(await run("topicStats"), {
    code: 0,
    stdout: "The sub command topicStats not exist.\n",
    stderr: "Did you mean topicStatus?\n",
  });
  assertEquals((await run("zzzzzzzzzz")).stderr, "");
  assertEquals((await run("quickstart.Producr")).stderr, "Did you mean quickstart.Producer?\n");
  assertEquals(
    (await run("org.apache.rocketmq.example.ordermessage.Producter")).stderr,
    "Did you mean ordermessage.Producer?\n",
  );
  assertStringIncludes((await run("QuickStart.producer", "—help")).stdout, "usage: rucola tools quickstart.Producer ");
  assertStringIncludes(
    (await run("topicStatus", "--topc", "T")).stderr,
    "Unrecognized option: --topc; did you mean --topic?",
  );
});

Deno.test("A command line that cannot be understood ends with 1, the reason on stderr and the usage on stdout", async () => {
  const { code, stdout, stderr } = await run("topicStatus");
  assertEquals([code, stderr], [1, "Missing required option: t\n"]);
  assertMatch(stdout, /^usage: mqadmin topicStatus /);
});

Deno.test("A command that fails ends with 0 as RocketMQ's, and with 1 when JSON was asked for", async () => {
  const failed = await run("topicList", "-n", "10.9.9.9:1");
  assertEquals([failed.code, failed.stdout], [0, ""]);
  assertMatch(
    failed.stderr,
    /^SubCommandException: topicList command failed\nCaused by: Cannot connect to 10\.9\.9\.9:1/,
  );
  assertMatch(failed.stderr, /\n\(start the name server, or name another with -n or NAMESRV_ADDR\)\n$/);
  assertMatch((await run("topicList")).stderr, /\n\(there is neither -n nor NAMESRV_ADDR, so .*`rucola start`.*\)\n$/);
  const asJson = await run("topicList", "-n", "10.9.9.9:1", "--json");
  assertEquals([asJson.code, asJson.stdout], [1, ""]);
  const { command, error } = JSON.parse(asJson.stderr);
  assertEquals(command, "topicList");
  assertMatch(error, /^Cannot connect to 10\.9\.9\.9:1/);
});

Deno.test("A negative interval or size is refused with what is expected, before anything is asked", async () => {
  for (
    const [given, ...args] of [
      ["-i -1", "clusterList", "-i", "-1"],
      ["-i -5", "clusterRT", "-i", "-5"],
      ["-i -1", "haStatus", "-b", "10.0.0.9:10911", "-i", "-1"],
      ["-s -4", "sendMsgStatus", "-b", "broker-a", "-s", "-4"],
      ["-s 2147483648", "checkMsgSendRT", "-t", "T", "-s", "2147483648"],
    ] as [string, ...string[]][]
  ) {
    const { stderr } = await run(...args, "-n", "10.0.0.9:9876");
    assertStringIncludes(stderr, `Caused by: ${given}: an integer from 0 to 2147483647 is expected`);
  }
});

Deno.test("With --json every failure is one JSON object on standard error, and ends with 1", async () => {
  for (
    const [args, error] of [
      [["topicStatus", "--json"], /^Missing required option: t$/],
      [["topicStats", "--json"], /^The sub command topicStats not exist\. Did you mean topicStatus\?$/],
      [
        ["updateControllerConfig", "–json"],
        /^updateControllerConfig: does not apply|^updateControllerConfig: not available/,
      ],
      [["topicList", "-n", "a:b:c", "--json"], /^The Name Server Address\[a:b:c\] illegal/],
    ] as const
  ) {
    const { code, stdout, stderr } = await run(...args);
    assertEquals([code, stdout], [1, ""], args.join(" "));
    assertMatch(JSON.parse(stderr).error, error);
  }
});

Deno.test("Name servers come from -n, then from the environment, and have port 9876 unless they say another", () => {
  const environment = createEnvironment({ variables: { NAMESRV_ADDR: "a:1;b" } });
  assertEquals(nameServers(undefined, environment), ["a:1", "b:9876"]);
  assertEquals(nameServers(" c:2 ; d,e:3; ", environment), ["c:2", "d:9876", "e:3"]);
  assertEquals(nameServers(undefined, createEnvironment()), ["127.0.0.1:9876"]);
});

Deno.test("Errors of servers print as RocketMQ's tools print them", () => {
  assertEquals(errorText(new BrokerError(17, "No topic", "")), "CODE: 17  DESC: No topic");
  assertEquals(errorText(new BrokerError(1, "no", "h:1")), "CODE: 1  DESC: no BROKER: h:1");
});

Deno.test("A program that finds no name server says so, for consumers would wait for one in silence", async () => {
  const { stderr } = await run("batch.SimpleBatchProducer", "-n", "10.9.9.9:1");
  assertMatch(stderr, /^warning: Cannot connect to 10\.9\.9\.9:1: .*; start the name server, or name another with -n/);
});

Deno.test("a command whose reader has gone ends without a word, for main to end the program", async () => {
  for (const args of [["help"], ["brokerStatus", "-h"], ["topicList"]]) {
    const sim = simWorld(1);
    let stderr = "";
    await sim.run(async () => {
      const world = toolWorld(sim, {
        write: () => {
          throw new Deno.errors.BrokenPipe("Broken pipe (os error 32)");
        },
        writeError: (text) => void (stderr += text),
      });
      // Nobody answers the last one: it has nothing to print but its error.
      if (args[0] === "topicList") assertEquals(await runTools(args, world), 0);
      else await assertRejects(() => runTools(args, world), Deno.errors.BrokenPipe);
    });
    assertEquals(stderr.includes("Broken pipe"), false);
  }
});
