/**
 * Finds a Java process that has a file open: Java locks with `fcntl`, this program with `flock`, and on Linux neither sees the
 * other. `/proc/locks`, which lists both, cannot be opened with the permissions that the executable has; who has which file
 * open can be told from the links in `/proc/PID/fd`.
 *
 * Seen are processes of the same user (of all users, for root) in the same PID namespace. Elsewhere than on Linux nobody is.
 *
 * @module
 */

/** Paths of executables that run Java. */
const JAVA = /\/(java|jsvc)$/;

/** The id of a Java process that has the file open, or null when none is seen. */
export function javaProcessWith(path: string): number | null {
  const file = statOf(path);
  if (Deno.build.os !== "linux" || file === null) return null;
  const name = path.slice(path.lastIndexOf("/"));
  for (const pid of namesIn("/proc")) {
    if (!/^\d+$/.test(pid) || !JAVA.test(linkOf(`/proc/${pid}/exe`))) continue;
    for (const fd of namesIn(`/proc/${pid}/fd`)) {
      const link = `/proc/${pid}/fd/${fd}`;
      if (!linkOf(link).endsWith(name)) continue;
      const found = statOf(link);
      if (found !== null && found.ino === file.ino && found.dev === file.dev) return Number(pid);
    }
  }
  return null;
}

/** What cannot be looked at, or is gone by now, is nobody's: this only ever adds to a lock. */
function orElse<T>(otherwise: T, look: () => T): T {
  try {
    return look();
  } catch {
    return otherwise;
  }
}

function statOf(path: string): Deno.FileInfo | null {
  return orElse(null, () => Deno.statSync(path));
}

function linkOf(path: string): string {
  return orElse("", () => Deno.readLinkSync(path));
}

function namesIn(directory: string): string[] {
  return orElse([], () => Array.from(Deno.readDirSync(directory), ({ name }) => name));
}
