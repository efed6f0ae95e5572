/**
 * Tables as text and as JSON.
 * @module
 */
import { assertEquals } from "@std/assert";
import { jsonOutput, type Output, textOutput } from "../../../src/tools/output.ts";

const TABLE = {
  columns: { name: "#Broker Name", queueId: "#QID", time: "#Last" },
  head: "%-12s  %-4s %s",
  row: "%-12s  %-4d %s",
};
const ROWS = [{ name: "broker-a", queueId: 0, time: "  now" }, { name: "broker-b", queueId: 12, time: "" }];

function printed(make: (write: (text: string) => void) => Output, use: (out: Output) => void): string {
  let text = "";
  const out = make((part) => void (text += part));
  use(out);
  out.flush();
  return text;
}

Deno.test("A table has its titles and rows in their formats", () => {
  assertEquals(
    printed(textOutput, (out) => out.table(TABLE, ROWS)),
    "#Broker Name  #QID #Last\nbroker-a      0      now\nbroker-b      12   \n",
  );
});

Deno.test("As JSON one table is an array of objects whose texts have no padding, whatever lines are around it", () => {
  const text = printed(jsonOutput, (out) => {
    out.line("a headline");
    out.table(TABLE, ROWS);
  });
  assertEquals(JSON.parse(text), [
    { name: "broker-a", queueId: 0, time: "now" },
    { name: "broker-b", queueId: 12, time: "" },
  ]);
});

Deno.test("As JSON lines without a table are listed, and several values are an array", () => {
  assertEquals(JSON.parse(printed(jsonOutput, (out) => out.print("one%ntwo %d%n", 2))), { lines: ["one", "two 2"] });
  const several = printed(jsonOutput, (out) => {
    out.value({ a: 1 }, "a");
    out.value([2], "b");
  });
  assertEquals(JSON.parse(several), [{ a: 1 }, [2]]);
});

Deno.test("A command that failed prints what it had by then, and nothing where it had nothing", () => {
  let text = "";
  const out = jsonOutput((part) => void (text += part));
  out.abandon();
  assertEquals(text, "");
  out.table(TABLE, ROWS.slice(0, 1));
  out.abandon();
  assertEquals(JSON.parse(text), [{ name: "broker-a", queueId: 0, time: "now" }]);
});

Deno.test("Each round of a command with an interval is a document of its own", () => {
  const text = printed(jsonOutput, (out) => {
    out.value(1, "");
    out.flush();
    out.value(2, "");
  });
  assertEquals(text, "1\n2\n");
});
