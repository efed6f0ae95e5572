/**
 * What an append costs: 10-byte bodies with the properties of a Java client, 64 a turn, on the machine's disk. The turn's
 * write is measured apart. `deno run -A tests/bench/append_bench.ts [messages]`
 *
 * @module
 */
import { utf8 } from "../../src/common/bytes.ts";
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
  const m = message();
  const out = new AppendResult();
  const keyEnd = utf8(`UNIQ_KEY\x01${UNIQ_KEY}`).length;
  const waiter = { settle() {} };
  let [appendMs, turnMs] = [0, 0];
  for (let round = 0; round < 5; round++) {
    [appendMs, turnMs] = [0, 0];
    for (let sent = 0; sent < COUNT / 5;) {
      const start = performance.now();
      for (let i = 0; i < TURN; i++, sent++) {
        m.queueId = sent & 15;
        for (let at = keyEnd - 5, n = sent; at < keyEnd; at++, n >>>= 4) m.properties[at] = 65 + (n & 15);
        if (store.append(m, out) !== PutStatus.PUT_OK) throw new Error(store.problem());
        store.whenSafe(out.endOffset, true, waiter);
      }
      const middle = performance.now();
      endTurn();
      const end = performance.now();
      appendMs += middle - start;
      turnMs += end - middle;
      if (sent % (TURN * 1000) === 0) await new Promise((resolve) => setTimeout(resolve, 0));
    }
    const each = (ms: number) => (ms * 1e6 / (COUNT / 5)).toFixed(0);
    console.log(`append ${each(appendMs)} ns, turn's end ${each(turnMs)} ns a message (${TURN} a turn)`);
  }
  await readBack(store);
  const closing = performance.now();
  await store.close();
  console.log(`close ${(performance.now() - closing).toFixed(0)} ms`);
  Deno.removeSync(directory, { recursive: true });
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
