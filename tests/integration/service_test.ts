/**
 * A name server and a broker as services: what they tell systemd, and what they do at SIGHUP.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";

const ROOT = new URL("../../", import.meta.url).pathname;
const PERMISSIONS = ["--allow-net", "--allow-read", "--allow-write", "--allow-env", "--allow-sys"];

/** A child whose output lines can be waited for. */
class Watched implements AsyncDisposable {
  readonly child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  text = "";

  constructor(args: readonly string[], env: Record<string, string> = {}) {
    const command = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-check", "--no-prompt", `--config=${ROOT}deno.json`, ...args],
      env: { NO_COLOR: "1", ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    });
    this.child = command.spawn();
    this.#lines = this.child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Resolves when the output has the text. */
  async until(text: string): Promise<void> {
    while (!this.text.includes(text)) {
      const { value, done } = await this.#lines.read();
      assert(!done, `it ended without "${text}": ${this.text}`);
      this.text += value;
    }
  }

  async end(signal: Deno.Signal = "SIGTERM"): Promise<Deno.CommandStatus> {
    this.child.kill(signal);
    for (;;) {
      const { value, done } = await this.#lines.read();
      if (done) return await this.child.status;
      this.text += value;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.end("SIGKILL");
    } catch {
      // It has ended.
    }
  }
}

function serve(home: string, args: readonly string[], env: Record<string, string>): Watched {
  return new Watched(["--unstable-net", ...PERMISSIONS, `${ROOT}main.ts`, ...args], {
    ROCKETMQ_USER_HOME: home,
    RUNTIME_DIRECTORY: home,
    ...env,
  });
}

const ON_LINUX = { ignore: Deno.build.os !== "linux" };

Deno.test(
  "A broker tells systemd that it is ready, follows its file at SIGHUP and says what needs a restart",
  ON_LINUX,
  async () => {
    const home = await Deno.makeTempDir();
    const socket = `${home}/notify`;
    const file = `${home}/b.properties`;
    const properties = (more: string) =>
      `brokerName=b\nbrokerIP1=127.0.0.1\nlistenPort=0\nlogTarget=stdout\nmappedFileSizeCommitLog=1048576\n${more}`;
    try {
      await Deno.writeTextFile(file, properties("brokerPermission=6\n"));
      await using systemd = new Watched(["--unstable-net", "-A", `${ROOT}tests/support/notify_receiver.ts`, socket]);
      await systemd.until("listening");
      await using broker = serve(home, ["broker", "-c", file], { NOTIFY_SOCKET: socket });
      await systemd.until("READY=1\\nSTATUS=b serves at 127.0.0.1:");

      await Deno.writeTextFile(file, properties("brokerPermission=4\nflushIntervalCommitLog=100\n"));
      broker.child.kill("SIGHUP");
      await broker.until("SIGHUP: brokerPermission: 6 -> 4\n");
      await broker.until("SIGHUP: flushIntervalCommitLog: 500 -> 100 (counts after a restart)\n");
      await systemd.until("RELOADING=1");
      await systemd.until("READY=1\\nSTATUS=the configuration was read again");

      await Deno.writeTextFile(file, properties("brokerPermission=none\n"));
      broker.child.kill("SIGHUP");
      await broker.until("b.properties cannot be used, everything stays as it is:");
      assertStringIncludes(broker.text, "brokerPermission");

      assertEquals((await broker.end()).code, 0);
      await systemd.until("STOPPING=1");
      assertEquals([...Deno.readDirSync(home)].filter(({ name }) => name.endsWith(".sock")), []);
    } finally {
      await Deno.remove(home, { recursive: true });
    }
  },
);

Deno.test("A name server follows its file at SIGHUP, and stays when the file is unchanged", ON_LINUX, async () => {
  const home = await Deno.makeTempDir();
  const file = `${home}/namesrv.properties`;
  try {
    await Deno.writeTextFile(file, "listenPort=0\nlogTarget=stdout\n");
    await using namesrv = serve(home, ["namesrv", "-c", file], {});
    await namesrv.until("The Name Server boot success.");
    namesrv.child.kill("SIGHUP");
    await namesrv.until("was read again, nothing has changed");
    await Deno.writeTextFile(file, "listenPort=1\nlogTarget=stdout\nenableTopicList=false\n");
    namesrv.child.kill("SIGHUP");
    await namesrv.until("SIGHUP: enableTopicList: true -> false\n");
    await namesrv.until("SIGHUP: listenPort: 0 -> 1 (counts after a restart)\n");
    assertEquals((await namesrv.end()).code, 0);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});
