/**
 * RocketMQ's name server and broker and ours get the same requests, in both header encodings, and must answer the same: code,
 * remark as far as RocketMQ's goes, fields, shape and values of the body, but for times, ids and addresses. A guard for what no
 * Java client sends, and other clients do.
 *
 * @module
 */
import type { Check, CheckContext, Cluster } from "../../scripts/interop/check.ts";
import { type HeaderEncoding, RawConnection, type RawReply } from "../../scripts/interop/raw_client.ts";
import type { Platform } from "../../scripts/interop/server.ts";
import { type JsonValue, parseJson } from "../../src/protocol/json.ts";
import { HEARTBEAT, type WireCase, wireCases } from "./wire_cases.ts";

/** Requests with larger codes cannot be sent in a binary header. */
const BINARY_CODE_MAX = 32_767;
/** So often the client says that it is there. */
const HEARTBEAT_EVERY = 20;
const HEART_BEAT = 34;
/** Answers whose bodies are messages, of which only the number is compared. */
const MESSAGES = [11, 12, 33, 361, 200050];
/** Bodies that are lists of settings or figures: RocketMQ's names must be there, ours may be more. */
const NAMES_ONLY = [26, 28];

/** One request by name. */
interface Sent {
  readonly name: string;
  readonly differs: string | undefined;
  readonly answer: Answer;
}

interface Answer {
  readonly code: number;
  readonly remark: string;
  readonly ext: string;
  readonly body: string;
}

/** The comparison. */
export const WIRE_CHECKS: readonly Check[] = [{
  name: "wire.compare",
  about: "our servers answer raw requests, right and wrong ones, in both header encodings, as RocketMQ 5.5.0 does",
  run: compare,
}];

async function compare(context: CheckContext): Promise<void> {
  const their = await answersOf(context, context.reference, "theirs");
  const our = await answersOf(context, context.target, "ours");
  const report: string[] = [];
  let [same, explained] = [0, 0];
  for (const [index, { name, differs, answer }] of their.entries()) {
    const differences = differencesOf(answer, our[index]!.answer);
    if (differences.length === 0) same++;
    else if (differs !== undefined) explained++;
    else report.push(`${name}\n${differences.map((line) => `    ${line}`).join("\n")}`);
  }
  context.remark = `${same} of ${their.length} answers are the same, ${explained} differ as explained`;
  if (report.length > 0) throw new Error(`${context.remark}; these differ (- RocketMQ, + ours):\n${report.join("\n")}`);
}

async function answersOf(context: CheckContext, platform: Platform, folder: string): Promise<Sent[]> {
  await using cluster = await context.startCluster({
    namesrv: platform,
    broker: platform,
    folder,
    properties: { enablePropertyFilter: "true", timerWheelEnable: "true" },
  });
  const sent: Sent[] = [];
  for (const encoding of ["JSON", "ROCKETMQ"] as const) sent.push(...await sendAll(cluster, encoding));
  return sent;
}

/** Sends all requests in one encoding. What the one changes, the next finds, with RocketMQ as with us. */
async function sendAll(cluster: Cluster, encoding: HeaderEncoding): Promise<Sent[]> {
  using broker = await RawConnection.open(cluster.broker.address);
  using namesrv = await RawConnection.open(cluster.namesrvAddr);
  const heartbeat = { code: HEART_BEAT, body: bytesOf(HEARTBEAT) };
  const cases = wireCases({ brokerAddr: cluster.broker.address, nowMs: Date.now() }).flatMap(variants);
  const sent: Sent[] = [];
  for (const [index, [variant, { to, code, ext, body, differs }]] of cases.entries()) {
    if (encoding === "ROCKETMQ" && code > BINARY_CODE_MAX) continue;
    if (index % HEARTBEAT_EVERY === 0) await broker.request(heartbeat);
    const request = { code, extFields: ext ?? {}, body: bytesOf(body), encoding };
    const reply = await (to === "broker" ? broker : namesrv).request(request);
    sent.push({ name: `${encoding} ${to} ${code} ${variant}`, differs, answer: answerOf(reply, code) });
  }
  return sent;
}

/** A case and the requests that are made from it, each with what is special about it. */
function variants(base: WireCase): [string, WireCase][] {
  const fields = base.ext ?? {};
  const leftOut = (base.without ?? []).map((name): [string, WireCase] => {
    const { [name]: _, ...ext } = fields;
    return [`without ${name}`, { ...base, ext }];
  });
  const changed = Object.entries(base.with ?? {}).flatMap(([name, values]) =>
    values.map((value): [string, WireCase] => [
      `${name}=${value.slice(0, 40)}`,
      { ...base, ext: { ...fields, [name]: value } },
    ])
  );
  return [[whatOf(base), base], ...leftOut, ...changed];
}

/** What tells a case from others of its code. */
function whatOf({ ext, body }: WireCase): string {
  const size = body instanceof Uint8Array || typeof body === "string" ? `body of ${body.length}` : JSON.stringify(body);
  return `${JSON.stringify(ext ?? {}).slice(0, 300)} ${(size ?? "").slice(0, 100)}`;
}

function bytesOf(body: WireCase["body"]): Uint8Array {
  if (body === undefined) return new Uint8Array(0);
  if (body instanceof Uint8Array) return body;
  return new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body));
}

function answerOf(reply: RawReply, code: number): Answer {
  const ext = Object.entries(reply.extFields).sort(([a], [b]) => a < b ? -1 : 1)
    .map(([name, value]) => `${name}=${isChanging(name) ? "#" : masked(value)}`);
  return { code: reply.code, remark: masked(reply.remark), ext: ext.join(" "), body: bodyOf(reply.body, code) };
}

function bodyOf(body: Uint8Array, code: number): string {
  if (body.length === 0) return "";
  if (MESSAGES.includes(code)) return `${countMessages(body)} messages`;
  const text = new TextDecoder().decode(body);
  if (NAMES_ONLY.includes(code)) return namesIn(text).join(" ");
  if (!text.startsWith("{")) return `${body.length} bytes`;
  return JSON.stringify(plain(parseJson(text)));
}

/** Stored records, each beginning with its size. */
function countMessages(body: Uint8Array): number {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  let count = 0;
  for (let at = 0; at < body.length; at += view.getInt32(at)) count++;
  return count;
}

/** Names of settings (`name=value` lines) or of a table of figures. */
function namesIn(text: string): string[] {
  const names = text.startsWith("{")
    ? [...text.matchAll(/"([A-Za-z]\w*)":"/g)].map(([, name]) => name!)
    : text.split("\n").map((line) => line.split("=")[0]!);
  return names.filter((name) => /^\w+$/.test(name)).sort();
}

/** A body's value with sorted members and elements, and without what changes from run to run. */
function plain(value: JsonValue | undefined, name = ""): unknown {
  if (typeof value === "number" || typeof value === "bigint") {
    return isChanging(name) || value > 1e12 ? "#" : String(value);
  }
  if (typeof value === "string") return isChanging(name) ? "#" : masked(value);
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return sorted(value.map((each) => plain(each)));
  if (value instanceof Map) return sorted([...value].map(([key, each]) => [plain(key), plain(each)]));
  const names = Object.keys(value).sort();
  return Object.fromEntries(names.map((member) => [masked(member), plain(value[member], member)]));
}

function sorted(values: unknown[]): unknown[] {
  return values.sort((a, b) => JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
}

/** Members and fields with times, rates, versions, places in the log and what is counted in samples. */
function isChanging(name: string): boolean {
  return /time|stateVersion|counter|phyoffset|commitLogMaxOffset|tps|avgpt|^sum$|^version$|recallHandle|diff|totalTopicNum/i
    .test(
      name,
    );
}

function masked(text: string): string {
  return text
    .replace(/\b(?:\d{1,3}\.){3}\d{1,3}:\d+/g, "ADDRESS")
    .replace(/\b(?:[0-9A-F]{8}){4,7}\b/g, "ID")
    .replace(/\b1[6-9]\d{11}\b/g, "TIME");
}

/** Java's exceptions, whose text nobody else can say. */
const EXCEPTION = /Exception|\.java:\d+|^Cannot invoke /;
/** RocketMQ's success sometimes says so in words, or forgets to say anything. */
const SUCCESS = 0;

function differencesOf(their: Answer, our: Answer): string[] {
  const lines: string[] = [];
  const compared = (what: string, theirs: string, ours: string, isSame: boolean) => {
    if (!isSame) lines.push(`- ${what} ${theirs.slice(0, 1000)}`, `+ ${what} ${ours.slice(0, 1000)}`);
  };
  compared("code", String(their.code), String(our.code), their.code === our.code);
  const beginning = their.remark.split(/\s*See https?:/)[0]!.trimEnd();
  const isFree = their.code === SUCCESS || EXCEPTION.test(their.remark);
  compared("remark", their.remark, our.remark, isFree || our.remark.startsWith(beginning));
  compared("ext", their.ext, our.ext, their.ext === our.ext);
  compared("body", their.body, our.body, their.body === our.body || hasAll(our.body, their.body));
  return lines;
}

/** Whether all names of the one list are in the other; false when they are no lists of names. */
function hasAll(our: string, their: string): boolean {
  if (!/^[\w ]+$/.test(our) || their === "") return false;
  const names = new Set(our.split(" "));
  return their.split(" ").every((name) => names.has(name));
}
