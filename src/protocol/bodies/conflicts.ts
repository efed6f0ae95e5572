/**
 * Brokers that claim the same place: the answer to GET_REGISTRATION_CONFLICTS (20002), and its JSON. Source: ours.
 *
 * @module
 */
import { utf8 } from "../../common/bytes.ts";
import { stringifyJson } from "../json.ts";
import { intMember, isObject, listMember, readBody, textMember, textsMember } from "../json_members.ts";

/** One place in a broker group that several live brokers register for. Clients are told the address that came last. */
export interface RegistrationConflict {
  readonly clusterName: string;
  readonly brokerName: string;
  readonly brokerId: number;
  /** `host:port` of each, in order. */
  readonly addresses: readonly string[];
}

/** Writes the answer. */
export function encodeConflicts(conflicts: readonly RegistrationConflict[]): Uint8Array {
  return utf8(stringifyJson({ conflicts }));
}

/** Reads the answer. @throws {JsonError} */
export function decodeConflicts(body: Uint8Array): RegistrationConflict[] {
  return listMember(readBody(body), "conflicts").filter(isObject).map((each) => ({
    clusterName: textMember(each, "clusterName"),
    brokerName: textMember(each, "brokerName"),
    brokerId: intMember(each, "brokerId"),
    addresses: textsMember(each, "addresses"),
  }));
}
