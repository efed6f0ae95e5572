/**
 * etcd as the authority of an election, over its JSON gateway: several endpoints of one cluster, of which the one that
 * answered last is asked first.
 *
 * A request whose outcome is not known is never sent again by itself: whoever asked must find out what became of it. Only
 * where nothing can have happened (no connection, or a refusal) the next endpoint is asked.
 *
 * @module
 */
import type { Clock } from "../common/clock.ts";
import { ConnectionError, messageOf } from "../common/errors.ts";
import type { Http, HttpAnswer } from "../common/http.ts";
import { type Authority, AuthorityError, type Committed, type KeyValue, type Transaction } from "./authority.ts";
import {
  decodeFault,
  decodeKeepAlive,
  decodeLeaseGrant,
  decodeRange,
  decodeToken,
  decodeTransaction,
  encodeRange,
  encodeTransaction,
  encodeWatch,
  EtcdPath,
  GrpcCode,
  isChange,
  QUOTED_LENGTH,
} from "./etcd_messages.ts";

/** After a watch broke it begins again so much later. */
const WATCH_AGAIN_MS = 500;

/** Where etcd is, and who asks. */
export interface EtcdOptions {
  /** Beginnings of URLs: `http://host:2379`. */
  readonly endpoints: readonly string[];
  /** Time for an answer of one endpoint. */
  readonly timeoutMs: number;
  /** Null: etcd knows no users. */
  readonly user: { readonly name: string; readonly password: string } | null;
}

/** etcd; see the module's text. */
export class Etcd implements Authority {
  readonly #http: Http;
  readonly #clock: Clock;
  readonly #options: EtcdOptions;
  /** Index of the endpoint that is asked first. */
  #first = 0;
  #token: string | null = null;

  /** Nothing is asked yet. */
  constructor(http: Http, clock: Clock, options: EtcdOptions) {
    this.#http = http;
    this.#clock = clock;
    this.#options = options;
  }

  /** @inheritdoc */
  async read(prefix: string): Promise<readonly KeyValue[]> {
    return await this.#ask(EtcdPath.RANGE, encodeRange(prefix), decodeRange, true);
  }

  /** @inheritdoc */
  async commit(transaction: Transaction): Promise<Committed> {
    return await this.#ask(EtcdPath.TXN, encodeTransaction(transaction), decodeTransaction, false);
  }

  /** @inheritdoc */
  async grantLease(ttlSec: number): Promise<string> {
    // One that was granted and not told ends by itself.
    return await this.#ask(EtcdPath.LEASE_GRANT, JSON.stringify({ TTL: String(ttlSec) }), decodeLeaseGrant, true);
  }

  /** @inheritdoc */
  async keepAlive(lease: string): Promise<number> {
    return await this.#ask(EtcdPath.LEASE_KEEPALIVE, JSON.stringify({ ID: lease }), decodeKeepAlive, true);
  }

  /** @inheritdoc */
  async revokeLease(lease: string): Promise<void> {
    try {
      await this.#ask(EtcdPath.LEASE_REVOKE, JSON.stringify({ ID: lease }), () => {}, true);
    } catch (error) {
      if (!(error instanceof EtcdRefusal && error.code === GrpcCode.NOT_FOUND)) throw error;
    }
  }

  /** @inheritdoc */
  watch(prefix: string, onChange: () => void): Disposable {
    const ended = new AbortController();
    this.#watch(prefix, onChange, ended.signal);
    return { [Symbol.dispose]: () => ended.abort() };
  }

  async #watch(prefix: string, onChange: () => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const headers = await this.#headers();
        const url = this.#url(this.#first, EtcdPath.WATCH);
        const onLine = (line: string) => isChange(line) && onChange();
        await this.#http.follow({ url, headers, body: encodeWatch(prefix) }, onLine, signal);
      } catch {
        // Polling goes on meanwhile, and tells why etcd cannot be asked.
        this.#token = null;
      }
      if (signal.aborted) return;
      onChange();
      await this.#clock.sleep(WATCH_AGAIN_MS, signal).catch(() => {});
    }
  }

  /**
   * Asks one endpoint after the other. @param isHarmless whether it may be asked again when nobody knows if it happened.
   * @throws {AuthorityError}
   */
  async #ask<T>(path: string, body: string, decode: (text: string) => T, isHarmless: boolean): Promise<T> {
    const { endpoints } = this.#options;
    const failures = new Set<string>();
    for (let i = 0; i < endpoints.length; i++) {
      const at = (this.#first + i) % endpoints.length;
      try {
        const answer = await this.#askOne(this.#url(at, path), body, decode);
        this.#first = at;
        return answer;
      } catch (error) {
        if (error instanceof EtcdRefusal && !error.isTemporary) throw error;
        const isUnknown = !(error instanceof EtcdRefusal);
        if (isUnknown && !isHarmless) throw new AuthorityError(`etcd: ${messageOf(error)}`, true, error);
        failures.add(messageOf(error));
      }
    }
    throw new AuthorityError(`etcd: ${[...failures].join("; ")}`, !isHarmless);
  }

  async #askOne<T>(url: string, body: string, decode: (text: string) => T): Promise<T> {
    const { timeoutMs } = this.#options;
    let answer = await this.#http.post({ url, body, headers: await this.#headers() }, timeoutMs);
    if (answer.status !== 200 && this.#token !== null && isTokenRefused(answer)) {
      this.#token = null;
      answer = await this.#http.post({ url, body, headers: await this.#headers() }, timeoutMs);
    }
    return decoded(url, answer, decode);
  }

  /** The user's token; asked for when there is none. */
  async #headers(): Promise<Record<string, string>> {
    const { user, endpoints, timeoutMs } = this.#options;
    if (user === null) return {};
    for (let i = 0; this.#token === null && i < endpoints.length; i++) {
      const url = this.#url((this.#first + i) % endpoints.length, EtcdPath.AUTHENTICATE);
      const answer = await this.#http.post({ url, body: JSON.stringify(user) }, timeoutMs).catch((error) => {
        if (i + 1 < endpoints.length) return null;
        throw new EtcdRefusal(messageOf(error), null, true);
      });
      if (answer === null) continue;
      this.#token = decoded(url, answer, decodeToken);
    }
    return { Authorization: this.#token! };
  }

  #url(at: number, path: string): string {
    return `${this.#options.endpoints[at]!}${path}`;
  }
}

/** etcd has said no: nothing has happened. */
class EtcdRefusal extends AuthorityError {
  /** @param code gRPC's; null: nobody was asked, for no user could be shown. @param isTemporary whether another endpoint may say yes. */
  constructor(message: string, readonly code: number | null, readonly isTemporary: boolean) {
    super(isTemporary ? message : `etcd refuses: ${message}`, false);
  }
}

/** What gRPC says where a request may have been carried out all the same: DeadlineExceeded, Unavailable, Unknown, Internal. */
const UNSURE_CODES: readonly number[] = [2, 4, 13, 14];

function refusalOf(url: string, { status, text }: HttpAnswer): Error {
  const fault = decodeFault(text);
  if (fault === null) return notEtcd(url, `status ${status}: ${text.trim().slice(0, QUOTED_LENGTH)}`);
  const { message, code } = fault;
  if (UNSURE_CODES.includes(code)) return new ConnectionError("closed", `${new URL(url).origin}: ${message}`);
  return new EtcdRefusal(message, code, false);
}

/** What an answer says. @throws what became of the request when it says no, or is none of etcd's. */
function decoded<T>(url: string, answer: HttpAnswer, decode: (text: string) => T): T {
  if (answer.status !== 200) throw refusalOf(url, answer);
  try {
    return decode(answer.text);
  } catch (error) {
    throw notEtcd(url, messageOf(error));
  }
}

/** Whoever answers may have passed it on: what became of it is not known. */
function notEtcd(url: string, answer: string): ConnectionError {
  return new ConnectionError("closed", `${new URL(url).origin}: what answers there is not etcd: ${answer}`);
}

function isTokenRefused({ text }: HttpAnswer): boolean {
  const fault = decodeFault(text);
  return fault !== null && (fault.code === GrpcCode.UNAUTHENTICATED || /invalid auth token/.test(fault.message));
}
