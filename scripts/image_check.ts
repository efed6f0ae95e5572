/**
 * Performs the steps of the Dockerfile without Docker, and runs what comes out: a directory with the C library of this machine
 * in place of the base image, the copied file, and a chroot with the Dockerfile's user, variables, entry point and command.
 *
 * ```
 * deno task compile && deno run -A scripts/image_check.ts [--binary dist/rucola]
 * ```
 *
 * Needs root on Linux, and says so where it is not. What it cannot check is the base image itself.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { basename, dirname, fromFileUrl, join, resolve } from "@std/path";

const ROOT = dirname(dirname(fromFileUrl(import.meta.url)));

/** One instruction of a Dockerfile. */
export interface Instruction {
  /** In capital letters. */
  readonly name: string;
  /** What stands behind it; continued lines are joined. */
  readonly text: string;
}

/** Reads a Dockerfile: instructions in order, comments and empty lines left out. */
export function parseDockerfile(text: string): Instruction[] {
  const lines = text.replace(/\\\n\s*/g, " ").split("\n").map((line) => line.trim());
  return lines.filter((line) => line !== "" && !line.startsWith("#")).map((line) => {
    const [name = "", ...rest] = line.split(/\s+/);
    return { name: name.toUpperCase(), text: rest.join(" ") };
  });
}

/** What an image says about the process that is run from it. */
export interface Image {
  user: string;
  workingDirectory: string;
  readonly environment: Record<string, string>;
  entryPoint: string[];
  command: string[];
}

/** Performs the instructions on the directory `root`; `args` are the build arguments. @throws {Error} at one it does not know. */
export async function performSteps(
  instructions: readonly Instruction[],
  root: string,
  args: Record<string, string>,
): Promise<Image> {
  const image: Image = { user: "0:0", workingDirectory: "/", environment: {}, entryPoint: [], command: [] };
  const given: Record<string, string> = {};
  for (const { name, text } of instructions) {
    const value = text.replace(/\$\{(\w+)\}/g, (_whole, key: string) => given[key] ?? "");
    const [first = "", second = ""] = value.split(/\s+/);
    if (name === "ARG") {
      const [key = "", fallback = ""] = value.split("=");
      given[key] = args[key] ?? fallback;
    } else if (name === "COPY") {
      await Deno.mkdir(dirname(join(root, second)), { recursive: true });
      await Deno.copyFile(resolve(ROOT, first), join(root, second));
    } else if (name === "USER") image.user = value;
    else if (name === "WORKDIR") {
      image.workingDirectory = value;
      await Deno.mkdir(join(root, value), { recursive: true });
      const [uid, gid] = image.user.split(":").map(Number);
      await Deno.chown(join(root, value), uid!, gid!);
    } else if (name === "ENV") image.environment[value.split("=")[0]!] = value.slice(value.indexOf("=") + 1);
    else if (name === "ENTRYPOINT") image.entryPoint = JSON.parse(value);
    else if (name === "CMD") image.command = JSON.parse(value);
    else if (!["FROM", "VOLUME", "EXPOSE", "STOPSIGNAL"].includes(name)) throw new Error(`no step for ${name} ${text}`);
  }
  return image;
}

/** Puts the shared libraries that a program needs where they are here. */
async function layBase(root: string, program: string): Promise<void> {
  const { stdout } = await new Deno.Command("ldd", { args: [program] }).output();
  for (const [path] of new TextDecoder().decode(stdout).matchAll(/\/\S+\.so\S*/g)) {
    await Deno.mkdir(dirname(join(root, path)), { recursive: true });
    await Deno.copyFile(path, join(root, path));
  }
  for (const directory of ["proc", "dev", "tmp"]) await Deno.mkdir(join(root, directory), { recursive: true });
  await Deno.chmod(join(root, "tmp"), 0o1777);
  await Deno.mkdir(join(root, "etc"), { recursive: true });
  await Deno.writeTextFile(join(root, "etc/passwd"), "nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n");
}

/** The entry point in the directory, with /proc and /dev as Docker mounts them; the mounts go with the process. */
function inside(root: string, image: Image, args: readonly string[]): Deno.Command {
  const mounts = 'mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" && cd "$1$2"';
  const script = `${mounts} && root=$1 user=$3 && shift 3 && exec chroot --userspec="$user" "$root" "$@"`;
  const words = [root, image.workingDirectory, image.user, ...image.entryPoint, ...args];
  return new Deno.Command("unshare", {
    args: ["--mount", "--propagation", "private", "sh", "-c", script, "sh", ...words],
    clearEnv: true,
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", ...image.environment },
    stdout: "piped",
    stderr: "piped",
  });
}

async function main(args: string[]): Promise<number> {
  const { binary } = parseArgs(args, { string: ["binary"], default: { binary: "dist/rucola" } });
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) {
    console.log("skipped: a chroot takes root on Linux");
    return 0;
  }
  const root = await Deno.makeTempDir({ prefix: "rucola_image_" });
  try {
    const instructions = parseDockerfile(await Deno.readTextFile(join(ROOT, "Dockerfile")));
    await Deno.chmod(root, 0o755);
    await layBase(root, resolve(ROOT, binary));
    const image = await performSteps(instructions, root, { BINARY: resolve(ROOT, binary) });
    console.log(
      `image of ${basename(binary)}: user ${image.user}, ${image.entryPoint.join(" ")} ${image.command.join(" ")}`,
    );
    const version = await inside(root, image, ["version"]).output();
    console.log(new TextDecoder().decode(version.stdout).trim() + new TextDecoder().decode(version.stderr));
    if (!version.success) return 1;
    return await startAndStop(root, image);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

/** Runs the image's own command, on free ports, until it is up, and ends it. */
async function startAndStop(root: string, image: Image): Promise<number> {
  const ports = ["--namesrv-port", "0", "--broker-port", "0", "--ip", "127.0.0.1"];
  const child = inside(root, image, [...image.command, ...ports]).spawn();
  let text = "";
  for await (const piece of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += piece;
    if (text.includes("Next: ")) child.kill("SIGTERM");
  }
  const { code } = await child.status;
  console.log(text.trim());
  console.log(new TextDecoder().decode(await new Response(child.stderr).bytes()).trim());
  console.log(`ended with exit code ${code}`);
  return text.includes("Rucola is up") && code === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
