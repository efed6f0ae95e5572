/**
 * What is examined: the name servers' answers, and the brokers that they tell of, with what each broker says of itself.
 *
 * @module
 */
import type { ToolWorld } from "../world.ts";
import { utf8Text } from "../../common/bytes.ts";
import { parseProperties } from "../../common/properties.ts";
import { type ClusterInfo, decodeKvTable } from "../../protocol/bodies/route.ts";
import { RequestCode, ResponseCode, responseCodeName } from "../../protocol/codes.ts";
import { writeHeader } from "../../protocol/header.ts";
import type { RemotingClient } from "../../remoting/client.ts";
import type { Command } from "../../remoting/command.ts";

/** Asks nodes, one request each. */
export interface Examiner {
  readonly world: Pick<ToolWorld, "net" | "clock">;
  readonly remoting: RemotingClient;
  /** How long a node may take. */
  readonly timeoutMs: number;
}

/** A name server that answered. */
export interface ExaminedNameServer {
  readonly address: string;
  readonly info: ClusterInfo;
}

/** A broker that the name servers tell of. */
export interface ExaminedBroker {
  readonly cluster: string;
  readonly brokerName: string;
  readonly brokerId: number;
  /** The address that clients are told. */
  readonly address: string;
  /** Its options; null when it was not reached. */
  readonly config: ReadonlyMap<string, string> | null;
  /** Its figures; null when it was not reached. */
  readonly runtime: ReadonlyMap<string, string> | null;
  /** The milliseconds, on our clock, between which {@linkcode runtime} was made. */
  readonly askedMs: readonly [beginMs: number, endMs: number];
}

/** How a broker is called in findings. */
export function brokerSubject(
  { brokerName, brokerId, address }: Pick<ExaminedBroker, "brokerName" | "brokerId" | "address">,
): string {
  return `broker ${brokerName} (id ${brokerId}) at ${address}`;
}

/** A node answered, but refused. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";

  constructor(readonly code: number, remark: string) {
    super(`${responseCodeName(code)}: ${remark}`);
  }
}

/** Sends a request without a body. @throws {ConnectionError} @throws {RefusedError} */
export async function ask(examiner: Examiner, address: string, code: number): Promise<Command> {
  const answer = await examiner.remoting.invoke(address, { code, ext: writeHeader({}) }, examiner.timeoutMs);
  if (answer.code !== ResponseCode.SUCCESS) {
    throw new RefusedError(answer.code, (answer.remark ?? "").trim().split("\n")[0]!);
  }
  return answer;
}

/** A broker's options. @throws {ConnectionError} @throws {RefusedError} */
export async function readConfig(examiner: Examiner, address: string): Promise<Map<string, string>> {
  const { body } = await ask(examiner, address, RequestCode.GET_BROKER_CONFIG);
  return new Map(parseProperties(utf8Text(body)).entries.map(({ key, value }) => [key, value]));
}

/** A broker's figures. @throws {ConnectionError} @throws {RefusedError} */
export async function readRuntime(examiner: Examiner, address: string): Promise<Map<string, string>> {
  return decodeKvTable((await ask(examiner, address, RequestCode.GET_BROKER_RUNTIME_INFO)).body);
}

/** A figure as a number; NaN when it is absent or none. */
export function numberOf(table: ReadonlyMap<string, string> | null, name: string): number {
  const text = table?.get(name);
  return text === undefined || text === "" ? NaN : Number(text);
}
