/**
 * One connection, the same at both ends: reads frames, hands requests to handlers and responses to whoever waits, writes
 * in order. Both peers may send requests. A malformed frame ends the connection with one log line.
 *
 * Reading stops while too much waits to be written, so a peer that does not read cannot make us hold its responses.
 *
 * Source: RocketMQ `NettyRemotingAbstract`.
 *
 * @module
 */
import { EMPTY } from "../common/bytes.ts";
import type { Clock } from "../common/clock.ts";
import { ConnectionError, endProcess, InvariantError, messageOf } from "../common/errors.ts";
import type { Log } from "../common/log.ts";
import { type Address, formatAddress, type Net, type Socket } from "../common/net.ts";
import { CURRENT_VERSION, requestCodeName, ResponseCode } from "../protocol/codes.ts";
import { ResponseError } from "../protocol/response_error.ts";
import {
  type Command,
  FLAG_ONEWAY,
  FLAG_RESPONSE,
  isOneway,
  NO_EXT,
  type Outgoing,
  type Reply,
  SERIALIZE_JSON,
  type SerializeType,
} from "./command.ts";
import { decodeFrame, encodeFrame, encodeFrameHead, FrameError, FrameReader, peekCode } from "./frame.ts";
import type { FastHandlerTable, HandlerTable, Request } from "./handler.ts";
import { Outbox } from "./outbox.ts";
import { PendingRequests } from "./pending.ts";
import { readProxyHeader } from "./proxy_header.ts";

/** What a connection needs of its owner. */
export interface ConnectionContext {
  readonly net: Pick<Net, "atEndOfTurn">;
  readonly clock: Clock;
  readonly log: Log;
  readonly handlers: HandlerTable;
  readonly fastHandlers: FastHandlerTable;
  readonly limits: ConnectionLimits;
}

/** Limits of a connection, with what happens there. */
export interface ConnectionLimits {
  /** A larger frame closes the connection. */
  readonly frameSizeMax: number;
  /** With more than this waiting to be written, nothing is read or served until all of it is written. */
  readonly outboxBytesMax: number;
}

/** Limits that fit a broker with thousands of connections. */
export const DEFAULT_LIMITS: ConnectionLimits = { frameSizeMax: 16777216, outboxBytesMax: 4194304 };

let nextId = 1;

/** A connection to a peer; see the module's text. */
export class Connection {
  /** Unique in this process. */
  readonly id: number = nextId++;
  readonly local: Address;
  /** Encoding of the requests that we send. */
  serialize: SerializeType = SERIALIZE_JSON;
  /** Monotonic time of the last read or write that got through, in milliseconds. */
  lastActiveMs: number;
  readonly #socket: Socket;
  readonly #context: ConnectionContext;
  readonly #reader: FrameReader;
  readonly #outbox: Outbox;
  readonly #pending: PendingRequests;
  #nextOpaque = 1;
  #remote: Address;
  #remoteText: string;
  /** Whether the first bytes were looked at, which may be a load balancer's. */
  #isBegun = false;
  #closedBecause: string | null = null;
  readonly #closeListeners: ((connection: Connection) => void)[] = [];

  constructor(socket: Socket, context: ConnectionContext) {
    this.#socket = socket;
    this.#context = context;
    this.#remote = socket.remote;
    this.local = socket.local;
    this.#remoteText = formatAddress(socket.remote);
    this.lastActiveMs = context.clock.monotonicMs();
    this.#reader = new FrameReader(context.limits.frameSizeMax);
    this.#pending = new PendingRequests(context.clock, this.remoteText);
    this.#outbox = new Outbox(
      socket,
      (fn) => context.net.atEndOfTurn(fn),
      (reason) => this.close(`write failed: ${messageOf(reason)}`),
      () => this.lastActiveMs = context.clock.monotonicMs(),
    );
  }

  /** Where the peer is; behind a load balancer that says so (`proxy_header.ts`), from its first request on, the client. */
  get remote(): Address {
    return this.#remote;
  }

  /** `host:port` of the peer, as logs and tables show it. */
  get remoteText(): string {
    return this.#remoteText;
  }

  /** Whether the connection has ended. */
  get closed(): boolean {
    return this.#closedBecause !== null;
  }

  /** Where fast handlers encode their responses. */
  get outbox(): Outbox {
    return this.#outbox;
  }

  /** Calls `fn` once when the connection ends, at once when it has. */
  onClose(fn: (connection: Connection) => void): void {
    if (this.closed) fn(this);
    else this.#closeListeners.push(fn);
  }

  /**
   * Sends a request and waits for its response, whatever its code.
   *
   * @throws {ConnectionError} after `timeoutMs`, or when the connection ends.
   */
  invoke(request: Outgoing, timeoutMs: number): Promise<Command> {
    if (this.closed) return Promise.reject(this.#closedError());
    const opaque = this.#nextOpaque++ | 0;
    this.#sendRequest(request, opaque, 0);
    return this.#pending.wait(opaque, request.code, timeoutMs);
  }

  /** Sends a request that wants no response. @throws {ConnectionError} when the connection has ended. */
  oneway(request: Outgoing): void {
    if (this.closed) throw this.#closedError();
    this.#sendRequest(request, this.#nextOpaque++ | 0, FLAG_ONEWAY);
  }

  /** Sends the response to `request`; nothing when it was one-way or the connection has ended. */
  answer(request: Command, reply: Reply): void {
    const body = reply.body ?? EMPTY;
    if (body.length === 0) this.answerParts(request, reply, [], 0);
    else this.answerParts(request, reply, [body], body.length);
  }

  /** As {@linkcode answer}, with a body of `sizeBytes` in parts that are copied before this returns. */
  answerParts(request: Command, reply: Reply, parts: readonly Uint8Array[], sizeBytes: number): void {
    if (isOneway(request) || this.closed) return;
    const header = {
      code: reply.code ?? ResponseCode.SUCCESS,
      language: "JAVA",
      version: CURRENT_VERSION,
      opaque: request.opaque,
      flag: FLAG_RESPONSE,
      remark: reply.remark ?? null,
      ext: reply.ext ?? NO_EXT,
    };
    this.#outbox.add(encodeFrameHead(header, sizeBytes, request.serialize));
    for (const part of parts) this.#outbox.add(part);
  }

  /** Reads and serves until the connection ends; never rejects. */
  async run(): Promise<void> {
    const { clock, limits } = this.#context;
    try {
      while (!this.closed) {
        const count = await this.#socket.read(this.#reader.space());
        if (count === null) break;
        this.lastActiveMs = clock.monotonicMs();
        this.#reader.received(count);
        if (!this.#isBegun && !this.#begin()) continue;
        while (!this.closed && this.#reader.next()) {
          this.#serve();
          this.#outbox.writeEarly();
          // Asked after each frame: one read may bring a thousand small requests with large responses.
          if (this.#outbox.pendingBytes > limits.outboxBytesMax) await this.#outbox.drained();
        }
      }
      this.close("closed by the peer");
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Ends the connection; idempotent. What waits for responses fails, what waits to be written is dropped. */
  close(reason: string): void {
    if (this.closed) return;
    this.#closedBecause = reason;
    this.#socket.close();
    this.#outbox.close();
    this.#pending.failAll(reason);
    for (const fn of this.#closeListeners) fn(this);
  }

  /** Waits until everything added so far is written. */
  drained(): Promise<void> {
    return this.#outbox.drained();
  }

  /** Gives back memory that only a busy connection needs. */
  shrink(): void {
    this.#reader.shrink();
    this.#outbox.shrink();
  }

  /** Takes a load balancer's header off the first bytes; false when more must come before that can be done. */
  #begin(): boolean {
    const header = readProxyHeader(this.#reader.peek());
    if (header === "incomplete") return false;
    this.#isBegun = true;
    if (header === "none") return true;
    this.#reader.skip(header.size);
    if (header.source !== undefined) {
      this.#remote = header.source;
      this.#remoteText = formatAddress(header.source);
    }
    return true;
  }

  #closedError(): ConnectionError {
    return new ConnectionError("closed", `connection to ${this.remoteText} closed: ${this.#closedBecause}`);
  }

  #fail(error: unknown): void {
    if (error instanceof InvariantError) endProcess(error);
    if (this.closed) return;
    if (error instanceof FrameError) {
      this.#context.log.warn(`close the connection to ${this.remoteText}, malformed frame: ${error.message}`);
    } else if (!(error instanceof ConnectionError)) {
      this.#context.log.error(`close the connection to ${this.remoteText}: ${messageOf(error)}`);
    }
    this.close(messageOf(error));
  }

  #sendRequest(request: Outgoing, opaque: number, flag: number): void {
    this.#outbox.add(encodeFrame(
      {
        code: request.code,
        language: "JAVA",
        version: CURRENT_VERSION,
        opaque,
        flag,
        remark: request.remark ?? null,
        ext: request.ext ?? NO_EXT,
      },
      request.body ?? EMPTY,
      this.serialize,
    ));
  }

  #serve(): void {
    const fast = this.#context.fastHandlers.get(peekCode(this.#reader));
    if (fast !== undefined && fast(this.#reader, this)) return;
    const command = decodeFrame(this.#reader);
    if ((command.flag & FLAG_RESPONSE) !== 0) this.#pending.settle(command);
    else this.#handle({ command, connection: this });
  }

  #handle(request: Request): void {
    const { command } = request;
    const handler = this.#context.handlers.get(command.code);
    if (handler === undefined) {
      return this.answer(command, {
        code: ResponseCode.REQUEST_CODE_NOT_SUPPORTED,
        remark: ` request type ${command.code} not supported${nameSuffix(command.code)}`,
      });
    }
    try {
      const reply = handler(request);
      if (reply instanceof Promise) this.#answerLater(command, reply);
      else if (reply !== null) this.answer(command, reply);
    } catch (error) {
      this.answer(command, this.#errorReply(command, error));
    }
  }

  async #answerLater(command: Command, reply: Promise<Reply | null>): Promise<void> {
    try {
      const settled = await reply;
      if (settled !== null) this.answer(command, settled);
    } catch (error) {
      this.answer(command, this.#errorReply(command, error));
    }
  }

  #errorReply(command: Command, error: unknown): Reply {
    if (error instanceof ResponseError) return { code: error.code, remark: error.remark };
    if (error instanceof InvariantError) endProcess(error);
    this.#context.log.error(
      `request ${command.code}${nameSuffix(command.code)} from ${this.remoteText} failed: ${
        error instanceof Error ? error.stack : error
      }`,
    );
    return { code: ResponseCode.SYSTEM_ERROR, remark: messageOf(error) };
  }
}

function nameSuffix(code: number): string {
  const name = requestCodeName(code);
  return name === "UNKNOWN" ? "" : ` (${name})`;
}
