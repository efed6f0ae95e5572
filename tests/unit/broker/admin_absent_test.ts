import { assertEquals, assertMatch } from "@std/assert";
import { adminAbsentHandlers } from "../../../src/broker/handlers/admin_absent.ts";
import { RequestCode, ResponseCode } from "../../../src/protocol/codes.ts";
import type { Request } from "../../../src/remoting/handler.ts";

/** None of these handlers looks at the request. */
const ANY = {} as Request;

Deno.test("requests about parts that do not exist are refused with the part's name", async () => {
  const ask = async (code: number) => (await adminAbsentHandlers().get(code)!(ANY))!;
  const coldData = await ask(RequestCode.GET_COLD_DATA_FLOW_CTR_INFO);
  assertEquals(coldData.code, ResponseCode.REQUEST_CODE_NOT_SUPPORTED);
  assertMatch(coldData.remark!, /^ request type 2003 not supported: this broker has no flow control for cold data/);
  const users = await ask(RequestCode.AUTH_LIST_USER);
  assertEquals([users.code, users.remark], [ResponseCode.SYSTEM_ERROR, "this broker has no users and access rules"]);
  const controller = await ask(RequestCode.CONTROLLER_GET_BROKER_EPOCH_CACHE);
  assertEquals([controller.code, controller.remark], [1, "this request only for controllerMode "]);
});

Deno.test("an export of POP's records is done at once, for there is nothing to move", async () => {
  const reply = (await adminAbsentHandlers().get(RequestCode.POP_ROLLBACK)!(ANY))!;
  assertEquals(reply.code ?? ResponseCode.SUCCESS, ResponseCode.SUCCESS);
});
