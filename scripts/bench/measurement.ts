/**
 * One measured run of a scenario, and the verdict on which side was its limit.
 *
 * @module
 */
import type { MeterReading } from "./process_meter.ts";

/** What one run of a scenario came to. Null where it has no such figure, or the generator does not tell it. */
export interface Measurement {
  readonly messagesPerSecond: number | null;
  /** CPU time of the broker for each message. */
  readonly cpuUsPerMessage: number | null;
  /** Latencies of requests. Java's programs tell mean and maximum only. */
  readonly meanUs: number | null;
  readonly p50Us: number | null;
  readonly p99Us: number | null;
  readonly p999Us: number | null;
  readonly maxUs: number | null;
  readonly rssMiB: number | null;
  readonly anonymousMiB: number | null;
  readonly writtenBytesPerMessage: number | null;
  readonly failed: number;
  /** The first refusal; empty when there was none. */
  readonly failure: string;
  /** Which side was the limit, with the figures that say so. */
  readonly limit: string;
  /** Figures of this kind of work alone, with their unit in the name. */
  readonly more: Readonly<Record<string, number>>;
}

/** A measurement without figures, to be filled. */
export const NOTHING_MEASURED: Measurement = {
  messagesPerSecond: null,
  cpuUsPerMessage: null,
  meanUs: null,
  p50Us: null,
  p99Us: null,
  p999Us: null,
  maxUs: null,
  rssMiB: null,
  anonymousMiB: null,
  writtenBytesPerMessage: null,
  failed: 0,
  failure: "",
  limit: "",
  more: {},
};

const THREAD_IS_FULL = 0.9;
const MACHINE_IS_FULL = 0.9;
/** With idle cores, a disk that had something to do for this share of the time is what was waited for. */
const DISK_IS_BUSY = 0.5;

/** What a generator reports about its run. */
export interface GeneratorResult {
  readonly messagesPerSecond: number;
  readonly meanUs: number | null;
  readonly p50Us: number | null;
  readonly p99Us: number | null;
  readonly p999Us: number | null;
  readonly maxUs: number | null;
  readonly failed: number;
  readonly failure: string;
}

/** Joins what the generator and the meter saw. `messages` is how many were handled while the meter ran. */
export function measurement(
  result: GeneratorResult,
  reading: MeterReading,
  broker: { messages: number; cpuUsPerMessage?: number; more?: Readonly<Record<string, number>> },
): Measurement {
  const messages = Math.max(1, broker.messages);
  const { messagesPerSecond, meanUs, p50Us, p99Us, p999Us, maxUs, failed, failure } = result;
  return {
    messagesPerSecond,
    meanUs,
    p50Us,
    p99Us,
    p999Us,
    maxUs,
    failed,
    failure,
    cpuUsPerMessage: broker.cpuUsPerMessage ?? reading.broker.cpuUs / messages,
    rssMiB: reading.broker.rssMiB,
    anonymousMiB: reading.broker.anonymousMiB,
    writtenBytesPerMessage: reading.broker.writtenBytes / messages,
    limit: limitOf(reading),
    more: broker.more ?? {},
  };
}

/**
 * Names the limit: a broker or a generator one of whose threads is full, else a machine all of whose cores are busy, else a
 * disk that is waited for, else waiting for each other's answers or timers.
 */
export function limitOf(reading: MeterReading): string {
  const { broker, generator, machineBusy, diskBusy } = reading;
  const sides: string[] = [];
  if (broker.busiestThread >= THREAD_IS_FULL) sides.push("broker");
  if (generator.busiestThread >= THREAD_IS_FULL) sides.push("generator");
  if (machineBusy >= MACHINE_IS_FULL) sides.push("machine");
  if (sides.length === 0 && diskBusy >= DISK_IS_BUSY) sides.push("disk");
  const percent = (share: number) => Math.round(100 * share);
  return `${sides.join(" + ") || "waiting"} (cores: broker ${broker.cores.toFixed(2)}, generator ` +
    `${generator.cores.toFixed(2)}; busiest threads ${percent(broker.busiestThread)} and ` +
    `${percent(generator.busiestThread)} %; machine ${percent(machineBusy)} %, disk ${percent(diskBusy)} %)`;
}
