import { assertEquals, assertThrows } from "@std/assert";
import {
  decodeFault,
  decodeKeepAlive,
  decodeLeaseGrant,
  decodeRange,
  decodeTransaction,
  encodeRange,
  encodeTransaction,
  isChange,
} from "../../../src/election/etcd_messages.ts";

// Answers as etcd 3.4.23 gave them to `curl http://127.0.0.1:2379/v3/… -d …`.
const HEAD =
  '"header":{"cluster_id":"14443903163313418560","member_id":"11417610130673999598","revision":"2","raft_term":"2"}';

Deno.test("requests are what etcd's gateway understands", () => {
  assertEquals(encodeRange("/rucola/"), '{"key":"L3J1Y29sYS8=","range_end":"L3J1Y29sYTA="}');
  const text = encodeTransaction({
    compare: [{ key: "/rucola/a", target: "CREATE", revision: 0 }, { key: "/rucola/b", target: "MOD", revision: 7 }],
    puts: [{ key: "/rucola/a", value: "hello", lease: "2228897140895465221" }],
    deletes: ["/rucola/a"],
  });
  assertEquals(JSON.parse(text), {
    compare: [
      { key: "L3J1Y29sYS9h", target: "CREATE", result: "EQUAL", create_revision: "0" },
      { key: "L3J1Y29sYS9i", target: "MOD", result: "EQUAL", mod_revision: "7" },
    ],
    success: [
      { request_put: { key: "L3J1Y29sYS9h", value: "aGVsbG8=", lease: "2228897140895465221" } },
      { request_delete_range: { key: "L3J1Y29sYS9h" } },
    ],
  });
});

Deno.test("answers: keys with revisions, how a transaction ended, leases whose ids are larger than a number", () => {
  const kvs =
    '"kvs":[{"key":"L3J1Y29sYS9h","create_revision":"2","mod_revision":"2","version":"1","value":"aGVsbG8="}]';
  assertEquals(decodeRange(`{${HEAD},${kvs},"count":"1"}`), [
    { key: "/rucola/a", value: "hello", createRevision: 2, modRevision: 2, lease: "" },
  ]);
  assertEquals(decodeRange(`{${HEAD}}`), []);
  const put = '"responses":[{"response_put":{"header":{"revision":"2"}}}]';
  assertEquals(decodeTransaction(`{${HEAD},"succeeded":true,${put}}`), { succeeded: true, revision: 2 });
  assertEquals(decodeTransaction(`{${HEAD}}`), { succeeded: false, revision: 2 });
  assertEquals(decodeLeaseGrant(`{${HEAD},"ID":"2228897140895465221","TTL":"3"}`), "2228897140895465221");
  assertEquals(decodeKeepAlive(`{"result":{${HEAD},"ID":"2228897140895465221","TTL":"3"}}`), 3);
  assertEquals(decodeKeepAlive(`{"result":{${HEAD},"ID":"123"}}`), 0);
});

Deno.test("errors and watches", () => {
  const lost =
    '{"error":"etcdserver: requested lease not found","message":"etcdserver: requested lease not found","code":5}';
  assertEquals(decodeFault(lost), { message: "etcdserver: requested lease not found", code: 5 });
  assertEquals(decodeFault("<html>"), null);
  assertEquals(isChange(`{"result":{${HEAD},"created":true}}`), false);
  const event = '"events":[{"type":"DELETE","kv":{"key":"L3J1Y29sYS9h","mod_revision":"3"}}]';
  assertEquals(isChange(`{"result":{${HEAD},${event}}}`), true);
  assertThrows(() => decodeTransaction("{}"), TypeError);
  assertThrows(() => decodeLeaseGrant(`{${HEAD}}`), TypeError);
});
