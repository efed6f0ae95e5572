/**
 * A broker on a real file system of a few MiB: what producers are told when it is full, that sending resumes by itself when
 * there is room, and that a volume which turns read-only makes the store read-only, with everything readable. Needs root, for
 * it mounts an image; skipped otherwise.
 *
 * @module
 */
import { type Check, type CheckContext, type Cluster, Skip } from "../../scripts/interop/check.ts";
import { waitFor } from "../../scripts/interop/process.ts";
import { createTopic, type RawReply, rawRequest } from "../../scripts/interop/raw_client.ts";

const TOPIC = "FullDisk";
const BODY_SIZE = 16 * 1024;
/** What else is on the volume, and can go. */
const BALLAST_SIZE = 24 * 1024 * 1024;
const SENDS_MAX = 20_000;
const PATIENCE_MS = 40_000;
const SEND_MESSAGE = 10;
const GET_MAX_OFFSET = 30;
const SERVICE_NOT_AVAILABLE = 14;

/** Small files, so that a small volume holds several; rounds of retention follow each other quickly. */
const PROPERTIES = {
  mappedFileSizeCommitLog: "4194304",
  mappedFileSizeConsumeQueue: "20000",
  maxHashSlotNum: "1000",
  maxIndexNum: "4000",
  cleanResourceInterval: "1000",
  cleanFileForciblyEnable: "false",
};

/** What must hold when a disk fails an operator. */
export const FULL_DISK_CHECKS: readonly Check[] = [
  {
    name: "disk.fillsUp",
    about:
      "a full volume refuses messages with code 14, figures and prospects, and takes them again when there is room",
    run: (context) => onVolume(context, PROPERTIES, fillsUp),
  },
  {
    name: "disk.noSpaceAtAll",
    about:
      "without a warning level, a write that finds no space takes back what it wrote, and nothing acknowledged is lost",
    run: (context) => onVolume(context, { ...PROPERTIES, diskFreeBytesEnough: "1" }, findsNoSpace),
  },
  {
    name: "disk.turnsReadOnly",
    about: "a volume that turns read-only makes the store read-only until a restart, and what is stored stays readable",
    run: (context) => onVolume(context, { ...PROPERTIES, flushDiskType: "SYNC_FLUSH" }, turnsReadOnly),
  },
];

/** A cluster whose broker has its store on a volume of its own. */
interface VolumeCluster {
  readonly context: CheckContext;
  readonly cluster: Cluster;
  /** Where the volume is mounted. */
  readonly mount: string;
}

async function onVolume(
  context: CheckContext,
  properties: Readonly<Record<string, string>>,
  run: (volume: VolumeCluster) => Promise<string>,
): Promise<void> {
  if (Deno.uid() !== 0) throw new Skip("only root can mount an image");
  const mount = `${context.dir}/volume`;
  const image = `${context.dir}/image`;
  await Deno.mkdir(mount, { recursive: true });
  await Deno.writeFile(image, new Uint8Array(0));
  await Deno.truncate(image, 64 * 1024 * 1024);
  await command("mkfs.ext4", "-q", "-F", "-m", "0", image);
  try {
    await command("mount", "-o", "loop", image, mount);
  } catch (error) {
    throw new Skip(`an image cannot be mounted here: ${error instanceof Error ? error.message : error}`);
  }
  try {
    await Deno.writeFile(`${mount}/ballast`, new Uint8Array(BALLAST_SIZE).fill(1));
    const paths = { storePathRootDir: `${mount}/store`, storePathCommitLog: `${mount}/store/commitlog` };
    await using cluster = await context.startCluster({ properties: { ...properties, ...paths } });
    await createTopic(cluster.broker.address, TOPIC, 1);
    context.remark = await run({ context, cluster, mount });
  } finally {
    await unmount(mount);
  }
}

async function fillsUp({ cluster, mount }: VolumeCluster): Promise<string> {
  const before = await sendUntilRefused(cluster);
  expectCode(before.refusal, SERVICE_NOT_AVAILABLE);
  for (const part of ["used", "free", "the limit is 90 %", "commitlog file", mount]) {
    if (!before.refusal.remark.includes(part)) throw new Error(`The remark lacks "${part}": ${before.refusal.remark}`);
  }
  await expectOffset(cluster, before.taken);
  await Deno.remove(`${mount}/ballast`);
  await waitFor("messages to be taken again", PATIENCE_MS, async () => (await send(cluster)).code === 0);
  await expectOffset(cluster, before.taken + 1);
  return `${before.taken} taken, then: ${before.refusal.remark.replace(/^.*Cause: /, "")}`;
}

async function findsNoSpace({ cluster, mount }: VolumeCluster): Promise<string> {
  const before = await sendUntilRefused(cluster);
  if (before.refusal.code === 0) throw new Error("The volume never was full");
  await expectOffset(cluster, before.taken);
  await cluster.broker.process.kill();
  await Deno.remove(`${mount}/ballast`);
  await cluster.restartBroker();
  await expectOffset(cluster, before.taken);
  const after = await send(cluster);
  expectCode(after, 0);
  return `${before.taken} taken, then ${before.refusal.code}: ${before.refusal.remark.replace(/^.*Cause: /, "")}`;
}

async function turnsReadOnly({ cluster, mount }: VolumeCluster): Promise<string> {
  for (let i = 0; i < 50; i++) expectCode(await send(cluster), 0);
  // What ext4 does by itself after an error of its device.
  await command("mount", "-o", "remount,abort", mount).catch((error) => {
    throw new Skip(`the volume cannot be made to fail: ${error.message}`);
  });
  let refusal: RawReply = { code: 0, remark: "", extFields: {}, body: new Uint8Array(0) };
  let taken = 50;
  for (let i = 0; i < 2000 && refusal.code === 0; i++) {
    refusal = await send(cluster);
    if (refusal.code === 0) taken++;
  }
  if (refusal.code === 0) throw new Error("Messages are taken by a volume that has failed");
  expectCode(await send(cluster), SERVICE_NOT_AVAILABLE);
  await expectOffset(cluster, taken);
  const later = await send(cluster);
  expectCode(later, SERVICE_NOT_AVAILABLE);
  return `${taken} taken, then ${refusal.code} ${refusal.remark.replace(/^.*Cause: /, "")}; later: ${
    later.remark.replace(/^.*Cause: /, "")
  }`;
}

/** Sends until a message is not taken. */
async function sendUntilRefused(cluster: Cluster): Promise<{ taken: number; refusal: RawReply }> {
  for (let taken = 0; taken < SENDS_MAX; taken++) {
    const reply = await send(cluster);
    if (reply.code !== 0) return { taken, refusal: reply };
  }
  throw new Error(`${SENDS_MAX} messages of ${BODY_SIZE} bytes fit on the volume`);
}

const body = new Uint8Array(BODY_SIZE).fill(120);

function send(cluster: Cluster): Promise<RawReply> {
  return rawRequest(cluster.broker.address, SEND_MESSAGE, {
    producerGroup: "FullDiskProducer",
    topic: TOPIC,
    defaultTopic: "TBW102",
    defaultTopicQueueNums: "4",
    queueId: "0",
    sysFlag: "0",
    bornTimestamp: String(Date.now()),
    flag: "0",
    properties: "",
    reconsumeTimes: "0",
    unitMode: "false",
    batch: "false",
  }, body);
}

/** Everything that was taken is there, and nothing that was refused. */
async function expectOffset(cluster: Cluster, expected: number): Promise<void> {
  const reply = await rawRequest(cluster.broker.address, GET_MAX_OFFSET, { topic: TOPIC, queueId: "0" });
  const found = Number(reply.extFields["offset"]);
  if (found !== expected) throw new Error(`The queue ends at ${found}, ${expected} messages were taken`);
}

function expectCode(reply: RawReply, code: number): void {
  if (reply.code !== code) throw new Error(`Expected code ${code}, got ${reply.code}: ${reply.remark}`);
}

/** The broker may need a moment to let go of its files. */
async function unmount(mount: string): Promise<void> {
  await waitFor(
    "the volume to be unmounted",
    PATIENCE_MS,
    () => command("umount", mount).then(() => true, () => false),
  );
}

async function command(name: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(name, { args, stdout: "piped", stderr: "piped" }).output()
    .catch((error) => {
      throw new Skip(`${name} cannot be run: ${error instanceof Error ? error.message : error}`);
    });
  if (!success) throw new Error(`${name} ${args.join(" ")}: ${new TextDecoder().decode(stderr).trim()}`);
  return new TextDecoder().decode(stdout);
}
