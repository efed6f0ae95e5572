/**
 * Fetches published RocketMQ releases from Maven Central, once, into the user's cache folder. Each release is one
 * folder of jars with all their dependencies: the class path that `java_process.ts` runs programs from.
 *
 * @module
 */
import { type JavaTools, locateJavaTools } from "./tools.ts";

/** The RocketMQ releases that the checks run; others resolve as well, but nothing is promised about them. */
export type RocketmqVersion = "5.5.0" | "4.9.7" | "4.4.0";

const COPY_DEPENDENCIES = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";

/** The parts of a release that are fetched. The 4.9.7 release was published without its examples. */
const ARTIFACTS: Readonly<Record<RocketmqVersion, readonly string[]>> = {
  "5.5.0": ["namesrv", "broker", "client", "tools", "example"],
  "4.9.7": ["namesrv", "broker", "client", "tools"],
  "4.4.0": ["namesrv", "broker", "client", "tools", "example"],
};

/** The folder that keeps what is fetched or built between runs: `$XDG_CACHE_HOME/rucola` or `~/.cache/rucola`. */
export function cacheFolder(): string {
  const base = Deno.env.get("XDG_CACHE_HOME") || `${Deno.env.get("HOME") ?? "."}/.cache`;
  return `${base}/rucola`;
}

/**
 * Makes sure that a RocketMQ release is in the cache.
 *
 * @returns the folder which holds its jars and their dependencies.
 * @throws {MissingToolError} without a JDK and Maven; {Error} with Maven's output when it could not resolve them.
 */
export async function fetchRocketmq(version: RocketmqVersion): Promise<string> {
  const folder = `${cacheFolder()}/rocketmq-${version}`;
  if (await exists(folder)) return folder;
  const tools = locateJavaTools();
  await Deno.mkdir(cacheFolder(), { recursive: true });
  // Copied beside its place and renamed when complete, so that an interrupted or a parallel run leaves no half folder.
  const partial = await Deno.makeTempDir({ dir: cacheFolder(), prefix: `rocketmq-${version}.` });
  try {
    await Deno.chmod(partial, 0o755);
    await copyJars(tools, version, partial);
    await Deno.rename(partial, folder);
  } catch (error) {
    await Deno.remove(partial, { recursive: true });
    if (!(await exists(folder))) throw error;
  }
  return folder;
}

async function copyJars(tools: JavaTools, version: RocketmqVersion, folder: string): Promise<void> {
  const project = await Deno.makeTempDir({ prefix: "rucola-pom-" });
  try {
    await Deno.writeTextFile(`${project}/pom.xml`, pom(version));
    const result = await new Deno.Command(tools.mvn, {
      args: ["-q", "-B", "-f", `${project}/pom.xml`, COPY_DEPENDENCIES, `-DoutputDirectory=${folder}`],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).output();
    if (!result.success) {
      const text = new TextDecoder();
      const output = (text.decode(result.stdout) + text.decode(result.stderr)).trim().split("\n").slice(-20).join("\n");
      throw new Error(`Cannot fetch RocketMQ ${version} with Maven (exit code ${result.code}):\n${output}`);
    }
  } finally {
    await Deno.remove(project, { recursive: true });
  }
}

function pom(version: RocketmqVersion): string {
  const dependencies = ARTIFACTS[version].map((name) =>
    "    <dependency><groupId>org.apache.rocketmq</groupId>" +
    `<artifactId>rocketmq-${name}</artifactId><version>${version}</version></dependency>`
  );
  return [
    `<project xmlns="http://maven.apache.org/POM/4.0.0">`,
    "  <modelVersion>4.0.0</modelVersion>",
    "  <groupId>rucola</groupId>",
    "  <artifactId>reference</artifactId>",
    "  <version>1</version>",
    "  <packaging>pom</packaging>",
    "  <dependencies>",
    ...dependencies,
    "  </dependencies>",
    "</project>",
    "",
  ].join("\n");
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
