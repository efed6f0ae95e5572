/**
 * What is done to every request of a client before it leaves: fields that name its namespace, a signature, or what the
 * client's owner wants to add. Hooks run in their order; each sees what the ones before it have made.
 *
 * Source: RocketMQ `RPCHook`, `AclClientRPCHook`, `NamespaceRpcHook`.
 *
 * @module
 */
import { EMPTY } from "../common/bytes.ts";
import { AclField, signRequest } from "../protocol/acl_signature.ts";
import type { Command, Outgoing } from "../remoting/command.ts";

/** Changes requests, or only looks at them. */
export interface RpcHook {
  /** Gives back the request to be sent instead. What it throws fails the request. */
  beforeRequest(address: string, request: Outgoing): Outgoing;
  /** Hears of the answer to a request that wanted one. */
  afterResponse?(address: string, request: Outgoing, response: Command): void;
}

/** Who a client is, for brokers that check it. */
export interface SessionCredentials {
  readonly accessKey: string;
  readonly secretKey: string;
  /** Of credentials that are valid for some time only. */
  readonly securityToken?: string;
}

/** The two ways to send a request; see `RemotingClient`. */
export interface Requests {
  /** Sends a request and waits for the answer. @throws {ConnectionError} */
  invoke(address: string, request: Outgoing, timeoutMs: number): Promise<Command>;
  /** Sends a request that wants no answer. @throws {ConnectionError} */
  oneway(address: string, request: Outgoing): Promise<void>;
}

/** Signs every request. */
export function aclHook({ accessKey, secretKey, securityToken }: SessionCredentials): RpcHook {
  return {
    beforeRequest(_address, request) {
      const ext: Record<string, string> = { ...request.ext, [AclField.ACCESS_KEY]: accessKey };
      if (securityToken !== undefined) ext[AclField.SECURITY_TOKEN] = securityToken;
      ext[AclField.SIGNATURE] = signRequest(ext, request.body ?? EMPTY, secretKey);
      return { ...request, ext };
    },
  };
}

/** Says in every request that its names belong to a namespace, which 5.x proxies and gateways look at. */
export function namespaceHook(namespaceV2: string): RpcHook {
  return {
    beforeRequest: (_address, request) => ({ ...request, ext: { ...request.ext, nsd: "true", ns: namespaceV2 } }),
  };
}

/** Requests that pass through hooks; `requests` itself when there are none. */
export function withHooks(requests: Requests, hooks: readonly RpcHook[]): Requests {
  if (hooks.length === 0) return requests;
  const prepared = (address: string, request: Outgoing) =>
    hooks.reduce((changed, hook) => hook.beforeRequest(address, changed), request);
  return {
    async invoke(address, request, timeoutMs) {
      const changed = prepared(address, request);
      const response = await requests.invoke(address, changed, timeoutMs);
      for (const hook of hooks) hook.afterResponse?.(address, changed, response);
      return response;
    },
    async oneway(address, request) {
      await requests.oneway(address, prepared(address, request));
    },
  };
}
