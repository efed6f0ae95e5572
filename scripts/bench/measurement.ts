/**
 * One measured run of a scenario, and the verdict on which side was its limit.
 *
 * @module
 */
import type { MeterReading } from "./process_meter.ts";

/** What one run of a scenario came to. */
export interface Measurement {
  readonly messagesPerSecond: number;
  /** CPU time of the broker for each message. */
  readonly cpuUsPerMessage: number;
  /** Latencies of requests; null where the generator does not tell them. Java's programs tell mean and maximum. */
  readonly meanUs: number | null;
  readonly p50Us: number | null;
  readonly p99Us: number | null;
  readonly p999Us: number | null;
  readonly maxUs: number | null;
  readonly rssMiB: number;
  readonly anonymousMiB: number;
  readonly writtenBytesPerMessage: number;
  readonly failed: number;
  /** Which side was the limit, with the figures that say so. */
  readonly limit: string;
}

const THREAD_IS_FULL = 0.9;
const MACHINE_IS_FULL = 0.9;

/** What a generator reports about its run. */
export interface GeneratorResult {
  readonly messagesPerSecond: number;
  readonly meanUs: number | null;
  readonly p50Us: number | null;
  readonly p99Us: number | null;
  readonly p999Us: number | null;
  readonly maxUs: number | null;
  readonly failed: number;
}

/** Joins what the generator and the meter saw. `messages` is how many were handled while the meter ran. */
export function measurement(
  result: GeneratorResult,
  reading: MeterReading,
  broker: { messages: number; cpuUsPerMessage?: number },
): Measurement {
  const messages = Math.max(1, broker.messages);
  return {
    ...result,
    cpuUsPerMessage: broker.cpuUsPerMessage ?? reading.broker.cpuUs / messages,
    rssMiB: reading.broker.rssMiB,
    anonymousMiB: reading.broker.anonymousMiB,
    writtenBytesPerMessage: reading.broker.writtenBytes / messages,
    limit: limitOf(reading),
  };
}

/**
 * Names the limit: a broker or a generator one of whose threads is full, else a machine all of whose cores are busy,
 * else waiting (for each other's answers, timers or the disk).
 */
export function limitOf(reading: MeterReading): string {
  const { broker, generator, machineBusy } = reading;
  const sides: string[] = [];
  if (broker.busiestThread >= THREAD_IS_FULL) sides.push("broker");
  if (generator.busiestThread >= THREAD_IS_FULL) sides.push("generator");
  if (machineBusy >= MACHINE_IS_FULL) sides.push("machine");
  const percent = (share: number) => Math.round(100 * share);
  return `${sides.join(" + ") || "waiting"} (cores: broker ${broker.cores.toFixed(2)}, generator ` +
    `${generator.cores.toFixed(2)}; busiest threads ${percent(broker.busiestThread)} and ` +
    `${percent(generator.busiestThread)} %; machine ${percent(machineBusy)} %)`;
}
