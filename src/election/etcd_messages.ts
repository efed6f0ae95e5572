/**
 * etcd's v3 API in JSON: requests and answers as texts. Keys and values are base64, 64-bit numbers decimal strings, and
 * fields that are zero, false or empty are left out.
 *
 * Source: etcd's gRPC gateway, https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { utf8, utf8Text } from "../common/bytes.ts";
import type { Committed, KeyValue, Transaction } from "./authority.ts";

/** An answer of etcd that tells of an error. */
export interface EtcdFault {
  readonly message: string;
  /** gRPC's code: 5 NotFound, 14 Unavailable, 16 Unauthenticated, … */
  readonly code: number;
}

/** Requests by path. */
export const EtcdPath = {
  RANGE: "/v3/kv/range",
  TXN: "/v3/kv/txn",
  LEASE_GRANT: "/v3/lease/grant",
  LEASE_KEEPALIVE: "/v3/lease/keepalive",
  LEASE_REVOKE: "/v3/lease/revoke",
  WATCH: "/v3/watch",
  AUTHENTICATE: "/v3/auth/authenticate",
} as const;

/** So much of a text that is not understood is shown. */
export const QUOTED_LENGTH = 200;

/** gRPC's codes that are looked at. */
export const GrpcCode = { NOT_FOUND: 5, UNAUTHENTICATED: 16, INVALID_ARGUMENT: 3, PERMISSION_DENIED: 7 } as const;

/** Asks for all keys with a prefix. */
export function encodeRange(prefix: string): string {
  return JSON.stringify(prefixRange(prefix));
}

/** Watches all keys with a prefix. */
export function encodeWatch(prefix: string): string {
  return JSON.stringify({ create_request: prefixRange(prefix) });
}

/** A transaction without an alternative. */
export function encodeTransaction({ compare, puts = [], deletes = [] }: Transaction): string {
  return JSON.stringify({
    compare: compare.map(({ key, target, revision }) => ({
      key: toBase64(key),
      target,
      result: "EQUAL",
      [target === "CREATE" ? "create_revision" : "mod_revision"]: String(revision),
    })),
    success: [
      ...puts.map(({ key, value, lease }) => ({
        request_put: { key: toBase64(key), value: toBase64(value), ...(lease !== undefined && { lease }) },
      })),
      ...deletes.map((key) => ({ request_delete_range: { key: toBase64(key) } })),
    ],
  });
}

/** The keys of a range. @throws {TypeError} when it is no such answer. */
export function decodeRange(text: string): KeyValue[] {
  const { header, kvs = [] } = JSON.parse(text);
  // Else anything that answers in JSON would be an etcd without keys.
  if (header?.revision === undefined) throw new TypeError(`no revision in ${text.slice(0, QUOTED_LENGTH)}`);
  return kvs.map((each: Record<string, string | undefined>): KeyValue => ({
    key: fromBase64(each["key"]),
    value: fromBase64(each["value"]),
    createRevision: number(each["create_revision"]),
    modRevision: number(each["mod_revision"]),
    lease: (each["lease"] ?? "0") === "0" ? "" : each["lease"]!,
  }));
}

/** How a transaction ended. @throws {TypeError} when it is no such answer. */
export function decodeTransaction(text: string): Committed {
  const { header, succeeded = false } = JSON.parse(text);
  return { succeeded: succeeded === true, revision: number(header?.revision) };
}

/** A new lease's id. @throws {TypeError} when there is none. */
export function decodeLeaseGrant(text: string): string {
  const { ID } = JSON.parse(text);
  if (typeof ID !== "string" || !/^-?\d+$/.test(ID)) throw new TypeError(`no lease id in ${text}`);
  return ID;
}

/** Seconds that a lease lives on, 0 for one that has ended. @throws {TypeError} when it is no such answer. */
export function decodeKeepAlive(text: string): number {
  const { result, error } = JSON.parse(text);
  if (result === undefined) throw new TypeError(`a keepalive failed: ${error?.message ?? text}`);
  return number(result.TTL ?? "0");
}

/** The token of a user. @throws {TypeError} when there is none. */
export function decodeToken(text: string): string {
  const { token } = JSON.parse(text);
  if (typeof token !== "string") throw new TypeError("no token in etcd's answer");
  return token;
}

/** Whether a line of a watch tells of a change, or that changes may have been missed. */
export function isChange(line: string): boolean {
  const { result } = JSON.parse(line);
  return result === undefined || result.canceled === true || (result.events?.length ?? 0) > 0;
}

/** What an answer with a status other than 200 says; null when it is none of etcd's. */
export function decodeFault(text: string): EtcdFault | null {
  try {
    const { message, error, code } = JSON.parse(text);
    const words = message ?? error;
    return typeof words === "string" && typeof code === "number" ? { message: words, code } : null;
  } catch {
    return null;
  }
}

/** Where the keys with a prefix end: the prefix with its last byte one larger. The last byte of our prefixes is `/`. */
function prefixRange(prefix: string): { key: string; range_end: string } {
  const end = utf8(prefix).slice();
  end[end.length - 1]!++;
  return { key: toBase64(prefix), range_end: Buffer.from(end).toString("base64") };
}

function number(text: string | undefined): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new TypeError(`"${text}" is no number of etcd`);
  return value;
}

function toBase64(text: string): string {
  return Buffer.from(utf8(text)).toString("base64");
}

function fromBase64(text: string | undefined): string {
  return utf8Text(Buffer.from(text ?? "", "base64"));
}
