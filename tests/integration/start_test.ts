/**
 * `rucola start`, `tools` and `shutdown` as a new user runs them: as programs, with the permissions of the executable.
 * @module
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;
const PERMISSIONS = ["--allow-net", "--allow-read", "--allow-write", "--allow-env", "--allow-sys"];

function command(home: string, args: readonly string[], env: Record<string, string> = {}): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-check", "--no-prompt", ...PERMISSIONS, `--config=${CONFIG}`, MAIN, ...args],
    cwd: home,
    env: { ROCKETMQ_USER_HOME: home, NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

async function run(home: string, args: readonly string[], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await command(home, args, env).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

Deno.test("From nothing to the first message, and to a clean end", async () => {
  const home = await Deno.makeTempDir();
  try {
    await using child = command(home, ["start", "--namesrv-port", "0", "--broker-port", "0", "--ip", "127.0.0.1"])
      .spawn();
    const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes("Next: ")) {
      const { value, done } = await lines.read();
      assert(!done, `it ended early: ${text}`);
      text += value;
    }
    const namesrvAddr = /name server (127\.0\.0\.1:\d+)/.exec(text)![1]!;
    assertStringIncludes(text, `NAMESRV_ADDR=${namesrvAddr}`);

    const produced = await run(home, ["tools", "org.apache.rocketmq.example.quickstart.Producer"], {
      NAMESRV_ADDR: namesrvAddr,
    });
    assertEquals(produced.code, 0);
    assertEquals(produced.stdout.match(/^SendResult \[sendStatus=SEND_OK, msgId=[0-9A-F]{32}, /gm)?.length, 1000);
    const status = await run(home, ["tools", "topicStatus", "-t", "TopicTest", "-n", namesrvAddr]);
    assertEquals(status.stdout.match(/ 0 +250 /g)?.length, 4);

    const second = await run(home, ["start", "--namesrv-port", "0", "--broker-port", "0"]);
    assertEquals(second.code, 255);
    assertMatch(
      second.stderr,
      /^rucola start: .*Lock failed, MQ already started: a broker has it open; end it \(.* process id \d+\), or .* --data\n$/,
    );

    const shutdown = await run(home, ["shutdown", "broker"]);
    assertEquals(shutdown.code, 0);
    assertMatch(
      shutdown.stdout,
      /^The mqbroker\(\d+\) is running\.\.\.\nSend shutdown request to mqbroker\(\d+\) OK\n$/,
    );
    for (;;) if ((await lines.read()).done) break;
    await child.stderr.cancel();
    assertEquals((await child.status).code, 0);
    assertEquals([...Deno.readDirSync(`${home}/data/store`)].some(({ name }) => name === "abort"), false);
    assertEquals(await run(home, ["shutdown", "broker"]), { code: 1, stdout: "No mqbroker running.\n", stderr: "" });
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

Deno.test("A start without a terminal goes on at SIGHUP, and ends cleanly at SIGINT", async () => {
  const home = await Deno.makeTempDir();
  try {
    await using child = command(home, ["start", "--namesrv-port", "0", "--broker-port", "0", "--ip", "127.0.0.1"])
      .spawn();
    const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    const until = async (what: string) => {
      while (!text.includes(what)) {
        const { value, done } = await lines.read();
        if (done) return;
        text += value;
      }
    };
    await until("Next: ");
    // Its standard input is no terminal, as under nohup.
    child.kill("SIGHUP");
    child.kill("SIGINT");
    await until("\0");
    assertStringIncludes(text, "Stopping.\n");
    await child.stderr.cancel();
    assertEquals((await child.status).code, 0);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

Deno.test("A port that is taken is one clear error and a bad exit code", async () => {
  const home = await Deno.makeTempDir();
  using listener = Deno.listen({ port: 0, hostname: "0.0.0.0" });
  try {
    const { code, stdout, stderr } = await run(home, ["start", "--namesrv-port", String(listener.addr.port)]);
    assertEquals([code, stdout], [255, ""]);
    assertMatch(
      stderr,
      /^rucola start: Cannot listen on 0\.0\.0\.0:\d+: .* choose others with --namesrv-port and .*\n$/,
    );
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

Deno.test("Options that are none are refused with the usage", async () => {
  const home = await Deno.makeTempDir();
  try {
    for (
      const [args, reason] of [
        [["--nope"], "Unrecognized option: --nope"],
        [["--broker-port", "x"], "expected a port"],
        [["--broker-port", "2"], "the broker needs the port less 2 as well"],
        [["--data", ""], "--data: a directory is expected"],
      ] as const
    ) {
      const { code, stderr } = await run(home, ["start", ...args]);
      assertEquals(code, 1);
      assertStringIncludes(stderr, reason);
      assertStringIncludes(stderr, "usage: rucola start");
    }
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});
