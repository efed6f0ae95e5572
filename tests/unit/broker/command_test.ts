/**
 * `rucola broker` as a process: what it prints, what it refuses, how it ends.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { createEnvironment } from "../../../src/common/environment.ts";
import { DenoDisk } from "../../../src/common/disk_deno.ts";
import { openBrokerConfiguration } from "../../../src/broker/broker_run.ts";
import { printedUntil } from "../../support/printed_until.ts";

const MAIN = new URL("../../../main.ts", import.meta.url).pathname;

/** A directory with a broker's file. */
async function withConfiguration(
  settings: readonly string[],
  test: (directory: string, file: string) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  const file = `${directory}/broker.properties`;
  const all = ["bindAddress=127.0.0.1", "listenPort=0", `storePathRootDir=${directory}/store`, ...settings];
  try {
    await Deno.writeTextFile(file, all.join("\n") + "\n");
    await test(directory, file);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function broker(directory: string, ...args: string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", MAIN, "broker", "--log-dir", `${directory}/logs`, ...args],
    env: { ROCKETMQ_USER_HOME: directory, JOURNAL_STREAM: "", NAMESRV_ADDR: "" },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Exit code and lines of standard error of a process that does not stay. */
async function refused(process: Deno.ChildProcess): Promise<{ code: number; errors: string }> {
  const { code, stderr } = await process.output();
  return { code, errors: new TextDecoder().decode(stderr) };
}

Deno.test("a broker says which address clients are told, locks its store and its port, and stops cleanly at SIGTERM", async () => {
  await withConfiguration(["brokerName=broker-x", "brokerIP1=localhost"], async (directory, file) => {
    const process = broker(directory, "-c", file);
    const printed = await printedUntil(process, "listenPort)");
    assertMatch(printed, /^The broker\[broker-x, localhost:\d+\] boot success\. serializeType=JSON$/m);
    assertMatch(printed, /^Clients are told to connect to localhost:\d+ \(brokerIP1 and listenPort\)$/m);
    assert((await Deno.stat(`${directory}/store/abort`)).isFile);

    const sameStore = await refused(broker(directory, "-c", file));
    assertEquals(sameStore.code, 255);
    assertStringIncludes(sameStore.errors, "Lock failed, MQ already started");

    const port = /localhost:(\d+)/.exec(printed)![1];
    const other = `${directory}/other.properties`;
    const settings = ["bindAddress=127.0.0.1", `listenPort=${port}`, `storePathRootDir=${directory}/other`];
    await Deno.writeTextFile(other, settings.join("\n"));
    const samePort = await refused(broker(directory, "-c", other));
    assertEquals(samePort.code, 255);
    assertStringIncludes(
      samePort.errors,
      `rucola broker: ${other}:2: listenPort=${port}: Cannot listen on 127.0.0.1:${port}`,
    );
    assertStringIncludes(samePort.errors, `there run: broker with process id ${process.pid}`);

    process.kill("SIGTERM");
    const { code } = await process.status;
    const errors = await new Response(process.stderr).text();
    assertEquals(code, 0);
    assertStringIncludes(errors, "warning: brokerIP1=localhost is a loopback address");
    assertStringIncludes(errors, "warning: no name server is configured");
    const log = await Deno.readTextFile(`${directory}/logs/broker.log`);
    assertMatch(log, /Shutdown hook over, consuming total time\(ms\): \d+\n/);
    assertEquals([...Deno.readDirSync(`${directory}/store`)].some(({ name }) => name === "abort"), false);
  });
});

Deno.test("a name of which nobody knows the address, and a value that cannot be read, are one error each", async () => {
  await withConfiguration(["brokerIP1=no-such-host.invalid"], async (directory, file) => {
    const unknown = await refused(broker(directory, "-c", file));
    assertEquals(unknown.code, 1);
    assertStringIncludes(
      unknown.errors,
      `rucola broker: ${file}:4: brokerIP1=no-such-host.invalid: Cannot find the address`,
    );

    await Deno.writeTextFile(file, "\nflushDiskType=SOMETIMES\n");
    const unreadable = await refused(broker(directory, "-c", file));
    assertEquals(unreadable.code, 1);
    assertStringIncludes(unreadable.errors, `${file}:2: flushDiskType=SOMETIMES: `);

    const usage = await refused(broker(directory, "--nonsense"));
    assertEquals(usage.code, 1);
    assertStringIncludes(usage.errors, "Unrecognized option: --nonsense\nusage: rucola broker");
  });
});

Deno.test("a configuration may come from standard input; hosts that nobody knows are told with their setting", async () => {
  await withConfiguration([], async (directory, file) => {
    const settings = ["brokerIP1=localhost", "brokerIP2=no-such-ip2.invalid", "namesrvAddr=no-such-ns.invalid:9876"];
    const process = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", MAIN, "broker", "--log-dir", `${directory}/logs`, "-c", "/dev/stdin"],
      env: { ROCKETMQ_USER_HOME: directory, JOURNAL_STREAM: "", NAMESRV_ADDR: "" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = process.stdin.getWriter();
    await writer.write(new TextEncoder().encode(`${await Deno.readTextFile(file)}${settings.join("\n")}\n`));
    await writer.close();
    await printedUntil(process, "listenPort)");
    process.kill("SIGTERM");
    await process.status;
    const errors = await new Response(process.stderr).text();
    assertStringIncludes(
      errors,
      "warning: /dev/stdin:6: namesrvAddr=no-such-ns.invalid:9876: not registered with no-such-ns.invalid:9876 yet, " +
        "trying on: Cannot connect to no-such-ns.invalid:9876: ",
    );
    assertStringIncludes(errors, "warning: /dev/stdin:5: brokerIP2=no-such-ip2.invalid: Cannot find the address");
  });
});

Deno.test("-p prints every option and -m the important ones, without a store being made", async () => {
  await withConfiguration(["brokerName=broker-x"], async (directory, file) => {
    const lines = async (flag: string) => {
      const { code, stdout } = await broker(directory, "-c", file, flag).output();
      assertEquals(code, 0);
      return new TextDecoder().decode(stdout).trim().split("\n");
    };
    const all = await lines("-p");
    const important = await lines("-m");
    assert(all.includes("brokerName=broker-x"));
    assert(important.length > 5 && important.length < all.length, `${important.length} of ${all.length}`);
    assertEquals(important.filter((line) => !all.includes(line)), []);
    assertEquals([...Deno.readDirSync(directory)].map(({ name }) => name).includes("store"), false);
  });
});

Deno.test("the command line wins over the file", async () => {
  await withConfiguration(["namesrvAddr=a:1"], (_directory, file) => {
    const given = { configFile: [file], namesrvAddr: ["b:2;c:3"] };
    const { settings } = openBrokerConfiguration(new DenoDisk(), createEnvironment(), given);
    assertEquals(settings.broker.namesrvAddr, "b:2;c:3");
    return Promise.resolve();
  });
});

Deno.test("a directory in the place of the configuration file is an error and not an empty file", () => {
  const directory = Deno.makeTempDirSync();
  const error = assertThrows(
    () => openBrokerConfiguration(new DenoDisk(), createEnvironment(), { configFile: [directory] }),
    Error,
    "it is a directory",
  );
  assert(error.message.includes(directory));
  Deno.removeSync(directory);
});
