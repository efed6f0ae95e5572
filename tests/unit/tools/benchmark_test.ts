import { assert, assertEquals } from "@std/assert";
import { ReceivedMessage } from "../../../src/client/message.ts";
import { SimClock } from "../../../src/common/clock_sim.ts";
import { SeededRandom } from "../../../src/common/random.ts";
import {
  BenchmarkReport,
  decimal,
  perSecond,
  randomProperties,
  randomText,
} from "../../../src/tools/benchmark_report.ts";
import { TransactionScript } from "../../../src/tools/benchmark_transaction_producer.ts";
import { GivenOptions } from "../../../src/tools/command.ts";
import { findProgram, programNames } from "../../../src/tools/programs.ts";
import { systemWorld, type ToolWorld } from "../../../src/tools/world.ts";

Deno.test("a report compares snapshots nine seconds apart, and says nothing before there are ten", async () => {
  const clock = new SimClock(1_700_000_000_000);
  const counters = { sent: 0 };
  const lines: string[] = [];
  const report = new BenchmarkReport(clock, counters, {
    intervalMs: 4000,
    report: (begin, end) => void lines.push(`${end.atMs - begin.atMs} ${perSecond(begin, end, (each) => each.sent)}`),
  });
  for (let second = 0; second < 21; second++) {
    counters.sent += 500;
    await clock.advance(1000);
  }
  assertEquals(lines, ["9000 500", "9000 500", "9000 500"]); // at 12, 16 and 20 s
  const last = report.stop();
  assertEquals(last?.[1].counters.sent, 21 * 500);
});

Deno.test("numbers look as Java's", () => {
  assertEquals([decimal(1.5), decimal(1234.5678), decimal(0 / 0)], ["  1.500", "1234.568", "    NaN"]);
});

Deno.test("bodies and properties have the wanted size", () => {
  const random = new SeededRandom(1);
  assert(/^[A-Za-z0-9]{128}$/.test(randomText(random, 128)));
  const properties = Object.entries(randomProperties(random, 100));
  const size = properties.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  assert(size > 100 && size < 130, String(size));
});

function script(options: Record<string, string>): { script: TransactionScript; lines: string[] } {
  const lines: string[] = [];
  const world = { clock: new SimClock(1_700_000_000_000), random: new SeededRandom(7) };
  const values = new GivenOptions(new Map(Object.entries(options)));
  const given = {
    options: values,
    world: world as unknown as ToolWorld,
    print: (line: string) => void lines.push(line),
  };
  return { script: new TransactionScript(given), lines };
}

function asked(body: Uint8Array, times: number): ReceivedMessage {
  const message = new ReceivedMessage();
  message.body = body;
  message.properties.set("TRANSACTION_CHECK_TIMES", String(times));
  return message;
}

Deno.test("a transaction's outcomes are in its body; a check of what was decided, and a second one, are counted", () => {
  const { script: committed, lines } = script({ b: "1" });
  const body = committed.makeBody();
  assertEquals(body.length, 2048);
  assertEquals(committed.executeLocalTransaction({ body }), "COMMIT_MESSAGE");
  assertEquals(committed.checkLocalTransaction(asked(body, 1)), "COMMIT_MESSAGE");
  assertEquals(committed.checkLocalTransaction(asked(body, 1)), "COMMIT_MESSAGE");
  const { checks, unexpectedChecks, duplicatedChecks } = committed.counters;
  assertEquals([checks, unexpectedChecks, duplicatedChecks, lines.length], [2, 2, 1, 2]);

  const { script: open } = script({ b: "1", su: "1.0", cu: "1.0" });
  const unknown = open.makeBody();
  assertEquals(open.executeLocalTransaction({ body: unknown }), "UNKNOW");
  assertEquals(open.checkLocalTransaction(asked(unknown, 1)), "UNKNOW");
  assertEquals(open.checkLocalTransaction(asked(unknown, 2)), "UNKNOW");
  assertEquals([open.counters.unexpectedChecks, open.counters.duplicatedChecks], [0, 0]);
  const { script: other } = script({ b: "2" });
  assertEquals(other.checkLocalTransaction(asked(unknown, 1)), "ROLLBACK_MESSAGE"); // of another run
});

Deno.test("every program is found by its class name with and without the package, and prints its usage", async () => {
  const names = programNames();
  assert(names.includes("quickstart.Producer") && names.includes("benchmark.timer.TimerConsumer"));
  for (const name of names) {
    const load = findProgram(`org.apache.rocketmq.example.${name}`);
    assert(load !== undefined && findProgram(name) !== undefined, name);
    let printed = "";
    const code = await (await load())(["-h"], { ...systemWorld(), write: (text) => void (printed += text) });
    assertEquals(code, 0);
    assert(printed.startsWith(`usage: rucola tools ${name}`), printed);
  }
  assertEquals(findProgram("quickstart.Nobody"), undefined);
  assertEquals(findProgram("constructor"), undefined);
});
