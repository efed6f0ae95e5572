/**
 * The machine under a broker: clock, disk room, open files, memory; and what the broker itself refuses to do.
 *
 * @module
 */
import { byteText } from "../../broker/runtime_info.ts";
import { Perm } from "../../protocol/message.ts";
import type { Report } from "./finding.ts";
import { brokerSubject, type ExaminedBroker, numberOf } from "./patient.ts";

/** RocketMQ tells the time since its start in whole seconds. */
const CLOCK_GRAIN_MS = 1000;
const CLOCK_WARNING_MS = 2000;
const CLOCK_PROBLEM_MS = 60_000;
const OPEN_FILES_WARNING = 65_535;
const OPEN_FILES_PROBLEM = 4096;
/** Part of the memory that should be available: messages are read from the page cache. */
const MEMORY_WARNING_RATIO = 0.05;

/** Examines the figures of one broker that answered. */
export function examineMachine(broker: ExaminedBroker, report: Report): void {
  if (broker.runtime === null) return;
  examineClock(broker, report);
  examineDisk(broker, report);
  examineOpenFiles(broker, report);
  examineMemory(broker, report);
  examinePermission(broker, report);
}

/** How far a broker's clock is ahead of ours, in milliseconds, as near as it can be known; NaN when it says nothing. */
export function clockAheadMs({ runtime, askedMs }: Pick<ExaminedBroker, "runtime" | "askedMs">): number {
  const units = /(\d+) days, (\d+) hours, (\d+) minutes, (\d+) seconds/.exec(runtime?.get("runtime") ?? "");
  const bootMs = numberOf(runtime, "bootTimestamp");
  if (units === null) return NaN;
  const [days, hours, minutes, seconds] = units.slice(1).map(Number) as [number, number, number, number];
  const toldMs = bootMs + (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000;
  const [beginMs, endMs] = askedMs;
  // Its clock was between `toldMs` and a second later when ours was between the two: only what lies outside is a difference.
  if (toldMs > endMs) return toldMs - endMs;
  if (toldMs + CLOCK_GRAIN_MS < beginMs) return toldMs + CLOCK_GRAIN_MS - beginMs;
  return 0;
}

function examineClock(broker: ExaminedBroker, report: Report): void {
  const aheadMs = clockAheadMs(broker);
  if (Number.isNaN(aheadMs)) return;
  const subject = brokerSubject(broker);
  const seconds = (Math.abs(aheadMs) / 1000).toFixed(1);
  if (Math.abs(aheadMs) <= CLOCK_WARNING_MS) {
    report({ severity: "ok", check: "clock", subject, text: "its clock agrees with this machine's" });
    return;
  }
  report({
    severity: Math.abs(aheadMs) > CLOCK_PROBLEM_MS ? "problem" : "warning",
    check: "clock",
    subject,
    text: `its clock is ${seconds} s ${aheadMs > 0 ? "ahead of" : "behind"} this machine's`,
    meaning:
      "delayed messages come early or late, offsets by time are off, and files are deleted at other times than expected",
    remedy: "let NTP set the clocks of all machines (chrony, systemd-timesyncd)",
  });
}

function examineDisk(broker: ExaminedBroker, report: Report): void {
  const ratio = numberOf(broker.runtime, "commitLogDiskRatio");
  if (Number.isNaN(ratio) || ratio < 0) return;
  const limit = (name: string, usual: number) => (numberOf(broker.config, name) || usual) / 100;
  const full = limit("diskSpaceWarningLevelRatio", 90);
  const forced = limit("diskSpaceCleanForciblyRatio", 85);
  const early = limit("diskMaxUsedSpaceRatio", 75);
  const subject = brokerSubject(broker);
  const room = broker.runtime?.get("commitLogDirCapacity");
  const used = `${(ratio * 100).toFixed(1)} % of its disk is used${
    room === undefined ? "" : ` (${room.replace(/\.$/, "")})`
  }`;
  const remedy =
    "make room or add disk; keep messages for a shorter time (fileReservedTime); look what else fills the disk";
  if (ratio >= full) {
    const meaning = `above ${
      Math.round(full * 100)
    } % (diskSpaceWarningLevelRatio) it takes no messages: producers get SERVICE_NOT_AVAILABLE`;
    report({ severity: "problem", check: "disk", subject, text: used, meaning, remedy });
  } else if (ratio >= forced) {
    const meaning = `above ${
      Math.round(forced * 100)
    } % (diskSpaceCleanForciblyRatio) it deletes old messages whatever their age, consumed or not`;
    report({ severity: "problem", check: "disk", subject, text: used, meaning, remedy });
  } else if (ratio >= early) {
    const meaning = `above ${
      Math.round(early * 100)
    } % (diskMaxUsedSpaceRatio) it deletes expired files at once instead of at deleteWhen`;
    report({ severity: "warning", check: "disk", subject, text: used, meaning, remedy });
  } else {
    report({ severity: "ok", check: "disk", subject, text: used });
  }
}

function examineOpenFiles(broker: ExaminedBroker, report: Report): void {
  const text = broker.runtime?.get("openFilesLimit");
  if (text === undefined) return;
  const limit = text === "unlimited" ? Infinity : Number(text);
  const subject = brokerSubject(broker);
  if (limit >= OPEN_FILES_WARNING) {
    report({ severity: "ok", check: "open-files", subject, text: `may open ${text} files and connections` });
    return;
  }
  report({
    severity: limit < OPEN_FILES_PROBLEM ? "problem" : "warning",
    check: "open-files",
    subject,
    text: `may open only ${text} files and connections`,
    meaning: "with that many clients and open files of the store it accepts no more connections",
    remedy: "LimitNOFILE=655350 in its unit, or `ulimit -n 655350` before it is started",
  });
}

function examineMemory(broker: ExaminedBroker, report: Report): void {
  const total = numberOf(broker.runtime, "machineMemoryBytes");
  const available = numberOf(broker.runtime, "machineMemoryAvailableBytes");
  const own = numberOf(broker.runtime, "processMemoryBytes");
  if (Number.isNaN(total + available + own)) return;
  const subject = brokerSubject(broker);
  const text = `uses ${byteText(own)} of memory; ${byteText(available)} of ${
    byteText(total)
  } are available on its machine`;
  if (available >= total * MEMORY_WARNING_RATIO) {
    report({ severity: "ok", check: "memory", subject, text });
    return;
  }
  report({
    severity: "warning",
    check: "memory",
    subject,
    text,
    meaning:
      "the system has no room to cache the store: consumers that lag read from disk, and the broker may be killed",
    remedy: "move other programs away, or give the machine more memory",
  });
}

function examinePermission(broker: ExaminedBroker, report: Report): void {
  const permission = numberOf(broker.config, "brokerPermission");
  const both = Perm.READ | Perm.WRITE;
  if (Number.isNaN(permission) || (permission & both) === both) return;
  const lost = (permission & Perm.WRITE) === 0 ? (permission & Perm.READ) === 0 ? "sends and reads" : "sends" : "reads";
  report({
    severity: "warning",
    check: "permission",
    subject: brokerSubject(broker),
    text: `refuses ${lost}: brokerPermission=${permission}`,
    meaning: "right while it is being taken out of service; otherwise its queues are missing",
    remedy: "mqadmin updateBrokerConfig -k brokerPermission -v 6 -b ADDRESS",
  });
}
