import { assertEquals, assertThrows } from "@std/assert";
import { type Account, Ledger, placesOf } from "./mixed_run_ledger.ts";

const NOW_MS = 1_000_000;

function ledgerOf(sent: readonly string[], received: readonly string[]): Ledger {
  const ledger = new Ledger();
  sent.forEach((line) => ledger.addSent(line));
  received.forEach((line) => ledger.addReceived(line));
  return ledger;
}

function accountOf(ledger: Ledger, name: string): Account {
  const account = ledger.accounts(NOW_MS).find((each) => each.name === name);
  if (account === undefined) throw new Error(`no account ${name}`);
  return account;
}

Deno.test("an acknowledged message that a subscribed group never got is missing, in the groups that filter it out not", () => {
  const ledger = ledgerOf(["ordinary:1 OK ID1 0 5 100 101 TagC:1:eu"], ["R MixedAll m ordinary:1 0 5 0 ok 100 102 7"]);
  const account = accountOf(ledger, "MixedAll");
  assertEquals([account.acknowledged, account.consumed, account.missing], [1, 1, []]);
  assertEquals(accountOf(ledger, "MixedPop").missing, ["ordinary:1"]);
  assertEquals(accountOf(ledger, "MixedTagged").acknowledged, 0);
  assertEquals(accountOf(ledger, "MixedSql").acknowledged, 0);
  assertEquals(accountOf(ledger, "MixedBroadcast-a").missing, ["ordinary:1"]);
});

Deno.test("each member of the broadcasting group has its own account", () => {
  const ledger = ledgerOf(["batch:1 OK ID1 0 5 100 101 TagA:10:none"], [
    "R MixedBroadcast MixedBroadcast-a batch:1 0 5 0 ok 100 102 7",
  ]);
  assertEquals(accountOf(ledger, "MixedBroadcast-a").missing, []);
  assertEquals(accountOf(ledger, "MixedBroadcast-b").missing, ["batch:1"]);
  assertEquals(accountOf(ledger, "MixedSql").missing, ["batch:1"]);
});

Deno.test("what was not acknowledged may come or not, and what is not the group's is wrong", () => {
  const ledger = ledgerOf([
    "ordinary:1 RemotingTimeoutException - -1 -1 100 101 TagA:1:eu",
    "ordinary:2 OK ID2 0 5 100 101 TagC:2:us",
    "transaction:3 OK ID3 0 6 100 101 rollback",
    "transaction:4 MQClientException - -1 -1 100 101 commit",
  ], [
    "R MixedTagged m ordinary:1 0 4 0 ok 100 102 7",
    "R MixedTagged m ordinary:2 0 5 0 ok 100 102 7",
    "R MixedTagged m ordinary:9 0 6 0 ok 100 102 7",
    "R MixedCommitted m transaction:3 0 6 0 ok 100 102 7",
    "R MixedCommitted m transaction:4 0 7 0 ok 100 102 7",
  ]);
  const tagged = accountOf(ledger, "MixedTagged");
  assertEquals([tagged.unsureConsumed, tagged.wrong, tagged.missing], [1, ["ordinary:2", "ordinary:9"], []]);
  assertEquals(accountOf(ledger, "MixedCommitted").wrong, ["transaction:3", "transaction:4"]);
  assertEquals(ledger.unsure, new Map([["RemotingTimeoutException", 1], ["MQClientException", 1]]));
  assertEquals(placesOf(ledger, ["ordinary"]).map((sent) => sent.msgId), ["ID2"]);
});

Deno.test("further deliveries are told apart: the same place again, another copy, a retry", () => {
  const ledger = ledgerOf(["retried:1 OK ID1 0 5 100 101 -", "retried:10 OK ID2 0 6 100 101 -"], [
    "R MixedFailing m retried:1 0 5 0 failed 100 102 7",
    "R MixedFailing n retried:1 0 5 0 failed 100 103 8",
    "R MixedFailing m retried:1 0 0 1 ok 100 104 9",
    "R MixedFailing m retried:1 0 1 1 ok 100 105 10",
    "R MixedFailing m retried:10 0 6 0 failed 100 102 7",
  ]);
  const account = accountOf(ledger, "MixedFailing");
  assertEquals([account.again, account.copies, account.retries], [1, 1, 1]);
  assertEquals([account.consumed, account.missing], [1, ["retried:10"]]);
  ledger.addDeadLetter("ID2");
  assertEquals([accountOf(ledger, "MixedFailing").deadLettered, accountOf(ledger, "MixedFailing").missing], [1, []]);
});

Deno.test("a message of a key that comes before its predecessor is an order fault; a redelivery behind it is none", () => {
  const sent = [1, 2, 3].map((number) => `ordered:0:${number} OK ID${number} 0 ${number} 100 101 -`);
  const delivery = (number: number, startNs: number) =>
    `R MixedOrderly m ordered:0:${number} 0 ${number} 0 ok 1 2 ${startNs}`;
  assertEquals(
    ledgerOf(sent, [delivery(1, 10), delivery(2, 20), delivery(1, 30), delivery(2, 40), delivery(3, 50)]).orderFaults(),
    [],
  );
  assertEquals(ledgerOf(sent, [delivery(1, 10), delivery(3, 20), delivery(2, 30)]).orderFaults(), [
    "key 0: 3 after 1",
    "key 0: 2 after 3",
  ]);
});

Deno.test("two members at work on one queue at the same time are an overlap", () => {
  const line = (member: string, number: number, startNs: number) =>
    `R MixedOrderly ${member} ordered:0:${number} 0 ${number} 0 ok 1 2 ${startNs}`;
  const end = (member: string, number: number, endNs: number) =>
    `E MixedOrderly ${member} ordered:0:${number} ${endNs}`;
  assertEquals(ledgerOf([], [line("a", 1, 10), end("a", 1, 20), line("b", 2, 20), end("b", 2, 30)]).overlaps(), []);
  assertEquals(ledgerOf([], [line("a", 1, 10), end("a", 1, 20), line("b", 2, 19), end("b", 2, 30)]).overlaps(), [
    "queue 0: b began ordered:0:2 while a had ordered:0:1",
  ]);
});

Deno.test("a delayed message before its time is early; one that is not due is pending", () => {
  const ledger = ledgerOf([
    "delayed:1 OK ID1 0 5 1000 1001 5000",
    "timed:2 OK ID2 0 6 1000 1001 500",
    "timed:50 OK ID3 0 7 1000 1001 3600000",
  ], [
    "R MixedLater m delayed:1 0 5 0 ok 6030 6031 7",
    "R MixedLater m timed:2 0 6 0 ok 9999 9999 8",
    "R MixedLater m timed:2 0 6 0 ok 1300 1301 7",
  ]);
  const account = accountOf(ledger, "MixedLater");
  assertEquals([account.acknowledged, account.consumed, account.pending, account.missing], [3, 2, 1, []]);
  assertEquals(ledger.early(100), ["timed:2 (500 ms) 200 ms early"]);
  assertEquals(ledger.lateness("delayed", [], "outside").most, 30);
  assertEquals(ledger.lateness("delayed", [{ fromMs: 5900, toMs: 6100 }], "outside").count, 0);
});

Deno.test("a line that nobody wrote is refused", () => {
  assertThrows(() => ledgerOf(["ordinary:1 OK"], []), Error, "ordinary:1 OK");
  assertThrows(() => ledgerOf([], ["R MixedAll m"]), Error, "R MixedAll m");
});
