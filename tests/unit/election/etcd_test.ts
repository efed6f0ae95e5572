import { assertEquals, assertRejects } from "@std/assert";
import { SimClock } from "../../../src/common/clock_sim.ts";
import { ConnectionError } from "../../../src/common/errors.ts";
import type { Http, HttpAnswer, HttpPost } from "../../../src/common/http.ts";
import { AuthorityError } from "../../../src/election/authority.ts";
import { Etcd, type EtcdOptions } from "../../../src/election/etcd.ts";

/** Answers by host and path; notes what was asked. */
class TableHttp implements Http {
  readonly asked: string[] = [];

  constructor(readonly answer: (url: string, request: HttpPost) => HttpAnswer | null) {}

  post(request: HttpPost): Promise<HttpAnswer> {
    this.asked.push(request.url);
    const answer = this.answer(request.url, request);
    return answer === null ? Promise.reject(new ConnectionError("timeout", "no answer")) : Promise.resolve(answer);
  }

  follow(): Promise<void> {
    return Promise.resolve();
  }
}

const OPTIONS: EtcdOptions = { endpoints: ["http://a:2379", "http://b:2379"], timeoutMs: 1000, user: null };
const ok = (text: string): HttpAnswer => ({ status: 200, text });
const LEASE_LOST = { status: 404, text: '{"message":"etcdserver: requested lease not found","code":5}' };

Deno.test("a read goes to the next endpoint, and the one that answered is asked first from then on", async () => {
  const http = new TableHttp((url) => url.startsWith("http://a") ? null : ok('{"header":{"revision":"1"}}'));
  const etcd = new Etcd(http, new SimClock(), OPTIONS);
  assertEquals(await etcd.read("/x/"), []);
  assertEquals(await etcd.read("/x/"), []);
  assertEquals(http.asked.map((url) => url[7]), ["a", "b", "b"]);
});

Deno.test("a transaction whose outcome is unknown is not sent again; one that is refused has not happened", async () => {
  const silent = new TableHttp(() => null);
  const unknown = await assertRejects(
    () => new Etcd(silent, new SimClock(), OPTIONS).commit({ compare: [] }),
    AuthorityError,
  );
  assertEquals([unknown.isUnknown, silent.asked.length], [true, 1]);
  const refusing = new TableHttp(() => LEASE_LOST);
  const refused = await assertRejects(
    () => new Etcd(refusing, new SimClock(), OPTIONS).commit({ compare: [] }),
    AuthorityError,
  );
  assertEquals([refused.isUnknown, refusing.asked.length], [false, 1]);
  // Unavailable: it may have been carried out.
  const leaderless = new TableHttp(() => ({
    status: 503,
    text: '{"message":"etcdserver: request timed out","code":14}',
  }));
  const unsure = await assertRejects(
    () => new Etcd(leaderless, new SimClock(), OPTIONS).commit({ compare: [] }),
    AuthorityError,
  );
  assertEquals(unsure.isUnknown, true);
});

Deno.test("a lease that has ended is no failure to revoke, and has no time left", async () => {
  const http = new TableHttp((url) => url.endsWith("revoke") ? LEASE_LOST : ok('{"result":{"ID":"1"}}'));
  const etcd = new Etcd(http, new SimClock(), OPTIONS);
  await etcd.revokeLease("1");
  assertEquals(await etcd.keepAlive("1"), 0);
});

Deno.test("a user's token is asked for once, and again when it is refused", async () => {
  let tokens = 0;
  const http = new TableHttp((url, { headers }) => {
    if (url.endsWith("authenticate")) return ok(`{"token":"t${++tokens}"}`);
    const isFresh = headers?.["Authorization"] === "t2";
    return isFresh
      ? ok('{"header":{"revision":"1"}}')
      : { status: 401, text: '{"message":"etcdserver: invalid auth token","code":16}' };
  });
  const etcd = new Etcd(http, new SimClock(), { ...OPTIONS, user: { name: "rucola", password: "secret" } });
  assertEquals(await etcd.read("/x/"), []);
  assertEquals(await etcd.read("/x/"), []);
  assertEquals(tokens, 2);
});

Deno.test("what is no etcd is called so, whatever it answers, and what became of a transaction there is not known", async () => {
  const answers = [
    { status: 404, text: "<html>nginx</html>" },
    { status: 200, text: "<html>welcome</html>" },
    { status: 200, text: "{}" },
    { status: 500, text: '{"error":{"reason":"another server\'s words"}}' },
  ];
  for (const answer of answers) {
    const options = { ...OPTIONS, endpoints: ["http://a:2379"] };
    for (const user of [null, { name: "u", password: "p" }]) {
      const etcd = new Etcd(new TableHttp(() => answer), new SimClock(), { ...options, user });
      const { message } = await assertRejects(() => etcd.read("/x/"), AuthorityError);
      assertEquals(message.startsWith("etcd: http://a:2379: what answers there is not etcd: "), true, message);
    }
    const etcd = new Etcd(new TableHttp(() => answer), new SimClock(), options);
    const { isUnknown } = await assertRejects(() => etcd.commit({ compare: [] }), AuthorityError);
    assertEquals(isUnknown || answer.text === "{}", true);
  }
});

Deno.test("each endpoint's failure is told, in the same words for every request", async () => {
  const http: Http = {
    post: ({ url }) => Promise.reject(new ConnectionError("closed", `${new URL(url).origin}: Connection refused`)),
    follow: () => Promise.resolve(),
  };
  const etcd = new Etcd(http, new SimClock(), OPTIONS);
  const expected = "etcd: http://a:2379: Connection refused; http://b:2379: Connection refused";
  assertEquals((await assertRejects(() => etcd.read("/x/"), AuthorityError)).message, expected);
  assertEquals((await assertRejects(() => etcd.grantLease(2), AuthorityError)).message, expected);
});

Deno.test("a wrong password is etcd's refusal", async () => {
  const http = new TableHttp(() => ({
    status: 400,
    text: '{"error":"etcdserver: authentication failed, invalid user ID or password","code":3}',
  }));
  const etcd = new Etcd(http, new SimClock(), { ...OPTIONS, user: { name: "u", password: "p" } });
  const { message } = await assertRejects(() => etcd.read("/x/"), AuthorityError);
  assertEquals(message, "etcd refuses: etcdserver: authentication failed, invalid user ID or password");
});
