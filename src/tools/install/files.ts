/**
 * The files of an installation below one directory, as RocketMQ lays itself out:
 *
 * ```text
 * PREFIX/bin/rucola                            this executable
 * PREFIX/bin/mqnamesrv mqbroker mqadmin …      the old names, one line each
 * PREFIX/conf/                                 the samples
 * PREFIX/conf/rucola.env                       environment of the services (not made here)
 * /etc/systemd/system/rucola-*.service         with --systemd
 * ```
 *
 * @module
 */
import { type Disk, readWhole } from "../../common/disk.ts";
import { utf8, utf8Text } from "../../common/bytes.ts";
import type { InstalledFile } from "./place.ts";

/** What an installation is made for. */
export interface InstallPlan {
  /** Absolute, without a slash at its end. */
  readonly prefix: string;
  /** The executable to copy. */
  readonly executable: string;
  /** Directory of the samples, embedded in the executable. */
  readonly samples: string;
  /** Directory of systemd's units; null for none. */
  readonly unitDirectory: string | null;
  /** User of the services. */
  readonly user: string;
}

const EXECUTABLE_MODE = 0o755;
const FILE_MODE = 0o644;
const UNIT_FOLDER = "systemd";

/** Old name to subcommand. */
const WRAPPERS: Readonly<Record<string, string>> = {
  mqnamesrv: "namesrv",
  mqbroker: "broker",
  mqadmin: "tools",
  "tools.sh": "tools",
  mqshutdown: "shutdown",
};

/** All files, the executable first. */
export function installedFiles(disk: Disk, plan: InstallPlan): InstalledFile[] {
  const { prefix, executable } = plan;
  return [
    { path: `${prefix}/bin/rucola`, content: { copyOf: executable }, mode: EXECUTABLE_MODE },
    ...Object.entries(WRAPPERS).map(([name, subcommand]) => ({
      path: `${prefix}/bin/${name}`,
      content: utf8(wrapper(subcommand)),
      mode: EXECUTABLE_MODE,
    })),
    ...sampleFiles(disk, plan),
    ...unitFiles(disk, plan),
  ];
}

/**
 * A script that runs a subcommand of the executable beside it, also when it is called by a link. It tells the limit on open
 * files, which the executable may not ask for.
 */
function wrapper(subcommand: string): string {
  const limit = 'RUCOLA_OPEN_FILES="$(ulimit -Hn)"';
  return `#!/bin/sh\n${limit} exec "$(dirname "$(readlink -f "$0")")/rucola" ${subcommand} "$@"\n`;
}

function sampleFiles(disk: Disk, { prefix, samples }: InstallPlan): InstalledFile[] {
  const files: InstalledFile[] = [];
  const visit = (folder: string): void => {
    for (const { name, isDirectory } of disk.list(`${samples}${folder}`)) {
      const path = `${folder}/${name}`;
      if (path === `/${UNIT_FOLDER}`) continue;
      if (isDirectory) visit(path);
      else files.push({ path: `${prefix}/conf${path}`, content: bytesOf(disk, `${samples}${path}`), mode: FILE_MODE });
    }
  };
  visit("");
  return files;
}

function unitFiles(disk: Disk, { prefix, samples, unitDirectory, user }: InstallPlan): InstalledFile[] {
  if (unitDirectory === null) return [];
  const folder = `${samples}/${UNIT_FOLDER}`;
  return disk.list(folder).map(({ name }) => {
    const template = utf8Text(bytesOf(disk, `${folder}/${name}`));
    const text = template.replaceAll("@PREFIX@", prefix).replaceAll("@USER@", user);
    return { path: `${unitDirectory}/${name}`, content: utf8(text), mode: FILE_MODE };
  });
}

function bytesOf(disk: Disk, path: string): Uint8Array {
  return readWhole(disk, path) ?? new Uint8Array(0);
}
