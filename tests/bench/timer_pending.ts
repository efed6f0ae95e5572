/**
 * Ten million pending timer messages on the machine's disk: memory, cost of a new one, start, accuracy of delivery.
 * `deno run -A tests/bench/timer_pending.ts [count] [directory]`; the directory is removed at the end.
 *
 * Not part of the tests: it writes about 4 GB.
 *
 * @module
 */
import { brokerMessage, MessagePut } from "../../src/broker/message_put.ts";
import { timerRewriter } from "../../src/broker/timer/rewriter.ts";
import { Timer } from "../../src/broker/timer/timer.ts";
import { utf8 } from "../../src/common/bytes.ts";
import { SystemClock } from "../../src/common/clock.ts";
import { removeTree } from "../../src/common/disk.ts";
import { DenoDisk } from "../../src/common/disk_deno.ts";
import { SeededRandom } from "../../src/common/random.ts";
import { defaultStoreOptions, MessageStore, PullResult, PullStatus } from "../../src/store/store.ts";
import { readStoredMessages } from "../../src/broker/stored_message.ts";

const COUNT = Number(Deno.args[0] ?? 10_000_000);
const ROOT = Deno.args[1] ?? "/tmp/timer_pending";
const TICK_MS = 1000;
/** Messages that one turn stores. */
const TURN = 256;
/** The window in which delivery is measured, and how many messages are due in it. */
const WINDOW_MS = 20_000;
const WINDOW_COUNT = 20_000;
const DAY_MS = 86_400_000;

const clock = new SystemClock();
const disk = new DenoDisk();
const random = new SeededRandom(1);
const host = { hostBytes: new Uint8Array([127, 0, 0, 1]), port: 1 };
const quiet = { info: () => {}, warn: console.warn, error: console.error };

async function open() {
  let ends: (() => void)[] = [];
  let timer: Timer | null = null;
  const store = await MessageStore.open({
    disk,
    clock,
    log: quiet,
    options: defaultStoreOptions(ROOT, { messageIndexEnable: false, diskFreeBytesEnough: 1 << 28 }),
    storeHost: host.hostBytes,
    storePort: host.port,
    atEndOfTurn: (fn) => {
      if (ends.length === 0) {
        queueMicrotask(() => {
          const now = ends;
          ends = [];
          for (const end of now) end();
        });
      }
      ends.push(fn);
    },
    onArrival: ({ topic }) => {
      if (topic === "rmq_sys_wheel_timer") timer?.arrived();
    },
  });
  const put = new MessagePut(store);
  const now = () => clock.now();
  put.addRewriter(timerRewriter({ isEnabled: () => true, tickMs: TICK_MS, delayMaxMs: () => Infinity, now }));
  timer = new Timer({ store, put, disk, clock, log: quiet, settings: { rootDir: ROOT, tickMs: TICK_MS } });
  await timer.open();
  return { store, put, timer };
}

type Opened = Awaited<ReturnType<typeof open>>;

const body = utf8("0123456789");
function send({ put }: Opened, delayMs: number): void {
  put.put(brokerMessage({
    topic: "T",
    bornTimestamp: clock.now(),
    bornHost: host,
    body,
    properties: new Map([["UNIQ_KEY", "7F0000010001C0DE0000000000000001"], ["TIMER_DELAY_MS", String(delayMs)]]),
  }));
}

async function sendMany(opened: Opened, count: number, delayMs: () => number): Promise<number> {
  const since = performance.now();
  for (let sent = 0; sent < count; sent += TURN) {
    for (let i = Math.min(TURN, count - sent); i > 0; i--) send(opened, delayMs());
    await new Promise((resolve) => setTimeout(resolve));
    // The reader's own back-pressure is the producer's: wait for it.
    while (opened.timer.figures().offsetBehind > 100_000) await clock.sleep(5);
  }
  while (opened.timer.figures().offsetBehind > 0) await clock.sleep(5);
  return performance.now() - since;
}

async function measured(what: string, work: () => Promise<unknown>): Promise<void> {
  const since = performance.now();
  await work();
  report(what, `${((performance.now() - since) / 1000).toFixed(2)} s`);
}

function report(what: string, figure: string): void {
  const rss = Deno.memoryUsage().rss / 1048576;
  console.log(`${what.padEnd(60)} ${figure.padEnd(28)} resident ${rss.toFixed(0)} MiB`);
}

function directorySize(path: string): number {
  return disk.list(path).reduce((sum, entry) => sum + entry.sizeBytes, 0);
}

async function deliver(opened: Opened): Promise<void> {
  const { store, timer } = opened;
  timer.start();
  const from = store.maxOffset("T", 0);
  await sendMany(opened, WINDOW_COUNT, () => 5000 + random.int(WINDOW_MS));
  await clock.sleep(WINDOW_MS + 8000);
  const exact = await exactLateness(opened, from);
  exact.sort((a, b) => a - b);
  const at = (part: number) => exact[Math.min(exact.length - 1, Math.floor(part * exact.length))];
  report(
    `${exact.length} delivered in ${WINDOW_MS / 1000} s: ms after the due time`,
    `p50 ${at(0.5)} p99 ${at(0.99)} max ${at(1)}`,
  );
}

/** Store time of each delivered message less its due time; the born time is the time of sending here. */
async function exactLateness({ store }: Opened, from: number): Promise<number[]> {
  const out: number[] = [];
  const result = new PullResult();
  for (let offset = from;;) {
    const status = store.pull(store.queue("T", 0), offset, 32, 1 << 20, null, result);
    if (status === PullStatus.PENDING) await store.load([...result.missing]);
    else if (status !== PullStatus.FOUND) return out;
    else {
      for (const { properties, storeTimestamp, bornTimestamp } of readStoredMessages(result.parts)) {
        out.push(storeTimestamp - bornTimestamp - Number(properties.get("TIMER_DELAY_MS")));
      }
      offset = result.nextBeginOffset;
    }
  }
}

removeTree(disk, ROOT);
disk.makeDirectory(ROOT);
try {
  let opened = await open();
  report("empty", "");
  const base = Deno.memoryUsage().rss;
  const ms = await sendMany(opened, COUNT, () => 60_000 * 60 + random.int(60 * DAY_MS));
  report(`${COUNT} sent and filed, due within 60 days`, `${(ms * 1000 / COUNT).toFixed(1)} µs each`);
  await measured("merging what is left to merge", () => opened.timer.index.settled());
  const grown = (Deno.memoryUsage().rss - base) / COUNT;
  report("memory for each pending message", `${grown.toFixed(1)} bytes`);
  report(
    "index on disk",
    `${(directorySize(`${ROOT}/timer`) / COUNT).toFixed(1)} bytes each, ${opened.timer.index.runs.length} runs`,
  );
  await deliver(opened);
  await measured("clean stop", async () => {
    await opened.timer.close();
    await opened.store.close();
  });
  await measured("start of store and timers", async () => void (opened = await open()));
  report("pending after start", String(opened.timer.figures().pending));
  await deliver(opened);
  await opened.timer.close();
  await opened.store.close();
} finally {
  removeTree(disk, ROOT);
}
