import { assert, assertEquals, assertRejects } from "@std/assert";
import { parseDockerfile, performSteps } from "../../../scripts/image_check.ts";

const DOCKERFILE = await Deno.readTextFile(new URL("../../../Dockerfile", import.meta.url));

Deno.test("The Dockerfile copies one file, and what is run from it is not root", () => {
  const instructions = parseDockerfile(DOCKERFILE);
  const texts = (name: string) => instructions.filter((each) => each.name === name).map(({ text }) => text);
  assertEquals(instructions[0]!.name, "FROM");
  assertEquals(texts("COPY"), ["${BINARY} /rucola"]);
  assertEquals(texts("RUN"), [], "there is no shell in the base");
  assert(texts("USER").every((user) => /^[1-9]\d*:[1-9]\d*$/.test(user)));
});

Deno.test("Steps are performed on a directory, in order", async () => {
  const root = await Deno.makeTempDir();
  try {
    const text = "# comment\nFROM base\nARG FILE=LICENSE\nCOPY ${FILE} /app/file\nENV A=b=c\n" +
      'ENTRYPOINT ["/app/file", \\\n  "x"]\nCMD ["y"]\n';
    const image = await performSteps(parseDockerfile(text), root, {});
    assertEquals(image.entryPoint, ["/app/file", "x"]);
    assertEquals(image.command, ["y"]);
    assertEquals(image.environment, { A: "b=c" });
    assert((await Deno.stat(`${root}/app/file`)).size > 1000);
    await assertRejects(() => performSteps(parseDockerfile("RUN ls"), root, {}), Error, "no step for RUN ls");
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
