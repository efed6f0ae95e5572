import { assert, assertEquals, assertMatch } from "@std/assert";
import { freeBrokerPort } from "../../scripts/interop/ports.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;

/** Runs `rucola broker` as a process of its own. */
function broker(args: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "-A", MAIN, "broker", ...args],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function configure(
  directory: string,
  name: string,
  store = name,
  listenPort = freeBrokerPort(),
): Promise<string> {
  const path = `${directory}/${name}.properties`;
  await Deno.writeTextFile(
    path,
    [
      `brokerName=${name}`,
      "brokerIP1=127.0.0.1",
      `listenPort=${listenPort}`,
      `storePathRootDir=${directory}/${store}`,
      `logDir=${directory}/logs-${name}`,
    ].join("\n"),
  );
  return path;
}

/** Reads lines until `count` of them match. */
async function linesUntil(stream: ReadableStream<Uint8Array>, pattern: RegExp, count: number): Promise<string[]> {
  const found: string[] = [];
  let rest = "";
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  while (found.length < count) {
    const { value, done } = await reader.read();
    if (done) break;
    const lines = (rest + value).split("\n");
    rest = lines.pop()!;
    found.push(...lines.filter((line) => pattern.test(line)));
  }
  await reader.cancel();
  return found;
}

Deno.test("two -c run two brokers in one process, which both stop cleanly", async () => {
  const directory = await Deno.makeTempDir();
  const files = [await configure(directory, "one"), await configure(directory, "two")];
  const child = broker(files.flatMap((file) => ["-c", file]));
  const booted = await linesUntil(child.stdout, /boot success/, 2);
  assertEquals(booted.map((line) => /^The broker\[(\w+)/.exec(line)?.[1]).sort(), ["one", "two"]);
  for (const name of ["one", "two"]) assert((await Deno.stat(`${directory}/${name}/abort`)).isFile);
  child.kill("SIGTERM");
  const [{ code }] = await Promise.all([child.status, child.stderr.cancel()]);
  assertEquals(code, 0);
  for (const name of ["one", "two"]) {
    const names = [...Deno.readDirSync(`${directory}/${name}`)].map((entry) => entry.name);
    assert(!names.includes("abort"), `${name} left ${names}`);
  }
  await Deno.remove(directory, { recursive: true });
});

Deno.test("two brokers that would share a store are refused before one is started", async () => {
  const directory = await Deno.makeTempDir();
  const files = [await configure(directory, "one", "shared"), await configure(directory, "two", "shared")];
  const { code, stderr } = await broker(files.flatMap((file) => ["-c", file])).output();
  assertEquals(code, 1);
  assertMatch(
    new TextDecoder().decode(stderr),
    /one\.properties and .*two\.properties both have the directory .*: storePathRootDir=/,
  );
  await Deno.remove(directory, { recursive: true });
});

Deno.test("a broker that cannot start is started again and again beside one that serves, until it can", async () => {
  const directory = await Deno.makeTempDir();
  const port = freeBrokerPort();
  const holder = Deno.listen({ hostname: "0.0.0.0", port });
  const files = [await configure(directory, "one"), await configure(directory, "two", "two", port)];
  const child = broker(files.flatMap((file) => ["-c", file]));
  const failures = await linesUntil(child.stderr, /two\.properties has ended; it is started again in/, 2);
  assertEquals(failures.map((line) => /again in (\d+) s/.exec(line)?.[1]), ["1", "2"]);
  holder.close();
  // Each worker has printed its line when it served: "one" before the port of "two" was free.
  const names = (await linesUntil(child.stdout, /boot success/, 2)).map((line) => /\[(\w+)/.exec(line)?.[1]);
  assertEquals(names, ["one", "two"]);
  child.kill("SIGTERM");
  assertEquals((await child.status).code, 0);
  await Deno.remove(directory, { recursive: true });
});
