/**
 * systemd's own opinion of the units that `rucola install --systemd` lays down.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { DenoDisk } from "../../src/common/disk_deno.ts";
import { DENO_DISK_MODES } from "../../src/common/disk_mode.ts";
import { runInstall } from "../../src/tools/install/install.ts";

async function whyNot(): Promise<string | null> {
  try {
    const { success } = await new Deno.Command("systemd-analyze", { args: ["--version"], stdout: "null" }).output();
    return success ? null : "systemd-analyze does not run here";
  } catch {
    return "there is no systemd-analyze here";
  }
}

const reason = await whyNot();
if (reason !== null) console.log(`skipped: units are not verified, ${reason}`);

Deno.test({
  name: "systemd-analyze verify finds nothing to say about the units",
  ignore: reason !== null,
  async fn() {
    const directory = await Deno.makeTempDir({ prefix: "rucola" });
    try {
      await Deno.writeTextFile(`${directory}/compiled`, "#!/bin/sh\n");
      const code = runInstall(
        ["--prefix", `${directory}/opt`, "--systemd", "--unit-dir", `${directory}/units`, "--user", "daemon"],
        {
          disk: new DenoDisk(),
          modes: { ...DENO_DISK_MODES, setOwner() {} },
          executable: `${directory}/compiled`,
          samples: new URL("../../conf", import.meta.url).pathname,
          workingDirectory: directory,
          write() {},
          writeError: (text) => console.error(text),
        },
      );
      assertEquals(code, 0);
      await Deno.rename(`${directory}/units/rucola-broker@.service`, `${directory}/units/rucola-broker@broker.service`);
      for (const unit of ["rucola-namesrv.service", "rucola-broker@broker.service"]) {
        const { stderr, success } = await new Deno.Command("systemd-analyze", {
          args: ["verify", "--man=no", "--recursive-errors=no", `${directory}/units/${unit}`],
        }).output();
        assertEquals(new TextDecoder().decode(stderr).trim(), "");
        assertEquals(success, true);
      }
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
});
