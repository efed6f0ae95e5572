import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { printedUntil } from "../../support/printed_until.ts";

const MAIN = new URL("../../../main.ts", import.meta.url).pathname;

/** A directory with a file that lets the system choose a loopback port. */
async function withConfiguration(test: (directory: string, file: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  const file = `${directory}/namesrv.properties`;
  try {
    await Deno.writeTextFile(file, "bindAddress=127.0.0.1\nlistenPort=0\n");
    await test(directory, file);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function namesrv(directory: string, ...args: string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", MAIN, "namesrv", "--log-dir", `${directory}/logs`, ...args],
    env: { ROCKETMQ_USER_HOME: directory, JOURNAL_STREAM: "" },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

Deno.test("a name server says where it listens, refuses a taken port, and stops cleanly at SIGTERM", async () => {
  await withConfiguration(async (directory, file) => {
    const process = namesrv(directory, "-c", file);
    const printed = await printedUntil(process, "success");
    const port = /address 127\.0\.0\.1:(\d+)\n/.exec(printed)?.[1];
    assertStringIncludes(printed, `load config properties file OK, ${file}\n`);
    assertMatch(printed, /^The Name Server boot success\. serializeType=JSON, address 127\.0\.0\.1:\d+$/m);

    const other = `${directory}/other.properties`;
    await Deno.writeTextFile(other, `bindAddress=127.0.0.1\nlistenPort=${port}\n`);
    const refused = await namesrv(`${directory}/other`, "-c", other).output();
    assertEquals(refused.code, 255);
    const errors = new TextDecoder().decode(refused.stderr).trim().split("\n");
    assertEquals(errors.length, 1);
    assertStringIncludes(
      errors[0]!,
      `rucola namesrv: ${other}:2: listenPort=${port}: Cannot listen on 127.0.0.1:${port}`,
    );

    process.kill("SIGTERM");
    const { code } = await process.status;
    await process.stderr.cancel();
    assertEquals(code, 0);
    const log = await Deno.readTextFile(`${directory}/logs/namesrv.log`);
    assertMatch(log, /INFO \S+ - The Name Server boot success\./);
    assertMatch(log, /INFO \S+ - listenPort=0\n/);
    assertMatch(log, /shutdown hook was invoked, 1 times\.\n/);
    assertMatch(log, /shutdown hook done, consuming time total\(ms\): \d+\n$/);
  });
});

Deno.test("-p prints every option; a value that cannot be read is one error with its line", async () => {
  await withConfiguration(async (directory, file) => {
    const printed = await namesrv(directory, "-c", file, "-p").output();
    assertEquals(printed.code, 0);
    assertMatch(new TextDecoder().decode(printed.stdout), /^scanNotActiveBrokerInterval=5000$/m);

    await Deno.writeTextFile(file, "\nlistenPort=many\n");
    const refused = await namesrv(directory, "-c", file).output();
    assertEquals(refused.code, 1);
    assertStringIncludes(new TextDecoder().decode(refused.stderr), `${file}:2: listenPort=many: `);
  });
});
