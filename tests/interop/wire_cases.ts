/**
 * The requests that `wire_compare.ts` gives to RocketMQ's servers and to ours, in the order in which both get them, with what is
 * known to differ and why. Fields are those of real clients; `without` and `with` make further requests of one of them.
 *
 * @module
 */
import { BROKER_NAME, CLUSTER_NAME } from "../../scripts/interop/server.ts";

/** One request. */
export interface WireCase {
  readonly to: "broker" | "namesrv";
  readonly code: number;
  readonly ext?: Readonly<Record<string, string>>;
  /** An object is sent as JSON. */
  readonly body?: string | object | Uint8Array;
  /** Fields that are left out, one after the other, in a request each. */
  readonly without?: readonly string[];
  /** Other values of a field, in a request each. */
  readonly with?: Readonly<Record<string, readonly string[]>>;
  /** Why the answers may differ; without a reason they must not. */
  readonly differs?: string;
}

/** What is only known when a cluster runs. */
export interface WireFacts {
  readonly brokerAddr: string;
  readonly nowMs: number;
}

type Fields = Readonly<Record<string, string>>;

const TOPIC = "WireTopic";
const GROUP = "WireGroup";
const POP_GROUP = "WirePop";
const PRODUCERS = "WireProducers";
/** The client that the requests come from. */
export const CLIENT_ID = "127.0.0.1@wire";
const KEY = "7F000001000018B4AAC2130B00000001";
/** Of messages that are not delivered at once. */
const LATE_KEY = "7F000001000018B4AAC2130B00000002";
/** An odd but valid time of long ago. */
const BORN_MS = "1700000000000";
/** Values that no name or number is. */
const BAD_NAME = "bad name!";
const BAD_QUEUES = ["-1", "9"];

function properties(values: Fields): string {
  return Object.entries(values).map(([name, value]) => `${name}\x01${value}\x02`).join("");
}

const PLAIN = properties({ KEYS: "k1 k2", UNIQ_KEY: KEY, WAIT: "true", TAGS: "TagA" });

function sendV2(fields: Fields = {}): Fields {
  const names = { a: PRODUCERS, b: TOPIC, c: "TBW102", d: "4", e: "0" };
  return { ...names, f: "0", g: BORN_MS, h: "0", i: PLAIN, j: "0", k: "false", m: "false", ...fields };
}

function sendV1(fields: Fields = {}): Fields {
  return {
    producerGroup: PRODUCERS,
    topic: TOPIC,
    defaultTopic: "TBW102",
    defaultTopicQueueNums: "4",
    queueId: "1",
    sysFlag: "0",
    bornTimestamp: BORN_MS,
    flag: "0",
    properties: PLAIN,
    reconsumeTimes: "0",
    unitMode: "false",
    batch: "false",
    ...fields,
  };
}

function pull(fields: Fields = {}): Fields {
  return {
    consumerGroup: GROUP,
    topic: TOPIC,
    queueId: "0",
    queueOffset: "0",
    maxMsgNums: "2",
    sysFlag: "4",
    commitOffset: "0",
    suspendTimeoutMillis: "0",
    subscription: "*",
    subVersion: "1",
    expressionType: "TAG",
    ...fields,
  };
}

function topicFields(topic: string, fields: Fields = {}): Fields {
  const queues = { defaultTopic: "TBW102", readQueueNums: "2", writeQueueNums: "2", perm: "6" };
  return { topic, ...queues, topicFilterType: "SINGLE_TAG", topicSysFlag: "0", order: "false", ...fields };
}

function subscription(topic: string, fields: object = {}): object {
  const tags = { classFilterMode: false, codeSet: [], tagsSet: [], subString: "*", expressionType: "TAG" };
  return { topic, subVersion: 1, ...tags, ...fields };
}

/** The heartbeat that keeps the client a member. */
export const HEARTBEAT = {
  clientID: CLIENT_ID,
  consumerDataSet: [{
    consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
    consumeType: "CONSUME_PASSIVELY",
    groupName: GROUP,
    messageModel: "CLUSTERING",
    subscriptionDataSet: [subscription(TOPIC), subscription(`%RETRY%${GROUP}`)],
    unitMode: false,
  }],
  producerDataSet: [{ groupName: PRODUCERS }],
};

/** Messages of a batch as the client frames them: sizes, body, no properties. */
function batch(...texts: string[]): Uint8Array {
  const frames = texts.map((text) => {
    const body = new TextEncoder().encode(text);
    const frame = new Uint8Array(22 + body.length);
    const view = new DataView(frame.buffer);
    view.setInt32(0, frame.length);
    view.setInt32(16, body.length);
    frame.set(body, 20);
    return frame;
  });
  return Uint8Array.from(frames.flatMap((frame) => [...frame]));
}

const queue = (queueId: number) => ({ brokerName: BROKER_NAME, queueId, topic: TOPIC });

/** All requests, in order. */
export function wireCases(facts: WireFacts): WireCase[] {
  return [
    ...tableCases(),
    ...sendCases(),
    ...pullCases(),
    ...offsetCases(),
    ...clientCases(),
    ...readCases(),
    ...absentCases(),
    ...namesrvCases(facts),
    ...popCases(facts),
    ...lastCases(),
  ];
}

function tableCases(): WireCase[] {
  const create = (topic: string, fields?: Fields): WireCase => ({
    to: "broker",
    code: 17,
    ext: topicFields(topic, fields),
  });
  return [
    {
      ...create(TOPIC),
      without: ["topic", "readQueueNums", "perm", "topicFilterType"],
      with: { topic: ["", BAD_NAME] },
    },
    create(`${TOPIC}5`, { attributes: "+message.type=NORMAL", force: "true" }),
    create(`${TOPIC}6`, { attributes: "+nosuch=WRONG" }),
    create(`${TOPIC}6`, { attributes: "-message.type" }),
    create(`${TOPIC}7`, { attributes: "+message.type=PRIORITY" }),
    create("SCHEDULE_TOPIC_XXXX"),
    {
      to: "broker",
      code: 18,
      body: { topicConfigList: [{ topicName: `${TOPIC}L`, readQueueNums: 3, writeQueueNums: 3 }] },
    },
    { to: "broker", code: 200, body: { groupName: GROUP } },
    { to: "broker", code: 200, body: { groupName: BAD_NAME } },
    { to: "broker", code: 200, body: { groupName: `${GROUP}A`, attributes: { "+priority.factor": "5" } } },
    { to: "broker", code: 200, body: { groupName: `${GROUP}A`, attributes: { "+nosuch": "5" } } },
    { to: "broker", code: 225, body: { groupConfigList: [{ groupName: `${GROUP}L` }] } },
    { to: "broker", code: 34, body: HEARTBEAT },
  ];
}

function sendCases(): WireCase[] {
  const send = (fields: Fields, differs?: string): WireCase => ({
    to: "broker",
    code: 310,
    ext: sendV2(fields),
    body: "hello",
    ...(differs === undefined ? {} : { differs }),
  });
  /** To another topic: what comes late would be there sooner or later. */
  const withProperties = (values: Fields, differs?: string) =>
    send({ b: `${TOPIC}5`, i: properties({ UNIQ_KEY: LATE_KEY, ...values }) }, differs);
  const reserved = ["SCHEDULE_TOPIC_XXXX", "RMQ_SYS_TRANS_HALF_TOPIC", "SELF_TEST_TOPIC", "OFFSET_MOVED_EVENT"];
  const reply = { MSG_TYPE: "reply", REPLY_TO_CLIENT: "nobody", CORRELATION_ID: "1", TTL: "3000" };
  return [
    {
      ...send({}),
      without: ["a", "c", "d", "j", "k", "m"],
      with: { b: [BAD_NAME, "T".repeat(300)], e: ["9"] },
    },
    { to: "broker", code: 10, ext: sendV1(), body: "hello", without: ["producerGroup", "defaultTopic"] },
    { to: "broker", code: 320, ext: sendV2({ m: "true" }), body: batch("b1", "b2"), with: { b: [`%RETRY%${GROUP}`] } },
    {
      to: "broker",
      code: 320,
      ext: sendV2({ b: `${TOPIC}L`, m: "true", i: properties({ TRAN_MSG: "true", PGROUP: PRODUCERS }) }),
      body: batch("b1"),
      differs: "RocketMQ stores it as if it were no part of a transaction",
    },
    send({ b: "WireAuto" }),
    send({ b: "WireAuto2", c: "NoSuchDefault" }),
    send({ b: `%RETRY%${GROUP}`, j: "1" }),
    send({ b: `%RETRY%${GROUP}`, j: "20", l: "3" }),
    send({ b: "%RETRY%NoSuchGroup", j: "1" }),
    // To a topic that nothing else is sent to: whether the first one has arrived there meanwhile is a question of time.
    ...["1", "99"].map((DELAY) => send({ b: "WireDelayed", i: properties({ UNIQ_KEY: LATE_KEY, DELAY }) })),
    withProperties({ DELAY: "-1" }),
    withProperties({ TIMER_DELIVER_MS: "-5" }),
    withProperties({ TIMER_DELAY_SEC: "999999999" }, "RocketMQ delays for three days at most"),
    withProperties({ _SYS_MSG_PRIORITY_: "3" }),
    withProperties({ INNER_MULTI_DISPATCH: "%LMQ%a,%LMQ%b" }),
    ...reserved.map((b) => send({ b })),
    send({ f: "4", i: properties({ TRAN_MSG: "true", PGROUP: PRODUCERS, UNIQ_KEY: LATE_KEY }) }),
    send(
      { f: "4", i: properties({ TRAN_MSG: "true", PGROUP: PRODUCERS, DELAY: "3", UNIQ_KEY: LATE_KEY }) },
      "RocketMQ forgets the delay; its clients take it off, so that only others come here",
    ),
    send({ f: "128" }),
    send({ i: properties({ A: "x".repeat(33_000) }) }),
    { ...send({ b: `${TOPIC}L` }, "RocketMQ fails over a body of no bytes; its clients send none"), body: "" },
    { ...send({}), body: "x".repeat(4 * 1024 * 1024 + 1) },
    {
      to: "broker",
      code: 325,
      ext: sendV2({ b: `${CLUSTER_NAME}_REPLY_TOPIC`, i: properties(reply) }),
      body: "reply",
      differs: "RocketMQ's answer names the stored reply although it could not be handed on",
    },
  ];
}

function pullCases(): WireCase[] {
  const other = (fields: Fields, differs?: string): WireCase => ({
    to: "broker",
    code: 11,
    ext: pull(fields),
    ...(differs === undefined ? {} : { differs }),
  });
  return [
    {
      ...other({}),
      without: ["commitOffset", "suspendTimeoutMillis", "subVersion", "subscription", "expressionType"],
      with: {
        queueId: BAD_QUEUES,
        queueOffset: ["-1", "100000"],
        maxMsgNums: ["0", "-1", "1000"],
        topic: ["", "NoSuchTopic"],
        consumerGroup: ["NoSuchGroup", BAD_NAME],
        sysFlag: ["0", "12"],
        subscription: ["TagA || TagB", "NoTag"],
      },
    },
    other({ expressionType: "SQL92", subscription: "a > 1" }),
    other({ expressionType: "SQL92", subscription: "a > " }, "where the expression is wrong is said in other words"),
    other({ sysFlag: "0", subVersion: "99999999999999" }),
    { to: "broker", code: 361, ext: pull({ sysFlag: "20" }) },
  ];
}

function offsetCases(): WireCase[] {
  const place = { topic: TOPIC, queueId: "0" };
  const ofGroup = { consumerGroup: GROUP, ...place };
  const lookup = { topic: TOPIC, key: "k1", maxNum: "3", beginTimestamp: "0", endTimestamp: "9223372036854775807" };
  const back = { offset: "0", group: GROUP, delayLevel: "0", originMsgId: KEY, originTopic: TOPIC, unitMode: "false" };
  const end = { producerGroup: PRODUCERS, tranStateTableOffset: "0", commitLogOffset: "0", commitOrRollback: "8" };
  return [
    {
      to: "broker",
      code: 15,
      ext: { ...ofGroup, commitOffset: "1" },
      with: { consumerGroup: [BAD_NAME], topic: ["NoSuchTopic"] },
    },
    { to: "broker", code: 14, ext: ofGroup, with: { queueId: ["1"], consumerGroup: [`${GROUP}New`] } },
    { to: "broker", code: 14, ext: { ...ofGroup, queueId: "1", setZeroIfNotFound: "false" } },
    {
      to: "broker",
      code: 29,
      ext: { ...place, timestamp: "0" },
      with: { timestamp: ["9999999999999"], queueId: ["9"] },
    },
    { to: "broker", code: 29, ext: { ...place, timestamp: "0", boundaryType: "UPPER" } },
    { to: "broker", code: 30, ext: place, with: { queueId: ["9"], topic: ["NoSuchTopic"] } },
    { to: "broker", code: 31, ext: place, with: { queueId: ["9"], topic: ["NoSuchTopic"] } },
    { to: "broker", code: 32, ext: place, with: { queueId: ["9"] } },
    { to: "broker", code: 33, ext: { offset: "0" }, with: { offset: ["999999999"] } },
    { to: "broker", code: 12, ext: lookup, with: { key: ["none"], topic: ["NoSuchTopic"] } },
    { to: "broker", code: 12, ext: { ...lookup, key: KEY, _UNIQUE_KEY_QUERY: "true" }, without: ["maxNum"] },
    {
      to: "broker",
      code: 36,
      ext: { ...back, maxReconsumeTimes: "16" },
      with: { group: [BAD_NAME], delayLevel: ["-1"] },
    },
    {
      to: "broker",
      code: 37,
      ext: { ...end, fromTransactionCheck: "false", msgId: KEY },
      with: { commitOrRollback: ["99"] },
    },
  ];
}

function clientCases(): WireCase[] {
  const lock = { clientId: CLIENT_ID, consumerGroup: GROUP, mqSet: [queue(0), queue(1)] };
  const check = { clientId: CLIENT_ID, group: GROUP };
  const wrong = subscription(TOPIC, { expressionType: "SQL92", subString: "a > " });
  const assign = {
    clientId: CLIENT_ID,
    consumerGroup: GROUP,
    messageModel: "CLUSTERING",
    strategyName: "AVG",
    topic: TOPIC,
  };
  return [
    { to: "broker", code: 38, ext: { consumerGroup: GROUP }, with: { consumerGroup: ["NoSuchGroup"] } },
    { to: "broker", code: 41, body: lock },
    { to: "broker", code: 41, body: { ...lock, clientId: "other" } },
    { to: "broker", code: 42, body: lock },
    { to: "broker", code: 46, body: { ...check, subscriptionData: subscription(TOPIC) } },
    {
      to: "broker",
      code: 46,
      body: { ...check, subscriptionData: wrong },
      differs: "where the expression is wrong is said in other words",
    },
    { to: "broker", code: 400, body: assign },
    { to: "broker", code: 400, body: { ...assign, messageModel: "BROADCASTING" } },
    { to: "broker", code: 401, body: { consumerGroup: `${GROUP}L`, mode: "POP", popShareQueueNum: 0, topic: TOPIC } },
    { to: "broker", code: 402 },
  ];
}

function readCases(): WireCase[] {
  const both = { group: GROUP, topic: TOPIC };
  return [
    { to: "broker", code: 21, ext: { topicSeq: "0", dataVersion: "", maxTopicNum: "3" } },
    {
      to: "broker",
      code: 26,
      differs: "RocketMQ also tells of its container, and of four switches of its timer wheel",
    },
    { to: "broker", code: 28 },
    { to: "broker", code: 60 },
    { to: "broker", code: 201, ext: { groupSeq: "0", dataVersion: "", maxGroupNum: "3" } },
    { to: "broker", code: 202, ext: { topic: TOPIC }, with: { topic: ["NoSuchTopic"] } },
    { to: "broker", code: 203, ext: { consumerGroup: GROUP }, with: { consumerGroup: ["NoSuchGroup"] } },
    { to: "broker", code: 204, ext: { producerGroup: PRODUCERS }, with: { producerGroup: ["NoSuchGroup"] } },
    { to: "broker", code: 208, ext: { consumerGroup: GROUP, topic: TOPIC } },
    {
      to: "broker",
      code: 222,
      ext: { ...both, timestamp: "0", isForce: "true" },
      with: { group: ["NoSuch"], topic: ["NoSuch"] },
    },
    {
      to: "broker",
      code: 222,
      ext: { ...both, timestamp: "-1", isForce: "true", queueId: "0", offset: "1" },
      with: { offset: ["99999"] },
    },
    { to: "broker", code: 223, ext: { ...both, clientAddr: "no such client" } },
    { to: "broker", code: 300, ext: { topic: `${TOPIC}5` } },
    { to: "broker", code: 306 },
    { to: "broker", code: 307, ext: { consumerGroup: GROUP, clientId: "other", jstackEnable: "false" } },
    { to: "broker", code: 308, ext: { compareGroup: GROUP, topic: TOPIC, filterGroups: "" } },
    { to: "broker", code: 309, ext: { consumerGroup: GROUP, clientId: "other", msgId: KEY, brokerName: BROKER_NAME } },
    { to: "broker", code: 314, ext: { srcGroup: GROUP, destGroup: `${GROUP}A`, topic: TOPIC, offline: "false" } },
    {
      to: "broker",
      code: 315,
      ext: { statsName: "TOPIC_PUT_NUMS", statsKey: TOPIC },
      with: { statsKey: ["none"], statsName: ["none"] },
    },
    { to: "broker", code: 316 },
    { to: "broker", code: 328 },
    { to: "broker", code: 329 },
    { to: "broker", code: 351, ext: { topic: TOPIC }, with: { topic: ["NoSuchTopic"] } },
    { to: "broker", code: 352, ext: { group: GROUP }, with: { group: [BAD_NAME] } },
    { to: "broker", code: 353, ext: { group: `${GROUP}A`, topic: TOPIC, readable: "false" } },
    { to: "broker", code: 907 },
    { to: "broker", code: 25, body: "brokerConfigPath=/x\n" },
    { to: "broker", code: 25, body: "brokerPermission=6\n" },
  ];
}

/** Parts of RocketMQ that are not here, and never were; those that it has not either. */
function absentCases(): WireCase[] {
  const absent = (differs: string, ...codes: number[]): WireCase[] =>
    codes.map((code) => ({ to: "broker", code, differs }));
  const unknown = [0, 27, 47, 50, 51, 52, 53, 54, 209, 212, 214, 220, 221, 301, 302, 326, 902, 903, 999, 1001, 1500];
  return [
    ...unknown.map((code): WireCase => ({ to: "broker", code })),
    ...absent("nothing is kept in RocksDB here", 354, 355),
    ...absent("there are no controllers here, and no masters that act for others", 905, 1008),
    ...absent("there is no flow control for cold data here", 2001, 2003),
    ...absent("there are no users and rules here", 3001, 3005, 3010),
    ...absent("there are no lite topics here", 200074, 200079),
    ...absent("there is one timer engine", 5001),
  ];
}

function namesrvCases({ brokerAddr }: WireFacts): WireCase[] {
  const identity = { brokerName: BROKER_NAME, brokerAddr, clusterName: CLUSTER_NAME, brokerId: "0" };
  const fake = { brokerName: "fake", brokerAddr: "127.0.0.1:1", clusterName: "FakeCluster", brokerId: "0" };
  const registration = { haServerAddr: "127.0.0.1:2", heartbeatTimeoutMillis: "60000", enableActingMaster: "false" };
  const dataVersion = { counter: 1, timestamp: 1, stateVersion: 0 };
  const topics = { FakeTopic: { topicName: "FakeTopic", readQueueNums: 2, writeQueueNums: 2, perm: 6 } };
  return [
    { to: "namesrv", code: 100, ext: { namespace: "ns", key: "k", value: "v" } },
    { to: "namesrv", code: 101, ext: { namespace: "ns", key: "k" }, with: { key: ["none"] } },
    { to: "namesrv", code: 219, ext: { namespace: "ns" }, with: { namespace: ["none"] } },
    { to: "namesrv", code: 102, ext: { namespace: "ns", key: "k" }, with: { key: ["none"] } },
    { to: "namesrv", code: 105, ext: { topic: TOPIC }, with: { topic: ["TBW102", "NoSuchTopic", BAD_NAME] } },
    { to: "namesrv", code: 106 },
    { to: "namesrv", code: 224, ext: { cluster: "NoSuchCluster" } },
    { to: "namesrv", code: 304 },
    { to: "namesrv", code: 311 },
    { to: "namesrv", code: 205, ext: { brokerName: "NoSuchBroker" } },
    { to: "namesrv", code: 327, ext: { brokerName: "NoSuchBroker" } },
    { to: "namesrv", code: 216, ext: { topic: "NoSuchTopic" } },
    { to: "namesrv", code: 318, body: "kvConfigPath=/x\n" },
    { to: "namesrv", code: 322, ext: identity, body: { timestamp: 1, counter: 1 } },
    { to: "namesrv", code: 901, ext: { clusterName: CLUSTER_NAME, brokerName: BROKER_NAME } },
    { to: "namesrv", code: 904, ext: identity },
    {
      to: "namesrv",
      code: 103,
      ext: { ...fake, ...registration, compressed: "false", bodyCrc32: "0" },
      body: { filterServerList: [], topicConfigSerializeWrapper: { dataVersion, topicConfigTable: topics } },
      with: { bodyCrc32: ["5"] },
    },
    { to: "namesrv", code: 105, ext: { topic: "FakeTopic" } },
    { to: "namesrv", code: 104, ext: fake },
    { to: "namesrv", code: 34 },
    { to: "namesrv", code: 999 },
  ];
}

/** Codes that a binary header cannot carry; after the others, for RocketMQ makes the group's retry topics at its first pop. */
function popCases({ nowMs }: WireFacts): WireCase[] {
  const place = { consumerGroup: POP_GROUP, topic: TOPIC, queueId: "0" };
  const pop = { ...place, maxMsgNums: "2", invisibleTime: "60000", pollTime: "0", bornTime: String(nowMs + 60_000) };
  return [
    { to: "broker", code: 200055, ext: place },
    { to: "broker", code: 200054, ext: { ...place, pollTime: "0", bornTime: String(nowMs + 60_000) } },
    { to: "broker", code: 200050, ext: { ...pop, initMode: "0", order: "false", expType: "TAG", exp: "*" } },
    {
      to: "broker",
      code: 200050,
      ext: { ...pop, initMode: "0" },
      with: { topic: ["NoSuchTopic"], queueId: ["9"], maxMsgNums: ["33"], consumerGroup: [BAD_NAME] },
      differs: "RocketMQ's refusals carry the fields of an answer, all 0",
    },
    {
      to: "broker",
      code: 200051,
      ext: { ...place, extraInfo: `0 ${BORN_MS} 60000 0 0 ${BROKER_NAME} 0 0`, offset: "0" },
    },
    {
      to: "broker",
      code: 200053,
      ext: { ...place, extraInfo: `0 ${BORN_MS} 60000 0 0 ${BROKER_NAME} 0 0`, offset: "0", invisibleTime: "1000" },
      differs: "RocketMQ does not look whether the message is still in flight",
    },
  ];
}

function lastCases(): WireCase[] {
  return [
    { to: "broker", code: 207, ext: { groupName: `${GROUP}A`, cleanOffset: "true" } },
    { to: "broker", code: 215, ext: { topic: `${TOPIC}L` }, with: { topic: ["TBW102", BAD_NAME] } },
    { to: "broker", code: 35, ext: { clientID: CLIENT_ID, producerGroup: PRODUCERS, consumerGroup: GROUP } },
    { to: "broker", code: 38, ext: { consumerGroup: GROUP } },
  ];
}
