import { assert, assertEquals, assertThrows } from "@std/assert";
import { utf8Text } from "../../../src/common/bytes.ts";
import { encodeHeartbeat, readHeartbeat } from "../../../src/protocol/bodies/heartbeat.ts";
import { ResponseError } from "../../../src/protocol/response_error.ts";
import { buildSubscription, matchesTag, matchesTagsCode } from "../../../src/protocol/subscription.ts";
import { javaHash } from "../../../src/common/bytes.ts";
import { goldenExchange } from "../client/golden_frames.ts";

Deno.test("a tag expression becomes what Java makes of it", () => {
  const made = buildSubscription("T", "TagA || TagB||TagA", "TAG", 7n);

  assertEquals(made, {
    classFilterMode: false,
    codeSet: [2598919, 2598920],
    expressionType: "TAG",
    subString: "TagA || TagB||TagA",
    subVersion: 7n,
    tagsSet: ["TagA", "TagB"],
    topic: "T",
  });
});

Deno.test("nothing, an empty text and a star mean everything", () => {
  for (const expression of [null, undefined, "", "*"]) {
    const made = buildSubscription("T", expression, null, 1n);
    assertEquals([made.subString, made.tagsSet, made.codeSet], ["*", [], []]);
    assert(matchesTag(made, undefined) && matchesTag(made, "x") && matchesTagsCode(made, 5));
  }
});

Deno.test("tags match by their hash at the broker and by themselves at the consumer", () => {
  const made = buildSubscription("T", "Aa", "TAG", 1n); // "Aa" and "BB" have the same hash

  assert(matchesTagsCode(made, javaHash("BB")));
  assert(!matchesTag(made, "BB"));
  assert(matchesTag(made, "Aa"));
  assert(!matchesTag(made, undefined));
  assert(!matchesTagsCode(made, javaHash("other")));
});

Deno.test("an expression of separators only is refused", () => {
  assertThrows(() => buildSubscription("T", " || ", "TAG", 1n), ResponseError, "subString split error");
  assertThrows(() => buildSubscription("T", "", "SQL92", 1n), ResponseError);
});

Deno.test("an SQL expression is kept as it is, and leaves no tags", () => {
  const made = buildSubscription("T", "a > 3 || b", "SQL92", 1n);

  assertEquals([made.expressionType, made.subString, made.tagsSet], ["SQL92", "a > 3 || b", []]);
});

Deno.test("heartbeats read from Java's clients are written again byte for byte, 5.x members added", () => {
  for (const name of ["000034-heartbeat-producer-4.4.0", "000034-heartbeat-consumer-4.9.7"]) {
    const { request } = goldenExchange(name);
    const java = JSON.parse(utf8Text(request.body));

    const made = JSON.parse(utf8Text(encodeHeartbeat(readHeartbeat(request.body))));

    assertEquals(made, { heartbeatFingerprint: 0, withoutSub: false, ...java });
  }
});
