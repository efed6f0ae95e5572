import { assertEquals, assertStringIncludes } from "@std/assert";
import { ResponseError } from "../../../src/protocol/response_error.ts";
import { PullAdmission } from "../../../src/broker/pull_admission.ts";
import type { GroupTable } from "../../../src/broker/groups.ts";
import type { TopicTable } from "../../../src/broker/topics.ts";
import type { ClientTable } from "../../../src/broker/clients.ts";
import type { ExpressionFilters } from "../../../src/broker/pull_admission.ts";
import type { Request } from "../../../src/remoting/handler.ts";
import { RequestCode } from "../../../src/protocol/codes.ts";
import type { PullMessageRequest } from "../../../src/protocol/headers/message.ts";

/** The remark with which a pull is refused. */
function refusal(group: object | undefined, topic: object | undefined, permission = 6): string {
  const admission = new PullAdmission(
    { find: () => group } as unknown as GroupTable,
    { get: () => topic } as unknown as TopicTable,
    {} as ClientTable,
    {} as ExpressionFilters,
    {
      brokerPermission: () => permission,
      brokerIP1: "10.0.0.1",
      litePullMessageEnable: true,
      refusesReads: () => false,
    },
  );
  const request = {
    command: { code: RequestCode.PULL_MESSAGE },
    connection: { remoteText: "c" },
  } as unknown as Request;
  const header = { consumerGroup: "G", topic: "T", queueId: 0, sysFlag: 0 } as unknown as PullMessageRequest;
  try {
    admission.admit(request, header);
  } catch (error) {
    if (error instanceof ResponseError) return error.remark;
    throw error;
  }
  throw new Error("the pull was admitted");
}

Deno.test("the cause stands behind RocketMQ's words, with the command that changes it", () => {
  const enabled = { consumeEnable: true };
  const cases: [remark: string, beginning: string, cause: string][] = [
    [refusal(enabled, {}, 2), "the broker[10.0.0.1] pulling message is forbidden", "brokerPermission=2 (-W-)"],
    [refusal(undefined, {}), "subscription group [G] does not exist, ", "autoCreateSubscriptionGroup=false"],
    [refusal({ consumeEnable: false }, {}), "subscription group no permission, G", "consumeEnable=false in the group"],
    [refusal(enabled, undefined), "topic[T] not exist, apply first please! ", "this broker does not have the topic"],
    [refusal(enabled, { perm: 2 }), "the topic[T] pulling message is forbidden", "the topic's perm is 2 (-W-)"],
  ];
  for (const [remark, beginning, cause] of cases) {
    assertEquals(remark.slice(0, beginning.length), beginning);
    assertStringIncludes(remark.slice(beginning.length), cause);
  }
});
