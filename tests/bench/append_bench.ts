/**
 * What an append costs: 10-byte bodies with the properties of a Java client, 64 a turn one by one, then 64 batches of 32 a
 * turn, on the machine's disk. The turn's write is measured apart. `deno run -A tests/bench/append_bench.ts [messages]`
 *
 * @module
 */
import { putI16, putI32, utf8 } from "../../src/common/bytes.ts";
import { SystemClock } from "../../src/common/clock.ts";
import { DenoDisk } from "../../src/common/disk_deno.ts";
import { SILENT_LOG } from "../../src/common/log.ts";
import {
  AppendMessage,
  AppendResult,
  defaultStoreOptions,
  MessageStore,
  PullResult,
  PullStatus,
  PutStatus,
} from "../../src/store/store.ts";

const COUNT = Number(Deno.args[0] ?? 1_000_000);
const TURN = 64;
const BATCH = 32;
const UNIQ_KEY = "7F0000010001B1A136926D5B4E2A0000";

function message(): AppendMessage {
  const m = new AppendMessage();
  m.topic = "BenchmarkTest";
  m.body = utf8("0123456789");
  m.bodyEnd = m.body.length;
  m.properties = utf8(`UNIQ_KEY\x01${UNIQ_KEY}\x02WAIT\x01true\x02TAGS\x01TagA\x02`);
  m.propertiesEnd = m.properties.length;
  m.propertiesSuffix = utf8("MSG_REGION\x01DefaultRegion\x02TRACE_ON\x01true\x02CLUSTER\x01DefaultCluster\x02");
  m.tagsCode = 2598919;
  return m;
}

async function main(): Promise<void> {
  const directory = Deno.makeTempDirSync({ prefix: "append_bench_" });
  let endTurn: () => void = () => {};
  const store = await MessageStore.open({
    disk: new DenoDisk(),
    clock: new SystemClock(),
    log: SILENT_LOG,
    options: defaultStoreOptions(directory),
    storeHost: new Uint8Array([127, 0, 0, 1]),
    storePort: 10911,
    atEndOfTurn: (fn) => endTurn = fn,
  });
  await measure(store, () => endTurn(), { name: "one by one", perCall: 1, append: oneByOne(store) });
  await measure(store, () => endTurn(), { name: `batches of ${BATCH}`, perCall: BATCH, append: batches(store) });
  await readBack(store);
  const closing = performance.now();
  await store.close();
  console.log(`close ${(performance.now() - closing).toFixed(0)} ms`);
  Deno.removeSync(directory, { recursive: true });
}

/** Appends the messages from number `first` on. */
type Append = (first: number, out: AppendResult) => PutStatus;

function oneByOne(store: MessageStore): Append {
  const m = message();
  const keyEnd = utf8(`UNIQ_KEY\x01${UNIQ_KEY}`).length;
  return (first, out) => {
    m.queueId = first & 15;
    number(m.properties, keyEnd, first);
    return store.append(m, out);
  };
}

function batches(store: MessageStore): Append {
  const one = message();
  const itemSize = 22 + one.bodyEnd + one.propertiesEnd;
  const m = new AppendMessage();
  m.topic = one.topic;
  m.body = new Uint8Array(BATCH * itemSize);
  m.bodyEnd = m.body.length;
  for (let at = 0; at < m.bodyEnd; at += itemSize) {
    putI32(m.body, at, itemSize);
    putI32(m.body, at + 16, one.bodyEnd);
    m.body.set(one.body, at + 20);
    putI16(m.body, at + 20 + one.bodyEnd, one.propertiesEnd);
    m.body.set(one.properties, at + 22 + one.bodyEnd);
  }
  const keyEnd = 22 + one.bodyEnd + utf8(`UNIQ_KEY\x01${UNIQ_KEY}`).length;
  return (first, out) => {
    m.queueId = (first / BATCH) & 15;
    for (let i = 0; i < BATCH; i++) number(m.body, i * itemSize + keyEnd, first + i);
    return store.appendBatch(m, out);
  };
}

/** Writes a number as five letters before `end`. */
function number(bytes: Uint8Array, end: number, value: number): void {
  for (let at = end - 5, n = value; at < end; at++, n >>>= 4) bytes[at] = 65 + (n & 15);
}

async function measure(
  store: MessageStore,
  endTurn: () => void,
  work: { readonly name: string; readonly perCall: number; readonly append: Append },
): Promise<void> {
  const out = new AppendResult();
  const waiter = { settle() {} };
  for (let round = 0; round < 5; round++) {
    let [appendMs, turnMs] = [0, 0];
    for (let sent = 0, turns = 0; sent < COUNT / 5; turns++) {
      const start = performance.now();
      for (let i = 0; i < TURN; i++, sent += work.perCall) {
        if (work.append(sent, out) !== PutStatus.PUT_OK) throw new Error(store.problem());
        store.whenSafe(out.endOffset, true, waiter);
      }
      const middle = performance.now();
      endTurn();
      const end = performance.now();
      appendMs += middle - start;
      turnMs += end - middle;
      if (turns % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
    }
    const each = (ms: number) => (ms * 1e6 / (COUNT / 5)).toFixed(0);
    console.log(`${work.name}: append ${each(appendMs)} ns, turn's end ${each(turnMs)} ns a message (${TURN} a turn)`);
  }
}

async function readBack(store: MessageStore): Promise<void> {
  const result = new PullResult();
  const queue = store.queue("BenchmarkTest", 0);
  const start = performance.now();
  let [count, loads] = [0, 0];
  for (let at = 0;;) {
    const status = store.pull(queue, at, 32, 262144, null, result);
    if (status === PullStatus.PENDING) {
      loads++;
      await store.load(result.missing);
    } else if (status === PullStatus.FOUND) {
      count += result.count;
      at = result.nextBeginOffset;
    } else break;
  }
  const ms = performance.now() - start;
  console.log(
    `pull of ${count} messages from the beginning: ${(ms * 1e6 / count).toFixed(0)} ns a message, ${loads} loads`,
  );
}

await main();
