/**
 * Finds what the checks against Java RocketMQ need on this machine: a JDK and Maven.
 * `JAVA_HOME` wins over the PATH. Nothing is installed here; what is missing is named, all of it at once.
 *
 * @module
 */

/** Paths of the programs that run and build Java code. */
export interface JavaTools {
  /** The launcher, e.g. `/usr/bin/java`. */
  readonly java: string;
  /** The compiler. */
  readonly javac: string;
  /** Maven, which fetches the published RocketMQ jars. */
  readonly mvn: string;
}

/** A program that the checks cannot do without is not on this machine. */
export class MissingToolError extends Error {
  override readonly name = "MissingToolError";
}

/**
 * Finds java, javac and mvn.
 *
 * @throws {MissingToolError} naming every program that is missing and where it was looked for.
 */
export function locateJavaTools(): JavaTools {
  const javaHome = Deno.env.get("JAVA_HOME");
  const jdkFolders = javaHome ? [`${javaHome}/bin`, ...pathFolders()] : pathFolders();
  const java = findExecutable("java", jdkFolders);
  const javac = findExecutable("javac", jdkFolders);
  const mvn = findExecutable("mvn", pathFolders());
  if (java !== undefined && javac !== undefined && mvn !== undefined) return { java, javac, mvn };
  const missing: string[] = [];
  if (java === undefined) missing.push("java");
  if (javac === undefined) missing.push("javac (a JDK of version 11 or later; a JRE is not enough)");
  if (mvn === undefined) missing.push("mvn (Maven 3.8 or later)");
  const places = javaHome ? `JAVA_HOME=${javaHome} or on the PATH` : "JAVA_HOME (not set) or on the PATH";
  throw new MissingToolError(`The Java checks need ${missing.join(" and ")}: not found in ${places}`);
}

/** The first executable file called `name` on the PATH, or undefined. */
export function findOnPath(name: string): string | undefined {
  return findExecutable(name, pathFolders());
}

function pathFolders(): string[] {
  return (Deno.env.get("PATH") ?? "").split(":").filter((folder) => folder !== "");
}

function findExecutable(name: string, folders: readonly string[]): string | undefined {
  return folders.map((folder) => `${folder}/${name}`).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    const info = Deno.statSync(path);
    return info.isFile && ((info.mode ?? 0) & 0o111) !== 0;
  } catch {
    return false;
  }
}
