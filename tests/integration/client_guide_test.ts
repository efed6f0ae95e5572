/**
 * The programs of docs/client.md, each run as its reader would: by a process of its own, with the permissions that the page
 * names, against a name server and a broker.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { SystemClock } from "../../src/common/clock.ts";
import { DenoDisk } from "../../src/common/disk_deno.ts";
import { createEnvironment } from "../../src/common/environment.ts";
import { SILENT_LOG } from "../../src/common/log.ts";
import { DenoNet } from "../../src/common/net_deno.ts";
import { SystemRandom } from "../../src/common/random.ts";
import { startAllInOne } from "../../src/tools/all_in_one.ts";

const GUIDE = new URL("../../docs/client.md", import.meta.url);
const LIBRARY = new URL("../../src/client/mod.ts", import.meta.url).href;

/** What each program prints, in the order of the page. */
const PRINTED: readonly RegExp[] = [
  /^SEND_OK [0-9A-F]{32}\n$/,
  /^stored at \d+\n$/,
  /^COMMIT_MESSAGE\n$/,
  /^[0-9A-F]{32} sport 1:0 0\n$/,
  /^10\n$/,
  /^\d 0 kept\n$/,
  /^re: how are you\?\n$/,
  /^change the call: The specified topic\[no such name\] contains illegal characters, .* false\n$/,
];

Deno.test("the programs of the client's page run as they are written, and print what they are to", async () => {
  const directory = await Deno.makeTempDir();
  const environment = createEnvironment({ variables: { HOME: directory } });
  const options = { dataDirectory: `${directory}/data`, namesrvPort: 0, brokerPort: 0, brokerIp: "127.0.0.1" };
  const world = { net: new DenoNet(), clock: new SystemClock(), disk: new DenoDisk(), random: new SystemRandom() };
  const cluster = await startAllInOne({
    ...world,
    environment,
    options: { ...options, bindAddress: "127.0.0.1" },
    log: () => SILENT_LOG,
  });
  try {
    const page = await Deno.readTextFile(GUIDE);
    const programs = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map((match) => match[1]!);
    assertEquals(programs.length, PRINTED.length);
    // An empty configuration: the project's own import map is not the reader's.
    await Deno.writeTextFile(`${directory}/deno.json`, "{}");
    const run = async (program: string, at: number, attempts = 3): Promise<void> => {
      const file = `${directory}/${at}.ts`;
      assert(program.includes(`"../src/client/mod.ts"`) && program.includes(`"127.0.0.1:9876"`));
      const text = program.replaceAll("../src/client/mod.ts", LIBRARY)
        .replaceAll("127.0.0.1:9876", cluster.namesrvAddr);
      await Deno.writeTextFile(file, text);
      const permissions = ["--allow-net", "--allow-env", "--allow-sys", "--no-prompt"];
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "--quiet", "--no-check", `--config=${directory}/deno.json`, ...permissions, file],
        env: { NO_COLOR: "1" },
      }).output();
      const [out, errors] = [new TextDecoder().decode(stdout), new TextDecoder().decode(stderr)];
      // A machine may be too busy to answer within a send's three seconds.
      if (code !== 0 && errors.includes("in time") && attempts > 1) return await run(program, at, attempts - 1);
      assert(code === 0 && PRINTED[at]!.test(out), `program ${at + 1} ended with ${code} and printed ${out}${errors}`);
    };
    for (const [at, program] of programs.entries()) await run(program, at);
  } finally {
    await cluster.stop();
    await Deno.remove(directory, { recursive: true });
  }
});
