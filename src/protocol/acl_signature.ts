/**
 * The signature by which a client proves who it is: HMAC-SHA1 over all ext fields and the body of a request, in the ext field
 * `Signature`. What is signed has no separators: the values of the fields in the byte order of their names, then the body.
 *
 * Source: RocketMQ `AclUtils#combineRequestContent`, `AclSigner`.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import type { ExtFields } from "./header.ts";

/** Ext fields of a signed request. */
export const AclField = {
  ACCESS_KEY: "AccessKey",
  SIGNATURE: "Signature",
  SECURITY_TOKEN: "SecurityToken",
} as const;

/** The values that are signed, joined. @param ext all fields of the request; a `Signature` among them is left out. */
export function signedText(ext: ExtFields): string {
  const names = Object.keys(ext).filter((name) => name !== AclField.SIGNATURE);
  return names.sort().map((name) => ext[name]!).join("");
}

/** The signature of a request, in Base64. */
export function signRequest(ext: ExtFields, body: Uint8Array, secretKey: string): string {
  return createHmac("sha1", secretKey).update(Buffer.from(signedText(ext))).update(body).digest("base64");
}
