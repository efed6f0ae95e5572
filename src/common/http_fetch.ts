/**
 * HTTP over the platform's `fetch`, with certificates of its own where they are given. The only file that uses it.
 *
 * @module
 */
import { ConnectionError, messageOf } from "./errors.ts";
import type { Http, HttpAnswer, HttpPost } from "./http.ts";

/** Certificates in PEM. */
export interface HttpCertificates {
  /** Authorities to trust besides the system's. */
  readonly ca?: string;
  /** Our own certificate and its key, for servers that want one. */
  readonly cert?: string;
  readonly key?: string;
}

/** The longest line that is kept; a longer one is no answer of a server that we know. */
const LINE_LENGTH_MAX = 4 * 1024 * 1024;

/** What `fetch` puts before the cause: addresses, of which our own end is another one each time. */
const FETCH_PREAMBLE =
  /^error sending request (?:from \S+ )?for (?:url )?\S+(?: \(\S+\))?: (?:client error \(\w+\): )?/;

/** The cause alone, in the same words each time. */
function causeOf(error: unknown): string {
  return messageOf(error).replace(FETCH_PREAMBLE, "");
}

/** Whom was asked, without the path. */
function serverOf({ url }: HttpPost): string {
  return new URL(url).origin;
}

/** HTTP by `fetch`. */
export class FetchHttp implements Http {
  readonly #client: Deno.HttpClient;

  /** @throws {Error} when the certificates cannot be read. */
  constructor({ ca, cert, key }: HttpCertificates = {}) {
    this.#client = Deno.createHttpClient({
      ...(ca !== undefined && { caCerts: [ca] }),
      ...(cert !== undefined && key !== undefined && { cert, key }),
    });
  }

  /** @inheritdoc */
  async post(request: HttpPost, timeoutMs: number): Promise<HttpAnswer> {
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const response = await this.#fetch(request, signal);
      return { status: response.status, text: await response.text() };
    } catch (error) {
      const why = signal.aborted ? `no answer within ${Math.round(timeoutMs)} ms` : causeOf(error);
      throw new ConnectionError(signal.aborted ? "timeout" : "closed", `${serverOf(request)}: ${why}`, error);
    }
  }

  /** @inheritdoc */
  async follow(request: HttpPost, onLine: (line: string) => void, signal: AbortSignal): Promise<void> {
    try {
      const response = await this.#fetch(request, signal);
      if (response.status !== 200 || response.body === null) {
        throw new Error(`status ${response.status}: ${await response.text()}`);
      }
      let rest = "";
      for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
        const lines = (rest + chunk).split("\n");
        rest = lines.pop()!;
        if (rest.length > LINE_LENGTH_MAX) throw new Error(`a line of more than ${LINE_LENGTH_MAX} characters`);
        for (const line of lines) if (line !== "") onLine(line);
      }
    } catch (error) {
      if (!signal.aborted) throw new ConnectionError("closed", `${serverOf(request)}: ${causeOf(error)}`, error);
    }
  }

  /** Lets go of its connections. */
  [Symbol.dispose](): void {
    this.#client.close();
  }

  #fetch({ url, headers, body }: HttpPost, signal: AbortSignal): Promise<Response> {
    return fetch(url, { method: "POST", body, signal, client: this.#client, ...(headers && { headers }) });
  }
}
