import { assertEquals } from "@std/assert";
import { printLine } from "../../../src/common/terminal.ts";

Deno.test("a line that cannot be printed ends nothing, and the next one is tried again", () => {
  const printed: string[] = [];
  let isFull = true;
  const write = (line: string) => {
    if (isFull) throw new Error("No space left on device (os error 28)");
    printed.push(line);
  };
  printLine("Replica 1 of broker-a leads in epoch 1: it serves clients", write);
  isFull = false;
  printLine("Replica 1 of broker-a takes part in the election again", write);
  assertEquals(printed, ["Replica 1 of broker-a takes part in the election again"]);
});
