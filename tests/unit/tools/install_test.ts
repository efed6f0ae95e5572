/**
 * What an installation lays down, keeps and takes away, in temporary directories.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DenoDisk } from "../../../src/common/disk_deno.ts";
import { DENO_DISK_MODES } from "../../../src/common/disk_mode.ts";
import { type InstallWorld, runInstall, runUninstall } from "../../../src/tools/install/install.ts";

const SAMPLES = new URL("../../../conf", import.meta.url).pathname;

class Rig implements AsyncDisposable {
  readonly prefix: string;
  readonly units: string;
  readonly owned: string[] = [];
  executable: string | null;
  out = "";
  errors = "";

  constructor(readonly directory: string) {
    this.prefix = `${directory}/rucola`;
    this.units = `${directory}/units`;
    this.executable = `${directory}/compiled`;
  }

  static async create(): Promise<Rig> {
    const rig = new Rig(await Deno.makeTempDir());
    await Deno.writeTextFile(`${rig.directory}/compiled`, '#!/bin/sh\necho "$0 $@"\n');
    return rig;
  }

  install(...more: string[]): number {
    return this.#run(runInstall, ["--prefix", this.prefix, ...more]);
  }

  uninstall(): number {
    return this.#run(runUninstall, ["--prefix", this.prefix]);
  }

  read(path: string): string {
    return Deno.readTextFileSync(`${this.prefix}/${path}`);
  }

  write(path: string, text: string): void {
    Deno.writeTextFileSync(`${this.prefix}/${path}`, text);
  }

  /** Paths of all files below the prefix. */
  files(directory = this.prefix): string[] {
    return [...Deno.readDirSync(directory)].flatMap((entry) => {
      const path = `${directory}/${entry.name}`;
      return entry.isDirectory ? this.files(path) : [path.slice(this.prefix.length + 1)];
    }).sort();
  }

  #run(command: (args: string[], world: InstallWorld) => number, args: string[]): number {
    this.out = "";
    this.errors = "";
    return command(args, {
      disk: new DenoDisk(),
      modes: { ...DENO_DISK_MODES, setOwner: (path, { uid }) => void this.owned.push(`${path} ${uid}`) },
      executable: this.executable,
      samples: SAMPLES,
      workingDirectory: this.directory,
      write: (text) => void (this.out += text),
      writeError: (text) => void (this.errors += text),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.directory, { recursive: true });
  }
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path) !== null;
  } catch {
    return false;
  }
}

Deno.test("an installation has the executable, RocketMQ's names for it and all samples", async () => {
  await using rig = await Rig.create();
  assertEquals(rig.install(), 0);
  const files = rig.files();
  for (const name of ["rucola", "mqnamesrv", "mqbroker", "mqadmin", "mqshutdown", "tools.sh"]) {
    assert(files.includes(`bin/${name}`), name);
    assertEquals(Deno.statSync(`${rig.prefix}/bin/${name}`).mode! & 0o777, 0o755);
  }
  for (const name of ["namesrv.properties", "broker.properties", "2m-noslave/broker-a.properties"]) {
    assertEquals(rig.read(`conf/${name}`), Deno.readTextFileSync(`${SAMPLES}/${name}`));
  }
  assert(
    files.includes("conf/2m-2s-async/broker-a-s.properties") && files.includes("conf/2m-2s-sync/broker-b.properties"),
  );
  assert(!files.some((path) => path.endsWith(".service")), "units go elsewhere, and only with --systemd");
});

Deno.test("wrappers hand their arguments to the executable beside them, also when called by a link", async () => {
  await using rig = await Rig.create();
  rig.install();
  const link = `${rig.directory}/mqadmin-link`;
  await Deno.symlink(`${rig.prefix}/bin/mqadmin`, link);
  for (const [path, subcommand] of [[`${rig.prefix}/bin/mqbroker`, "broker"], [link, "tools"]] as const) {
    const { stdout } = await new Deno.Command(path, { args: ["-c", "a file"] }).output();
    assertEquals(new TextDecoder().decode(stdout), `${rig.prefix}/bin/rucola ${subcommand} -c a file\n`);
  }
});

Deno.test("installing again changes nothing; a new version replaces what nobody edited", async () => {
  await using rig = await Rig.create();
  rig.install();
  const modified = Deno.statSync(`${rig.prefix}/bin/rucola`).mtime;
  assertEquals(rig.install(), 0);
  assertStringIncludes(rig.out, "0 files written, 0 replaced");
  assertEquals(Deno.statSync(`${rig.prefix}/bin/rucola`).mtime, modified);

  await Deno.writeTextFile(rig.executable!, "new");
  assertEquals(rig.install(), 0);
  assertStringIncludes(rig.out, "0 files written, 1 replaced");
  assertEquals(rig.read("bin/rucola"), "new");
});

Deno.test("an edited file is kept, by name, until --force, which keeps a copy", async () => {
  await using rig = await Rig.create();
  rig.install();
  rig.write("conf/broker.properties", "brokerName=mine\n");
  for (let time = 0; time < 2; time++) {
    assertEquals(rig.install(), 0);
    assertEquals(rig.read("conf/broker.properties"), "brokerName=mine\n");
    assertStringIncludes(rig.out, `kept, for it was edited: ${rig.prefix}/conf/broker.properties`);
  }
  assertEquals(rig.install("--force"), 0);
  assertEquals(rig.read("conf/broker.properties"), Deno.readTextFileSync(`${SAMPLES}/broker.properties`));
  assertEquals(rig.read("conf/broker.properties.bak"), "brokerName=mine\n");
});

Deno.test("a file that was there before the first installation counts as edited", async () => {
  await using rig = await Rig.create();
  await Deno.mkdir(`${rig.prefix}/conf`, { recursive: true });
  rig.write("conf/namesrv.properties", "listenPort=1\n");
  rig.install();
  assertEquals(rig.read("conf/namesrv.properties"), "listenPort=1\n");
  rig.uninstall();
  assertEquals(rig.files(), ["conf/namesrv.properties"]);
});

Deno.test("uninstall removes what was laid down, and keeps edited files and data", async () => {
  await using rig = await Rig.create();
  rig.install("--systemd", "--unit-dir", rig.units);
  rig.write("conf/broker.properties", "brokerName=mine\n");
  await Deno.mkdir(`${rig.prefix}/store`);
  rig.write("store/commitlog", "messages");
  assertEquals(rig.uninstall(), 0);
  assertEquals(rig.files(), ["conf/broker.properties", "store/commitlog"]);
  assertEquals([...Deno.readDirSync(rig.units)], []);
  assertStringIncludes(rig.out, `kept, for it was edited: ${rig.prefix}/conf/broker.properties`);
  assertEquals(rig.uninstall(), 1);
  assertStringIncludes(rig.errors, "nothing was installed in");
});

Deno.test("nothing is left of an installation that nobody touched", async () => {
  await using rig = await Rig.create();
  rig.install();
  rig.uninstall();
  assert(!exists(rig.prefix));
});

Deno.test("units name the prefix and the user; the user gets the configuration when there is one", async () => {
  await using rig = await Rig.create();
  rig.install("--systemd", "--unit-dir", rig.units, "--user", "root");
  const unit = await Deno.readTextFile(`${rig.units}/rucola-broker@.service`);
  assertStringIncludes(unit, `ExecStart=${rig.prefix}/bin/rucola broker -c ${rig.prefix}/conf/%i.properties\n`);
  assertStringIncludes(unit, "User=root\n");
  assert(!unit.includes("@PREFIX@") && !unit.includes("@USER@"));
  assert(rig.owned.includes(`${rig.prefix}/conf/broker.properties 0`));

  rig.owned.length = 0;
  rig.install("--systemd", "--unit-dir", rig.units, "--user", "nobody-of-this-name");
  assertEquals(rig.owned, []);
  assertStringIncludes(rig.out, "useradd --system");
});

Deno.test("a command line that cannot be obeyed is refused with the reason and the usage", async () => {
  await using rig = await Rig.create();
  for (
    const [args, reason] of [
      [[], "Missing required option: --prefix"],
      [["--prefix", "/opt/a b"], "--prefix /opt/a b: only letters"],
      [["--prefix", "/opt", "--user", "a b", "--systemd"], "--user a b: only letters"],
      [["--nope"], "Unrecognized option: --nope"],
    ] as const
  ) {
    let errors = "";
    const world = { disk: new DenoDisk(), modes: DENO_DISK_MODES, executable: "x", samples: SAMPLES };
    const code = runInstall(args, {
      ...world,
      workingDirectory: rig.directory,
      write() {},
      writeError: (text) => void (errors += text),
    });
    assertEquals(code, 1);
    assertStringIncludes(errors, reason);
    assertStringIncludes(errors, "usage: rucola install");
  }
  rig.executable = null;
  assertEquals(rig.install(), 1);
  assertStringIncludes(rig.errors, "deno task compile");
});
