/**
 * How servers and clients plug into remoting: tables from request code to function.
 *
 * @module
 */
import type { Command, Reply } from "./command.ts";
import type { Connection } from "./connection.ts";
import type { Frame } from "./frame.ts";

/** A request together with the connection it came on. */
export interface Request {
  readonly command: Command;
  /** Identifies the peer; requests to the peer can be sent on it. */
  readonly connection: Connection;
}

/**
 * Answers a request. May throw a `ResponseError` (code and remark become the response); anything else thrown becomes
 * SYSTEM_ERROR. `null` means: no response now, the handler has sent or will send it itself, or never. The answer to a
 * one-way request is dropped.
 */
export type Handler = (request: Request) => Reply | null | Promise<Reply | null>;

/** Request code to handler. */
export type HandlerTable = ReadonlyMap<number, Handler>;

/**
 * Handles a frame without building a {@link Command}, for the requests that arrive a million times. Returns false to let
 * the general handler of the same code have it. `frame` and its bytes are valid only during the call. It must not throw: an
 * exception closes the connection, for nobody knows what it had done.
 */
export type FastHandler = (frame: Frame, connection: Connection) => boolean;

/** Request code to fast handler. */
export type FastHandlerTable = ReadonlyMap<number, FastHandler>;
