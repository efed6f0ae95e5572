/**
 * HTTP requests, passed in: what `src/election` asks etcd with. The system's implementation is `http_fetch.ts`; tests give
 * one that answers from a table. Nothing else uses `fetch`.
 *
 * @module
 */

/** A POST request. */
export interface HttpPost {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What came back; any status is an answer. */
export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

/** A client of HTTP servers. */
export interface Http {
  /**
   * Posts and reads the whole answer.
   *
   * @throws {ConnectionError} when there is none within `timeoutMs`: it names the server and the cause, in the same words for
   * the same cause.
   */
  post(request: HttpPost, timeoutMs: number): Promise<HttpAnswer>;
  /**
   * Posts and calls `onLine` for each line of the answer as it comes, until the server ends it or `signal` aborts.
   * @throws {ConnectionError} when the connection cannot be made or breaks, or the status is not 200.
   */
  follow(request: HttpPost, onLine: (line: string) => void, signal: AbortSignal): Promise<void>;
}
