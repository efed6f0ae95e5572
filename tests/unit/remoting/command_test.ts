import { assertEquals } from "@std/assert";
import { ResponseCode } from "../../../src/protocol/codes.ts";
import { refusalText } from "../../../src/remoting/command.ts";

Deno.test("a refusal without a remark is told by its code alone, and not with null", () => {
  const { SYSTEM_BUSY: code } = ResponseCode;
  assertEquals(refusalText({ code, remark: "too much" }), "SYSTEM_BUSY: too much");
  for (const reply of [{ code, remark: null }, { code, remark: "" }, { code }]) {
    assertEquals(refusalText(reply), "SYSTEM_BUSY");
  }
});
