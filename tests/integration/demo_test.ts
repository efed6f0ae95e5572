/**
 * `rucola demo` as a program.
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";

Deno.test("The demonstration sends and consumes 1,000 messages, each once, and leaves nothing behind", async () => {
  const temporary = await Deno.makeTempDir();
  try {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ..."run --quiet --no-check --no-prompt --allow-net --allow-read --allow-write --allow-env --allow-sys".split(
          " ",
        ),
        new URL("../../main.ts", import.meta.url).href,
        "demo",
      ],
      env: { TMPDIR: temporary, NO_COLOR: "1" },
    }).output();
    const decoder = new TextDecoder();
    assertEquals([code, decoder.decode(stderr)], [0, ""]);
    const lines = decoder.decode(stdout).trimEnd().split("\n");
    assertMatch(lines[1]!, /^sent +1,000 messages in .* a second; send to answer: p50 .* ms, p99 .* ms$/);
    assertMatch(lines[2]!, /^consumed 1,000 messages in .* a second; send to listener: p50 .* ms, p99 .* ms$/);
    assertEquals(lines[3], "each of the 1,000 messages came exactly once");
    assertEquals([...Deno.readDirSync(temporary)], []);
  } finally {
    await Deno.remove(temporary, { recursive: true });
  }
});
