import { assertEquals } from "@std/assert";
import { javaProcessWith } from "../../../src/common/disk_rival.ts";

Deno.test({
  name:
    "a process that runs Java and has the file open is found, by whatever name the file is reached, and no other is",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const directory = await Deno.makeTempDir();
    const lock = `${directory}/lock`;
    await Deno.writeTextFile(lock, "lock");
    await Deno.symlink(directory, `${directory}/link`);
    await Deno.copyFile("/bin/sleep", `${directory}/java`);
    const started = (program: string) =>
      new Deno.Command("/bin/sh", { args: ["-c", `exec 9<>${lock}; echo; exec ${program} 600`], stdout: "piped" })
        .spawn();
    const end = async (child: Deno.ChildProcess) => {
      child.kill();
      await child.stdout.cancel();
      await child.status;
    };
    const until = async (pid: number | null) => {
      while (javaProcessWith(`${directory}/link/lock`) !== pid) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    try {
      const other = started("/bin/sleep");
      const java = started(`${directory}/java`);
      await until(java.pid);
      await end(java);
      await until(null);
      await end(other);
      assertEquals(javaProcessWith(`${directory}/missing`), null);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
});
