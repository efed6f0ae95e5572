import { assertEquals, assertMatch } from "@std/assert";
import { DenoDisk } from "../../../src/common/disk_deno.ts";
import { PRODUCT_VERSION } from "../../../src/common/version.ts";
import { describeVersion, sourceFacts } from "../../../src/tools/version.ts";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";

/** A directory, ending in `/`, with the given files of git; removed behind the test. */
async function checkout(files: Record<string, string>, test: (root: string) => void): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${root}/.git/refs/heads`, { recursive: true });
    for (const [path, text] of Object.entries(files)) await Deno.writeTextFile(`${root}/.git/${path}`, text);
    test(`${root}/`);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test("The first line is the name and the version alone", () => {
  assertEquals(describeVersion({ commit: null, modified: null })[0], `rucola ${PRODUCT_VERSION}`);
  assertMatch(PRODUCT_VERSION, /^\d+\.\d+\.\d+$/);
});

Deno.test("The commit is told with whether files differed from it", () => {
  assertEquals(describeVersion({ commit: COMMIT, modified: true })[1], `commit     ${COMMIT} with changes`);
  assertEquals(describeVersion({ commit: COMMIT, modified: false })[1], `commit     ${COMMIT} unchanged`);
  assertEquals(describeVersion({ commit: COMMIT, modified: null })[1], `commit     ${COMMIT}`);
  assertEquals(describeVersion({ commit: null, modified: null })[1], "commit     unknown");
});

Deno.test("From source the commit is read from the branch's ref", async () => {
  await checkout({ HEAD: "ref: refs/heads/main\n", "refs/heads/main": `${COMMIT}\n` }, (root) => {
    assertEquals(sourceFacts(new DenoDisk(), root), { commit: COMMIT, modified: null });
  });
});

Deno.test("From source the commit of a packed ref is found too", async () => {
  const packed = `# pack-refs with: peeled\nffff refs/heads/other\n${COMMIT} refs/heads/main\n`;
  await checkout({ HEAD: "ref: refs/heads/main\n", "packed-refs": packed }, (root) => {
    assertEquals(sourceFacts(new DenoDisk(), root).commit, COMMIT);
  });
});

Deno.test("A detached head names the commit itself", async () => {
  await checkout({ HEAD: `${COMMIT}\n` }, (root) => assertEquals(sourceFacts(new DenoDisk(), root).commit, COMMIT));
});

Deno.test("Without a checkout the commit is unknown", async () => {
  const root = await Deno.makeTempDir();
  try {
    assertEquals(sourceFacts(new DenoDisk(), `${root}/`).commit, null);
  } finally {
    await Deno.remove(root);
  }
});
