/**
 * Runs Java main classes: those of a RocketMQ release, and our own small programs in `tests/interop/java`, compiled
 * against that release. Programs get a home and a ROCKETMQ_HOME inside the folder they run in, so that RocketMQ's log
 * files and offset files stay there.
 *
 * @module
 */
import { cacheFolder, fetchRocketmq, type RocketmqVersion } from "./maven.ts";
import { type ChildProcess, type ProcessResult, startProcess } from "./process.ts";
import { locateJavaTools } from "./tools.ts";

/** A Java program to run. */
export interface JavaProgram {
  readonly version: RocketmqVersion;
  readonly mainClass: string;
  readonly args?: readonly string[];
  /** Output files, logs and home go here. */
  readonly dir: string;
  /** Name of the output files; the main class's simple name when absent. */
  readonly name?: string;
  /** Name server address, given as NAMESRV_ADDR. */
  readonly namesrvAddr?: string;
  /** JVM options before the class path; {@link SMALL_JVM} when absent. */
  readonly jvm?: readonly string[];
  /** Words in front of the command, e.g. those that have it run on another host. */
  readonly via?: readonly string[];
}

/** JVM options for programs that run for seconds: a small heap, and no time spent on optimizing. */
export const SMALL_JVM: readonly string[] = ["-Xms64m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];

/** Modules that RocketMQ and its libraries reach into, which a JDK since 16 forbids unless told otherwise. */
const MODULE_ACCESS: readonly string[] = [
  "--add-exports=java.base/sun.nio.ch=ALL-UNNAMED",
  "--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED",
  "--add-opens=java.base/java.nio=ALL-UNNAMED",
  "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
  "--add-opens=java.base/jdk.internal.ref=ALL-UNNAMED",
  "--add-opens=java.base/java.lang=ALL-UNNAMED",
];

/** Clients look for changed routes and groups every second instead of every 20 to 30, which only shortens a check. */
const QUICK_REBALANCE: readonly string[] = [
  "-Drocketmq.client.rebalance.waitInterval=1000",
  "-Drocketmq.client.rebalance.minInterval=500",
];

/**
 * Servers and tools of 4.x refuse to start without the first three files in ROCKETMQ_HOME/conf. The last one is found
 * on the class path; without it the libraries write their debug lines to standard output.
 */
const LOGBACK_FILES = ["logback_namesrv.xml", "logback_broker.xml", "logback_tools.xml", "logback.xml"];
const QUIET_LOGBACK = `<configuration><root level="OFF"/></configuration>\n`;

/** The folder of our own Java programs, as a path. */
const OWN_SOURCES = new URL("../../tests/interop/java/", import.meta.url).pathname;

/**
 * Starts a Java program. A main class without a package is one of our own.
 *
 * @throws {MissingToolError} without a JDK; {Error} when the release or our own programs cannot be fetched or built.
 */
export async function startJava(program: JavaProgram): Promise<ChildProcess> {
  const tools = locateJavaTools();
  const jars = await fetchRocketmq(program.version);
  const classPath = [`${program.dir}/conf`, `${jars}/*`];
  if (!program.mainClass.includes(".")) classPath.unshift(await compileOwnProgram(program.version, program.mainClass));
  await Deno.mkdir(`${program.dir}/conf`, { recursive: true });
  for (const file of LOGBACK_FILES) await Deno.writeTextFile(`${program.dir}/conf/${file}`, QUIET_LOGBACK);
  return await startProcess({
    name: program.name ?? simpleName(program.mainClass),
    dir: program.dir,
    command: [
      ...(program.via ?? []),
      tools.java,
      ...(program.jvm ?? SMALL_JVM),
      ...MODULE_ACCESS,
      ...QUICK_REBALANCE,
      `-Duser.home=${program.dir}`,
      "-cp",
      classPath.join(":"),
      program.mainClass,
      ...(program.args ?? []),
    ],
    env: {
      ROCKETMQ_HOME: program.dir,
      ...(program.namesrvAddr === undefined ? {} : { NAMESRV_ADDR: program.namesrvAddr }),
    },
  });
}

/** Runs a Java program to its end. @throws {Error} when it has not ended after `timeoutMs`; it is killed then. */
export async function runJava(program: JavaProgram, timeoutMs = 60_000): Promise<ProcessResult> {
  await using child = await startJava(program);
  await child.closeInput();
  return await child.waitForExit(timeoutMs);
}

/** Runs a command of Java's mqadmin and gives back what it printed; its exit code is 0 even when it failed. */
export function runMqadmin(
  options: { version: RocketmqVersion; dir: string; namesrvAddr: string; args: readonly string[] },
): Promise<ProcessResult> {
  return runJava({
    version: options.version,
    dir: options.dir,
    name: `mqadmin-${options.args[0] ?? "help"}`,
    mainClass: "org.apache.rocketmq.tools.command.MQAdminStartup",
    args: [...options.args, "-n", options.namesrvAddr],
  });
}

const compiled = new Map<string, Promise<string>>();

/**
 * Compiles a program of `tests/interop/java` with what it uses there against a release, once in a run, and returns the folder
 * of the classes. Each one by itself: a program may need a release that another one does not run with.
 */
export function compileOwnProgram(version: RocketmqVersion, name: string): Promise<string> {
  const key = `${version}/${name}`;
  const running = compiled.get(key) ?? compile(version, name);
  compiled.set(key, running);
  return running;
}

async function compile(version: RocketmqVersion, name: string): Promise<string> {
  const jars = await fetchRocketmq(version);
  const classes = await Deno.makeTempDir({ dir: cacheFolder(), prefix: `classes-${version}.` });
  globalThis.addEventListener("unload", () => Deno.removeSync(classes, { recursive: true }));
  const options = ["-nowarn", "-Xlint:none", "--release", "11", "-cp", `${jars}/*`, "-sourcepath", ".", "-d", classes];
  const result = await new Deno.Command(locateJavaTools().javac, {
    args: [...options, `${name}.java`],
    cwd: OWN_SOURCES,
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (!result.success) {
    throw new Error(`Cannot compile ${name} for ${version}:\n${new TextDecoder().decode(result.stderr)}`);
  }
  return classes;
}

function simpleName(mainClass: string): string {
  return mainClass.slice(mainClass.lastIndexOf(".") + 1);
}
