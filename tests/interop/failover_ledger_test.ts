import { assertEquals } from "@std/assert";
import { type Acknowledged, longestGapMs, outOfOrder, outsideTheirTerm, parseAcknowledged } from "./failover_ledger.ts";

const A = "10.98.0.11:10911";
const B = "10.98.0.12:10911";

const ack = (physicalOffset: number, storedBy: string, sentMs: number, ackedMs: number): Acknowledged => ({
  msgId: `m${physicalOffset}`,
  queueId: 0,
  queueOffset: physicalOffset / 100,
  sentMs,
  ackedMs,
  storedBy,
  physicalOffset,
});

Deno.test("lines of the producer are read, one without its end is not", () => {
  const line = "0A62000100002A139A5500C2D1F40000 3 17 1000 1005 0A62000B00002A9F000000000000ABCD";
  assertEquals(parseAcknowledged(`${line}\n${line.slice(0, 20)}`), [{
    msgId: "0A62000100002A139A5500C2D1F40000",
    queueId: 3,
    queueOffset: 17,
    sentMs: 1000,
    ackedMs: 1005,
    storedBy: "10.98.0.11:10911",
    physicalOffset: 0xabcd,
  }]);
});

Deno.test("a former leader that acknowledges at offsets of its successor's term is found", () => {
  const terms = [{ epoch: 2, leader: B, startOffset: 500 }, { epoch: 1, leader: A, startOffset: 0 }];
  const good = [ack(0, A, 0, 5), ack(400, A, 10, 15), ack(500, B, 20, 25)];
  assertEquals(outsideTheirTerm(good, terms), []);
  const late = ack(500, A, 21, 26);
  assertEquals(outsideTheirTerm([...good, late], terms), [late]);
});

Deno.test("a message that lies before one that was acknowledged before it was sent contradicts the log", () => {
  const [first, second] = [ack(900, A, 0, 5), ack(600, B, 6, 9)];
  assertEquals(outOfOrder([first, ack(700, A, 3, 8)]), [], "both were under way");
  assertEquals(outOfOrder([first, second]), [[first, second]]);
});

Deno.test("the longest time without an acknowledgement", () => {
  assertEquals(longestGapMs([ack(0, A, 0, 10), ack(1, A, 0, 60), ack(2, A, 0, 95)], 0, 100), 50);
  assertEquals(longestGapMs([ack(0, A, 0, 10)], 0, 100), 90);
});
