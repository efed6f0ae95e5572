/**
 * A few remoting frames by hand, independent of the product's own codec, for questions that the checks and benchmarks
 * put to a server: is the broker registered, make this topic. Header encoding is JSON, one request at a time.
 *
 * @module
 */
import { waitFor } from "./process.ts";

/** An answer as it came: JSON header and body bytes. */
export interface RawReply {
  readonly code: number;
  readonly remark: string;
  readonly extFields: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

const GET_BROKER_CLUSTER_INFO = 106;
const UPDATE_AND_CREATE_TOPIC = 17;
const REGISTER_TIMEOUT_MS = 60_000;
const LANGUAGE_VERSION = { language: "JAVA", version: 477 };

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
  const [hostname = "", port] = address.split(":");
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const header = new TextEncoder().encode(
    JSON.stringify({ code, ...LANGUAGE_VERSION, opaque: 1, flag: 0, extFields, serializeTypeCurrentRPC: "JSON" }),
  );
  // Frame: length of the rest (4), header encoding (1) and length (3), header, body.
  const frame = new Uint8Array(8 + header.length + body.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, 4 + header.length + body.length);
  view.setUint32(4, header.length);
  frame.set(header, 8);
  frame.set(body, 8 + header.length);
  for (let written = 0; written < frame.length;) written += await connection.write(frame.subarray(written));
  const length = new DataView((await readExactly(connection, 4)).buffer).getUint32(0);
  const rest = await readExactly(connection, length);
  const headerLength = new DataView(rest.buffer).getUint32(0) & 0xffffff;
  const reply = JSON.parse(new TextDecoder().decode(rest.subarray(4, 4 + headerLength)));
  const remark = String(reply.remark ?? "");
  return { code: Number(reply.code), remark, extFields: reply.extFields ?? {}, body: rest.subarray(4 + headerLength) };
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
