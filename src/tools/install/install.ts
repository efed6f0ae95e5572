/**
 * `rucola install --prefix DIR` and `rucola uninstall --prefix DIR`: this executable, wrappers with RocketMQ's names, the
 * sample configuration and systemd units, and their removal. Both can be repeated; neither touches data, nor a file that
 * somebody edited (`place.ts` has the rules).
 *
 * Ours; RocketMQ is unpacked from an archive.
 *
 * @module
 */
import { utf8Text } from "../../common/bytes.ts";
import { type CommandLine, readCommandLine } from "../../common/command_line.ts";
import { type Disk, readWhole } from "../../common/disk.ts";
import { DENO_DISK_MODES, type DiskModes } from "../../common/disk_mode.ts";
import { DiskError, messageOf } from "../../common/errors.ts";
import { PRODUCT_VERSION } from "../../common/version.ts";
import { systemWorld } from "../world.ts";
import { installedFiles } from "./files.ts";
import { manifestPath, readManifest, writeManifest } from "./manifest.ts";
import { placeFile, type Placement, removeEmptyDirectories, takeFile } from "./place.ts";

/** What installing needs of the machine. */
export interface InstallWorld {
  readonly disk: Disk;
  readonly modes: DiskModes;
  /** The executable to copy; null where this process is none, but Deno running the sources. */
  readonly executable: string | null;
  /** Directory of the samples. */
  readonly samples: string;
  /** Directory that relative paths begin at. */
  readonly workingDirectory: string;
  readonly write: (text: string) => void;
  readonly writeError: (text: string) => void;
}

const INSTALL_USAGE = `usage: rucola install --prefix <dir> [--systemd] [--unit-dir <dir>] [--user <name>] [--force]
    --prefix <dir>      Where bin/ and conf/ are laid down
    --systemd           Also units: rucola-namesrv.service and rucola-broker@.service
    --unit-dir <dir>    Where the units go (/etc/systemd/system)
    --user <name>       User of the services, who gets conf/ (rucola)
    --force             Replace files that were edited; they are kept as NAME.bak
 -h,--help              Print help

example: rucola install --prefix /opt/rucola --systemd`;

const UNINSTALL_USAGE = `usage: rucola uninstall --prefix <dir>
    --prefix <dir>      Where it was installed
 -h,--help              Print help

Removes what install laid down. Edited files, and all data, stay.`;

const UNINSTALL_OPTIONS = {
  prefix: { names: ["--prefix"], hasValue: true },
  help: { names: ["-h", "--help"], hasValue: false },
} as const;

const INSTALL_OPTIONS = {
  ...UNINSTALL_OPTIONS,
  systemd: { names: ["--systemd"], hasValue: false },
  unitDir: { names: ["--unit-dir"], hasValue: true },
  user: { names: ["--user"], hasValue: true },
  force: { names: ["--force"], hasValue: false },
} as const;

const EXIT_OK = 0;
const EXIT_FAILED = 1;
const DEFAULT_USER = "rucola";
const DEFAULT_UNIT_DIRECTORY = "/etc/systemd/system";
/** What a user and the paths of an installation may be made of, so that units and wrappers need no quoting. */
const PLAIN_PATH = /^\/[\w@.+/-]*$/;
const PLAIN_USER = /^[a-z_][\w-]*$/i;

/** Runs `rucola install` on this machine; resolves to the exit code. */
export function runInstallCommand(args: string[]): Promise<number> {
  return Promise.resolve(runInstall(args, systemInstallWorld()));
}

/** Runs `rucola uninstall` on this machine; resolves to the exit code. */
export function runUninstallCommand(args: string[]): Promise<number> {
  return Promise.resolve(runUninstall(args, systemInstallWorld()));
}

function systemInstallWorld(): InstallWorld {
  const { disk, write, writeError } = systemWorld();
  return {
    disk,
    modes: DENO_DISK_MODES,
    executable: Deno.build.standalone ? Deno.execPath() : null,
    samples: new URL("../../../conf", import.meta.url).pathname,
    workingDirectory: Deno.cwd(),
    write,
    writeError,
  };
}

/** Installs; returns the exit code, 1 when the command line or the disk does not allow it. */
export function runInstall(args: readonly string[], world: InstallWorld): number {
  return guarded("install", INSTALL_USAGE, world, () => {
    const given = readCommandLine(INSTALL_OPTIONS, args);
    if (given.help !== undefined) return showHelp(world, INSTALL_USAGE);
    return install(given, world);
  });
}

/** Uninstalls; returns the exit code, 1 when nothing was installed there. */
export function runUninstall(args: readonly string[], world: InstallWorld): number {
  return guarded("uninstall", UNINSTALL_USAGE, world, () => {
    const given = readCommandLine(UNINSTALL_OPTIONS, args);
    if (given.help !== undefined) return showHelp(world, UNINSTALL_USAGE);
    return uninstall(prefixOf(given, world), world);
  });
}

function guarded(
  name: string,
  usage: string,
  { writeError }: InstallWorld,
  action: () => number,
): number {
  try {
    return action();
  } catch (error) {
    const tail = error instanceof TypeError ? `\n${usage}` : "";
    const advice = error instanceof DiskError && error.fault === "permission" ? "; root can, with sudo" : "";
    writeError(`rucola ${name}: ${messageOf(error)}${advice}${tail}\n`);
    return EXIT_FAILED;
  }
}

function showHelp({ write }: InstallWorld, usage: string): number {
  write(`${usage}\n`);
  return EXIT_OK;
}

function install(given: CommandLine<keyof typeof INSTALL_OPTIONS>, world: InstallWorld): number {
  const { disk, write } = world;
  const prefix = prefixOf(given, world);
  const user = plain("--user", given.user?.at(-1) ?? DEFAULT_USER, PLAIN_USER);
  const unitDirectory = given.systemd === undefined
    ? null
    : absolute("--unit-dir", given.unitDir?.at(-1) ?? DEFAULT_UNIT_DIRECTORY, world);
  if (world.executable === null) {
    throw new Error(
      "this is Deno running the sources, which cannot be installed; make the executable with deno task compile",
    );
  }
  const files = installedFiles(disk, {
    prefix,
    executable: world.executable,
    samples: world.samples,
    unitDirectory,
    user,
  });
  const recorded = new Map(readManifest(disk, prefix)?.files);
  const done = new Map<Placement, string[]>();
  for (const file of files) {
    const force = given.force !== undefined;
    const { placement, hash } = placeFile(world, file, { recorded: recorded.get(file.path), force });
    if (hash !== undefined) recorded.set(file.path, hash);
    done.set(placement, [...done.get(placement) ?? [], file.path]);
    // At once: an installation that breaks off is known to the next one.
    writeManifest(disk, prefix, { version: PRODUCT_VERSION, files: recorded });
  }
  write(`Rucola ${PRODUCT_VERSION} is installed in ${prefix}\n`);
  write(
    `  ${count(done, "written")} files written, ${count(done, "replaced")} replaced, ${
      count(done, "unchanged")
    } unchanged\n`,
  );
  for (const path of done.get("kept") ?? []) write(`  kept, for it was edited: ${path} (--force replaces it)\n`);
  for (const path of done.get("forced") ?? []) write(`  replaced: ${path}, the edited one is ${path}.bak\n`);
  const isOwner = unitDirectory === null && given.user === undefined ? true : giveConf(prefix, user, world);
  advise({ prefix, user, unitDirectory, isOwner }, world);
  return EXIT_OK;
}

function count(done: ReadonlyMap<Placement, readonly string[]>, placement: Placement): number {
  return done.get(placement)?.length ?? 0;
}

/** Gives `conf` to the services' user, so that changes by updateBrokerConfig can be saved; false when there is none. */
function giveConf(prefix: string, user: string, { disk, modes }: InstallWorld): boolean {
  const owner = findUser(disk, user);
  if (owner === null) return false;
  const visit = (directory: string): void => {
    modes.setOwner(directory, owner);
    for (const { name, isDirectory } of disk.list(directory)) {
      if (isDirectory) visit(`${directory}/${name}`);
      else modes.setOwner(`${directory}/${name}`, owner);
    }
  };
  visit(`${prefix}/conf`);
  return true;
}

function findUser(disk: Disk, user: string): { uid: number; gid: number } | null {
  const passwd = readWhole(disk, "/etc/passwd");
  const line = passwd === null ? undefined : utf8Text(passwd).split("\n").find((each) => each.startsWith(`${user}:`));
  const [, , uid, gid] = line?.split(":") ?? [];
  return uid === undefined || gid === undefined ? null : { uid: Number(uid), gid: Number(gid) };
}

function advise(
  { prefix, user, unitDirectory, isOwner }: {
    readonly prefix: string;
    readonly user: string;
    readonly unitDirectory: string | null;
    readonly isOwner: boolean;
  },
  { write }: InstallWorld,
): void {
  if (unitDirectory === null) {
    write(
      `Next: ${prefix}/bin/mqnamesrv, then ${prefix}/bin/mqbroker -n HOST:9876 -c ${prefix}/conf/broker.properties\n`,
    );
    return;
  }
  if (!isOwner) {
    write(`There is no user ${user} yet. Make it and install again, so that it gets ${prefix}/conf:\n`);
    write(`  useradd --system --home-dir /var/lib/rucola --shell /usr/sbin/nologin ${user}\n`);
  }
  write("Next, after a look at namesrvAddr and brokerIP1 in conf/broker.properties:\n");
  write("  systemctl daemon-reload\n");
  write("  systemctl enable --now rucola-namesrv rucola-broker@broker\n");
  write(`  ${prefix}/bin/rucola doctor -n HOST:9876\n`);
}

function uninstall(prefix: string, { disk, write }: InstallWorld): number {
  const manifest = readManifest(disk, prefix);
  if (manifest === null) throw new Error(`nothing was installed in ${prefix}: there is no ${manifestPath(prefix)}`);
  let removed = 0;
  const kept: string[] = [];
  for (const [path, hash] of manifest.files) {
    const fate = takeFile(disk, path, hash);
    if (fate === "removed") removed++;
    if (fate === "kept") kept.push(path);
  }
  disk.remove(manifestPath(prefix));
  removeEmptyDirectories(disk, prefix, [...manifest.files.keys(), manifestPath(prefix)]);
  write(`${removed} files removed from ${prefix}; data was not touched\n`);
  for (const path of kept) write(`  kept, for it was edited: ${path}\n`);
  return EXIT_OK;
}

function prefixOf(given: CommandLine<"prefix">, world: InstallWorld): string {
  const prefix = given.prefix?.at(-1);
  if (prefix === undefined) throw new TypeError("Missing required option: --prefix");
  return absolute("--prefix", prefix, world);
}

function absolute(option: string, path: string, { workingDirectory }: InstallWorld): string {
  const whole = path.startsWith("/") ? path : `${workingDirectory}/${path.replace(/^\.\//, "")}`;
  return plain(option, whole.replace(/(?<=.)\/+$/, ""), PLAIN_PATH);
}

function plain(option: string, text: string, pattern: RegExp): string {
  if (pattern.test(text)) return text;
  throw new TypeError(`${option} ${text}: only letters, digits and @ . + - _ are possible here`);
}
