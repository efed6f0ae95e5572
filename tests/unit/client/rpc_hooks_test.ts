import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { utf8 } from "../../../src/common/bytes.ts";
import { signRequest } from "../../../src/protocol/acl_signature.ts";
import { aclHook, namespaceHook, type Requests, type RpcHook, withHooks } from "../../../src/client/rpc_hooks.ts";
import { clientSettings } from "../../../src/client/options.ts";
import { command, type Outgoing } from "../../../src/remoting/command.ts";

/** Notes what would be sent. */
function recorder(): Requests & { readonly sent: Outgoing[] } {
  const sent: Outgoing[] = [];
  return {
    sent,
    invoke(_address, request) {
      sent.push(request);
      return Promise.resolve(command({ code: 0 }));
    },
    oneway(_address, request) {
      sent.push(request);
      return Promise.resolve();
    },
  };
}

Deno.test("a signed request carries the key, the token and a signature over everything", async () => {
  const requests = recorder();
  const hooked = withHooks(requests, [aclHook({ accessKey: "ak", secretKey: "sk", securityToken: "st" })]);
  const body = utf8("body");
  await hooked.oneway("a:1", { code: 310, ext: { topic: "T" }, body });
  const signed = { topic: "T", AccessKey: "ak", SecurityToken: "st" };
  assertEquals(requests.sent[0]!.ext, { ...signed, Signature: signRequest(signed, body, "sk") });
});

Deno.test("the signature covers what other hooks have added", async () => {
  const requests = recorder();
  const stamp: RpcHook = { beforeRequest: (_, request) => ({ ...request, ext: { ...request.ext, stamp: "1" } }) };
  const { rpcHooks } = clientSettings({
    namesrvAddr: "n:9876",
    namespaceV2: "ns",
    credentials: { accessKey: "ak", secretKey: "sk" },
    rpcHooks: [stamp],
  });
  await withHooks(requests, rpcHooks).invoke("a:1", { code: 105, ext: { topic: "T" } }, 1000);
  const signed = { topic: "T", nsd: "true", ns: "ns", stamp: "1", AccessKey: "ak" };
  assertEquals(requests.sent[0]!.ext, { ...signed, Signature: signRequest(signed, new Uint8Array(0), "sk") });
});

Deno.test("a hook hears of answers, and without hooks nothing is in between", async () => {
  const requests = recorder();
  const heard: number[] = [];
  const listen: RpcHook = {
    beforeRequest: (_, request) => request,
    afterResponse: (_address, _request, response) => void heard.push(response.code),
  };
  await withHooks(requests, [listen, namespaceHook("x")]).invoke("a:1", { code: 105 }, 1000);
  assertEquals(heard, [0]);
  assert(requests.sent[0]!.ext?.ns === "x");
  assertStrictEquals(withHooks(requests, []), requests);
});
