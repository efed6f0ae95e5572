/**
 * Prints the options of a command in the layout of RocketMQ's tools: 110 columns, one usage paragraph, one line for each
 * option, sorted by name.
 *
 * RocketMQ counterpart: `ServerUtil#printCommandLineHelp`, over Apache Commons CLI.
 *
 * @module
 */
import { keyOf, type OptionSpec } from "./arguments.ts";

const WIDTH = 110;
const GAP = 3;

/** The usage of a command, without a final newline. @param name what stands behind `usage:`. */
export function usageText(name: string, options: readonly OptionSpec[]): string {
  const sorted = [...options].sort((a, b) => compareIgnoringCase(keyOf(a), keyOf(b)));
  return [wrap(`usage: ${name} ${synopsis(sorted)}`, "usage: ".length), ...optionLines(sorted)].join("\n");
}

function compareIgnoringCase(a: string, b: string): number {
  const [x, y] = [a.toLowerCase(), b.toLowerCase()];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** A group stands where its first member would, and leaves a blank for each of the others. */
function synopsis(sorted: readonly OptionSpec[]): string {
  const printed = new Set<string>();
  return sorted.map((spec) => {
    if (spec.group === undefined) return spec.isRequired ? form(spec) : `[${form(spec)}]`;
    if (printed.has(spec.group)) return "";
    printed.add(spec.group);
    return sorted.filter(({ group }) => group === spec.group).map(form).join(" | ");
  }).join(" ");
}

function form(spec: OptionSpec): string {
  const name = spec.short === undefined ? `--${spec.long}` : `-${spec.short}`;
  return spec.hasValue ? `${name} <arg>` : name;
}

function optionLines(sorted: readonly OptionSpec[]): string[] {
  const names = sorted.map((spec) => {
    const short = spec.short === undefined ? "    " : ` -${spec.short},`;
    return `${short}--${spec.long}${spec.hasValue ? " <arg>" : ""}`;
  });
  const indent = Math.max(...names.map((name) => name.length)) + GAP;
  return sorted.map((spec, index) => wrap(names[index]!.padEnd(indent) + spec.description, indent));
}

/** Breaks at blanks, or within a word that is too long; further lines are indented. */
function wrap(text: string, indent: number): string {
  const lines: string[] = [];
  let rest = text;
  for (;;) {
    let end = rest.length <= WIDTH ? -1 : rest.lastIndexOf(" ", WIDTH);
    if (end === -1 && rest.length <= WIDTH) break;
    if (end <= (lines.length === 0 ? 0 : indent - 1)) end = WIDTH;
    lines.push(rest.slice(0, end).trimEnd());
    rest = " ".repeat(indent) + rest.slice(end).trim();
  }
  lines.push(rest.trimEnd());
  return lines.join("\n");
}
