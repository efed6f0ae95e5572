/**
 * What the doctor makes of a broker's figures.
 *
 * @module
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { openFilesLimit } from "../../../src/broker/process_facts.ts";
import { exitCodeOf, type Finding, findingLines, summaryLine } from "../../../src/tools/doctor/finding.ts";
import { clockAheadMs, examineMachine } from "../../../src/tools/doctor/machines.ts";

const BOOT_MS = 1_700_000_000_000;

function examine(runtime: Record<string, string>, config: Record<string, string> = {}): Finding[] {
  const findings: Finding[] = [];
  examineMachine({
    cluster: "c",
    brokerName: "a",
    brokerId: 0,
    address: "10.0.0.1:10911",
    config: new Map(Object.entries(config)),
    runtime: new Map(Object.entries(runtime)),
    askedMs: [BOOT_MS, BOOT_MS],
  }, (finding) => findings.push(finding));
  return findings;
}

Deno.test("the clock is told from the time of the start and the whole seconds since, neither more nor less exactly", () => {
  const runtime = new Map([["bootTimestamp", String(BOOT_MS)], [
    "runtime",
    "[ 1 days, 2 hours, 3 minutes, 4 seconds ]",
  ]]);
  const toldMs = BOOT_MS + (((24 + 2) * 60 + 3) * 60 + 4) * 1000;
  const ahead = (beginMs: number, endMs: number) => clockAheadMs({ runtime, askedMs: [beginMs, endMs] });
  assertEquals(ahead(toldMs, toldMs + 10), 0);
  assertEquals(ahead(toldMs + 990, toldMs + 1000), 0, "the part of a second that is not told");
  assertEquals(ahead(toldMs - 5010, toldMs - 5000), 5000);
  assertEquals(ahead(toldMs + 4000, toldMs + 4010), -3000);
  assertEquals(ahead(toldMs - 100, toldMs + 900), 0, "a slow answer is no difference");
  assertEquals(Number.isNaN(clockAheadMs({ runtime: new Map(), askedMs: [0, 0] })), true);
});

Deno.test("a disk is judged by the broker's own limits", () => {
  const judged = (ratio: string, config: Record<string, string> = {}) => {
    const [{ severity, text, meaning }] = examine({
      commitLogDiskRatio: ratio,
      commitLogDirCapacity: "Total : 10 GiB, Free : 1 GiB.",
    }, config) as [Finding];
    return { severity, text, meaning: meaning ?? "" };
  };
  assertEquals(judged("0.5").severity, "ok");
  assertEquals(judged("0.5").text, "50.0 % of its disk is used (Total : 10 GiB, Free : 1 GiB)");
  assertStringIncludes(judged("0.80").meaning, "diskMaxUsedSpaceRatio");
  assertEquals(judged("0.80").severity, "warning");
  assertStringIncludes(judged("0.87").meaning, "whatever their age");
  assertStringIncludes(judged("0.95").meaning, "takes no messages");
  assertStringIncludes(judged("0.60", { diskSpaceWarningLevelRatio: "55" }).meaning, "above 55 %");
});

Deno.test("few open files, little memory and a lost permission are told with their remedy", () => {
  const found = examine({
    openFilesLimit: "1024",
    processMemoryBytes: "1073741824",
    machineMemoryBytes: "8589934592",
    machineMemoryAvailableBytes: "104857600",
  }, { brokerPermission: "2" });
  assertEquals(found.map(({ check, severity }) => [check, severity]), [
    ["open-files", "problem"],
    ["memory", "warning"],
    ["permission", "warning"],
  ]);
  assertStringIncludes(found[0]!.remedy!, "LimitNOFILE");
  assertStringIncludes(found[2]!.text, "refuses reads");
  assertEquals(examine({ openFilesLimit: "unlimited" }, { brokerPermission: "6" }).map(({ severity }) => severity), [
    "ok",
  ]);
  assertEquals(examine({}), [], "of what a broker does not tell nothing is said");
});

Deno.test("the limit on open files is that which counts", () => {
  const limits = "Limit                     Soft Limit           Hard Limit           Units     \n" +
    "Max processes             63704                63704                processes \n" +
    "Max open files            1024                 524288               files     \n";
  assertEquals(openFilesLimit(limits), "1024");
  assertEquals(openFilesLimit(""), null);
});

Deno.test("a finding is printed with what it means and what to change, and the worst one decides the exit code", () => {
  const ok: Finding = { severity: "ok", check: "c", subject: "s", text: "fine" };
  const warning: Finding = { ...ok, severity: "warning", text: "t", meaning: "m", remedy: "r" };
  assertEquals(findingLines(ok), ["ok      s: fine"]);
  assertEquals(findingLines(warning), ["WARNING s: t", "        means:  m", "        change: r"]);
  assertEquals([exitCodeOf([]), exitCodeOf([ok]), exitCodeOf([ok, warning])], [0, 0, 1]);
  assertEquals(exitCodeOf([warning, { ...ok, severity: "problem" }]), 2);
  assertEquals(summaryLine([ok, ok, warning]), "0 problems, 1 warning, 2 in order");
});
