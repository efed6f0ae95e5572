/**
 * A RocketMQ remoting command as a value: what a frame says, in either header encoding.
 * Source: RocketMQ `RemotingCommand`.
 *
 * @module
 */
import { EMPTY } from "../common/bytes.ts";
import { ResponseCode, responseCodeName } from "../protocol/codes.ts";
import type { ExtFields } from "../protocol/header.ts";

/** How the header of a frame is encoded: 0 JSON, 1 RocketMQ's binary form. */
export type SerializeType = 0 | 1;

/** The JSON header encoding. */
export const SERIALIZE_JSON = 0;
/** The binary header encoding. */
export const SERIALIZE_ROCKETMQ = 1;

/** Bit of {@linkcode Command.flag}: this is a response. */
export const FLAG_RESPONSE = 1;
/** Bit of {@linkcode Command.flag}: no response is wanted. */
export const FLAG_ONEWAY = 2;

/** A decoded command, request or response. */
export interface Command {
  /** Request code, or response code when the response bit is set. */
  readonly code: number;
  /** Name of the peer's language, `JAVA`, `GO`, …; empty when unknown. */
  readonly language: string;
  /** MQVersion ordinal of the peer. */
  readonly version: number;
  /** Chosen by the requester (signed 32 bit), copied into the response. */
  readonly opaque: number;
  /** {@linkcode FLAG_RESPONSE}, {@linkcode FLAG_ONEWAY}. */
  readonly flag: number;
  readonly remark: string | null;
  readonly ext: ExtFields;
  /** Owned by the command; empty when absent. */
  readonly body: Uint8Array;
  readonly serialize: SerializeType;
}

/** What to send as a request; the connection adds opaque, language and version. */
export interface Outgoing {
  readonly code: number;
  readonly ext?: ExtFields;
  readonly body?: Uint8Array;
  readonly remark?: string | null;
}

/** What a handler answers; `code` is SUCCESS when left out. */
export interface Reply {
  readonly code?: number;
  readonly remark?: string | null;
  readonly ext?: ExtFields;
  readonly body?: Uint8Array;
}

/** What a reply that is no success says, for people: the name of its code, and its remark where it has one. */
export function refusalText({ code, remark }: { readonly code: number; readonly remark?: string | null }): string {
  return remark ? `${responseCodeName(code)}: ${remark}` : responseCodeName(code);
}

/** The reply that says nothing but SUCCESS. */
export const OK: Reply = Object.freeze({ code: ResponseCode.SUCCESS });

/** No ext fields. */
export const NO_EXT: ExtFields = Object.freeze({});

/** Whether the requester wants no response. */
export function isOneway(command: { readonly flag: number }): boolean {
  return (command.flag & FLAG_ONEWAY) !== 0;
}

/** A command with defaults, for tests and for building by hand. */
export function command(fields: Partial<Command> & { code: number }): Command {
  return {
    language: "JAVA",
    version: 0,
    opaque: 0,
    flag: 0,
    remark: null,
    ext: NO_EXT,
    body: EMPTY,
    serialize: SERIALIZE_JSON,
    ...fields,
  };
}
