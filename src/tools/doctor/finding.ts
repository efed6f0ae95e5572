/**
 * What an examination found, and how it is printed.
 *
 * @module
 */

/** How bad it is: `problem`, something does not work; `warning`, something will not when it gets worse, or not for everybody. */
export type Severity = "problem" | "warning" | "ok";

/** One thing that was found out. */
export interface Finding {
  readonly severity: Severity;
  /** What was looked at, for scripts: stays the same between releases. */
  readonly check: string;
  /** Of what: a name server, a broker, a group. */
  readonly subject: string;
  /** What was found, with figures. */
  readonly text: string;
  /** What that means for clients and operators; absent for `ok`. */
  readonly meaning?: string;
  /** What to change; absent for `ok`. */
  readonly remedy?: string;
}

/** Where findings go. */
export type Report = (finding: Finding) => void;

/** Exit codes, as monitoring systems have them. */
export const EXIT_CODES: Readonly<Record<Severity, number>> = { ok: 0, warning: 1, problem: 2 };

/** Exit code of a set of findings: that of the worst. */
export function exitCodeOf(findings: readonly Finding[]): number {
  return Math.max(0, ...findings.map(({ severity }) => EXIT_CODES[severity]));
}

const LABELS: Readonly<Record<Severity, string>> = { ok: "ok      ", warning: "WARNING ", problem: "PROBLEM " };
const INDENT = " ".repeat(LABELS.ok.length);

/** The lines of a finding. */
export function findingLines({ severity, subject, text, meaning, remedy }: Finding): string[] {
  return [
    `${LABELS[severity]}${subject}: ${text}`,
    ...(meaning === undefined ? [] : [`${INDENT}means:  ${meaning}`]),
    ...(remedy === undefined ? [] : [`${INDENT}change: ${remedy}`]),
  ];
}

/** The last line: how many of each. */
export function summaryLine(findings: readonly Finding[]): string {
  const count = (severity: Severity) => findings.filter((each) => each.severity === severity).length;
  const [problems, warnings, passed] = [count("problem"), count("warning"), count("ok")];
  const named = (number: number, name: string) => `${number} ${name}${number === 1 ? "" : "s"}`;
  return `${named(problems, "problem")}, ${named(warnings, "warning")}, ${passed} in order`;
}
