/**
 * A few remoting frames by hand, independent of the product's own codec, for questions that the checks and benchmarks
 * put to a server: is the broker registered, make this topic. Header encoding is JSON, one request at a time.
 *
 * @module
 */
import { waitFor } from "./process.ts";

/** An answer as it came: header, decoded from either encoding, and body bytes. */
export interface RawReply {
  readonly code: number;
  readonly remark: string;
  readonly extFields: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** A request to send. */
export interface RawRequest {
  readonly code: number;
  readonly extFields?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly encoding?: HeaderEncoding;
}

/** The two header encodings. */
export type HeaderEncoding = "JSON" | "ROCKETMQ";

const GET_BROKER_CLUSTER_INFO = 106;
const UPDATE_AND_CREATE_TOPIC = 17;
const REGISTER_TIMEOUT_MS = 60_000;
const LANGUAGE = "JAVA";
/** Of 5.5.0. */
const VERSION = 513;
const RESPONSE_FLAG = 1;

/** A connection that stays, for requests that belong together: one at a time, and what the server asks meanwhile is skipped. */
export class RawConnection implements Disposable {
  readonly #connection: Deno.Conn;
  #opaque = 0;

  private constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  /** Connects. @throws {Error} when the server cannot be reached. */
  static async open(address: string): Promise<RawConnection> {
    const [hostname = "", port] = address.split(":");
    return new RawConnection(await Deno.connect({ hostname, port: Number(port) }));
  }

  /** Sends a request and waits for its answer. @throws {Error} when the server closes the connection instead. */
  async request({ code, extFields = {}, body = new Uint8Array(0), encoding = "JSON" }: RawRequest): Promise<RawReply> {
    const opaque = ++this.#opaque;
    const header = encoding === "JSON" ? jsonHeader(code, opaque, extFields) : binaryHeader(code, opaque, extFields);
    // Frame: length of the rest (4), header encoding (1) and length (3), header, body.
    const frame = new Uint8Array(8 + header.length + body.length);
    const view = new DataView(frame.buffer);
    view.setUint32(0, 4 + header.length + body.length);
    view.setUint32(4, header.length | (encoding === "JSON" ? 0 : 1 << 24));
    frame.set(header, 8);
    frame.set(body, 8 + header.length);
    for (let written = 0; written < frame.length;) {
      written += await this.#connection.write(frame.subarray(written));
    }
    while (true) {
      const reply = await this.#readFrame();
      if (reply.opaque === opaque && (reply.flag & RESPONSE_FLAG) !== 0) return reply;
    }
  }

  async #readFrame(): Promise<RawReply & { readonly opaque: number; readonly flag: number }> {
    const length = new DataView((await readExactly(this.#connection, 4)).buffer).getUint32(0);
    const rest = await readExactly(this.#connection, length);
    const word = new DataView(rest.buffer).getUint32(0);
    const headerEnd = 4 + (word & 0xffffff);
    const header = rest.subarray(4, headerEnd);
    const fields = word >>> 24 === 0 ? JSON.parse(new TextDecoder().decode(header)) : readBinaryHeader(header);
    return {
      code: Number(fields.code),
      remark: String(fields.remark ?? ""),
      extFields: fields.extFields ?? {},
      body: rest.subarray(headerEnd),
      opaque: Number(fields.opaque),
      flag: Number(fields.flag),
    };
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

function jsonHeader(code: number, opaque: number, extFields: Readonly<Record<string, string>>): Uint8Array {
  const header = { code, language: LANGUAGE, version: VERSION, opaque, flag: 0, extFields };
  return new TextEncoder().encode(JSON.stringify({ ...header, serializeTypeCurrentRPC: "JSON" }));
}

/** Code (2), language (1), version (2), opaque (4), flag (4), remark (4 + n), fields (4 + m), each a name (2 + k) and a value (4 + v). */
function binaryHeader(code: number, opaque: number, extFields: Readonly<Record<string, string>>): Uint8Array {
  const text = new TextEncoder();
  const fields = Object.entries(extFields).flatMap(([name, value]) => {
    const [key, bytes] = [text.encode(name), text.encode(value)];
    const sizes = new DataView(new ArrayBuffer(6));
    sizes.setInt16(0, key.length);
    sizes.setInt32(2, bytes.length);
    const [keySize, valueSize] = [new Uint8Array(sizes.buffer, 0, 2), new Uint8Array(sizes.buffer, 2)];
    return [...keySize, ...key, ...valueSize, ...bytes];
  });
  const header = new Uint8Array(21 + fields.length);
  const view = new DataView(header.buffer);
  view.setInt16(0, code);
  view.setInt16(3, VERSION);
  view.setInt32(5, opaque);
  view.setInt32(17, fields.length);
  header.set(fields, 21);
  return header;
}

function readBinaryHeader(header: Uint8Array) {
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  const text = (at: number, size: number) => new TextDecoder().decode(header.subarray(at, at + size));
  const remarkSize = view.getInt32(13);
  const extFields: Record<string, string> = {};
  for (let at = 21 + remarkSize; at < header.length;) {
    const valueAt = at + 2 + view.getInt16(at);
    const valueSize = view.getInt32(valueAt);
    extFields[text(at + 2, valueAt - at - 2)] = text(valueAt + 4, valueSize);
    at = valueAt + 4 + valueSize;
  }
  const [code, opaque, flag] = [view.getInt16(0), view.getInt32(5), view.getInt32(9)];
  return { code, opaque, flag, remark: text(17, remarkSize), extFields };
}

/**
 * Sends one request on a connection of its own and waits for the answer.
 *
 * @throws {Error} when the server cannot be reached or closes the connection instead of answering.
 */
export async function rawRequest(
  address: string,
  code: number,
  extFields: Readonly<Record<string, string>> = {},
  body: Uint8Array = new Uint8Array(0),
): Promise<RawReply> {
  using connection = await RawConnection.open(address);
  return await connection.request({ code, extFields, body });
}

/** Waits until a name server lists a broker's address. @throws {Error} when it does not for a minute. */
export async function waitForRegistration(namesrvAddr: string, brokerAddr: string): Promise<void> {
  const listed = async () => {
    const reply = await rawRequest(namesrvAddr, GET_BROKER_CLUSTER_INFO);
    return new TextDecoder().decode(reply.body).includes(`"${brokerAddr}"`);
  };
  await waitFor(`the name server ${namesrvAddr} to list the broker ${brokerAddr}`, REGISTER_TIMEOUT_MS, listed);
}

/** Makes a topic at a broker. @throws {Error} with the broker's remark when it refuses. */
export async function createTopic(brokerAddr: string, topic: string, queues: number): Promise<void> {
  const reply = await rawRequest(brokerAddr, UPDATE_AND_CREATE_TOPIC, {
    topic,
    defaultTopic: "TBW102",
    readQueueNums: String(queues),
    writeQueueNums: String(queues),
    perm: "6",
    topicFilterType: "SINGLE_TAG",
    topicSysFlag: "0",
    order: "false",
  });
  if (reply.code !== 0) {
    throw new Error(`Cannot make topic ${topic} at ${brokerAddr}: code ${reply.code} ${reply.remark}`);
  }
}

async function readExactly(connection: Deno.Conn, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let filled = 0; filled < length;) {
    const count = await connection.read(bytes.subarray(filled));
    if (count === null) throw new Error(`The connection was closed after ${filled} of ${length} bytes`);
    filled += count;
  }
  return bytes;
}
