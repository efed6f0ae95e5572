/**
 * Stores that Java wrote, put on a simulated disk, with the listing that an independent reader made of each.
 *
 * @module
 */
import { gunzipSync } from "node:zlib";
import type { SimClock } from "../../../src/common/clock_sim.ts";
import { SimDisk } from "../../../src/common/disk_sim.ts";
import { SeededRandom } from "../../../src/common/random.ts";
import type { StoreOptions } from "../../../src/store/store.ts";

const DIRECTORY = new URL("../../golden/store/", import.meta.url);

/** A record in a listing. */
export interface SampleMessage {
  readonly commitLogOffset: number;
  readonly size: number;
  readonly topic: string;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly flag: number;
  readonly sysFlag: number;
  readonly bornTimestamp: number;
  readonly bornHost: string;
  readonly storeTimestamp: number;
  readonly offsetMsgId: string;
  readonly uniqKey: string | null;
  readonly keys: string | null;
  readonly bodyCRC: number;
  readonly reconsumeTimes: number;
  readonly preparedTransactionOffset: number;
}

/** A consumequeue in a listing; entries are `[index, offset, size, tagsCode]`. */
export interface SampleQueue {
  readonly topic: string;
  readonly queueId: number;
  readonly maxOffset: number;
  readonly entries: readonly [number, number, number, number][];
}

/** An index file in a listing; entries are `[n, hash, offset, timeDiff, prev]`. */
export interface SampleIndex {
  readonly file: string;
  readonly beginTimestamp: number;
  readonly endTimestamp: number;
  readonly beginPhyOffset: number;
  readonly endPhyOffset: number;
  readonly hashSlotCount: number;
  readonly indexCount: number;
  readonly entries: readonly [number, number, number, number, number][];
}

/** What the independent reader found in a store. */
export interface SampleListing {
  readonly layout: Pick<
    StoreOptions,
    "mappedFileSizeCommitLog" | "mappedFileSizeConsumeQueue" | "maxHashSlotNum" | "maxIndexNum"
  >;
  readonly abortPresent: boolean;
  readonly maxPhyOffset: number;
  readonly messages: readonly SampleMessage[];
  readonly consumeQueues: readonly SampleQueue[];
  readonly index: readonly SampleIndex[];
}

/** The listing of a sample. */
export function sampleListing(name: string): SampleListing {
  return JSON.parse(Deno.readTextFileSync(new URL(`${name}.json`, DIRECTORY)));
}

/** A disk with the sample's files below `/store`. */
export function sampleDisk(name: string, clock: SimClock): SimDisk {
  const disk = new SimDisk({ random: new SeededRandom(1), clock });
  const tar = gunzipSync(Deno.readFileSync(new URL(`${name}.tar.gz`, DIRECTORY)));
  const text = (at: number, size: number) =>
    new TextDecoder().decode(tar.subarray(at, at + size)).replace(/\0.*$/s, "");
  const octal = (at: number, size = 12) => parseInt(text(at, size).trim() || "0", 8);
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0;) {
    const path = `/${text(at, 100).replace(/\/$/, "")}`;
    const size = octal(at + 124);
    const kind = text(at + 156, 1);
    let data = at + 512;
    if (kind === "5") disk.makeDirectory(path);
    else {
      disk.makeDirectory(path.slice(0, path.lastIndexOf("/")));
      const file = disk.open(path, { create: true });
      if (kind === "S") {
        // GNU sparse file: pairs of position and size, 4 in the header and 21 in each block that continues it.
        const pieces = [0, 1, 2, 3].map((i) => [octal(at + 386 + 24 * i), octal(at + 398 + 24 * i)] as const);
        for (let more = tar[at + 482] === 1; more; more = tar[data - 8] === 1) {
          for (let i = 0; i < 21; i++) pieces.push([octal(data + 24 * i), octal(data + 24 * i + 12)]);
          data += 512;
        }
        file.truncate(octal(at + 483));
        let from = data;
        for (const [position, bytes] of pieces) {
          if (bytes > 0) file.write(tar.subarray(from, from + bytes), position);
          from += bytes;
        }
      } else file.write(tar.subarray(data, data + size), 0);
      file.close();
    }
    at = data + Math.ceil(size / 512) * 512;
  }
  disk.settle();
  return disk;
}
