/**
 * Java's `.properties` text: read into entries that know their line, and changed in place with every comment kept.
 *
 * The grammar is `java.util.Properties.load`'s (comment lines, `=` `:` or blank as separator, escapes, continuation lines,
 * LF, CR or CRLF). What is ours: the bytes may be UTF-8 (tried first; Java reads Latin-1 only), a byte order mark is
 * skipped, and a `# comment` behind a value is told apart from it, for its author meant a comment. Java's value is kept
 * beside; which of the two counts is decided by the reader of options.
 *
 * RocketMQ counterpart: `MixAll.string2Properties`, `MixAll.properties2String`.
 *
 * @module
 */

/** One `key = value` of a file. */
export interface PropertyEntry {
  /** The key, unescaped. */
  readonly key: string;
  /** The value as Java reads it: unescaped, with trailing blanks and whatever follows. */
  readonly rawValue: string;
  /** The value without a trailing comment and without blanks at its end. */
  readonly value: string;
  /** The trailing comment, from its `#` on, or null when there is none. */
  readonly comment: string | null;
  /** Line of the key; the first line of a file is 1. */
  readonly line: number;
  /** How many lines the entry takes: more than one with continuation lines. */
  readonly lineCount: number;
}

/** A place that does not follow the grammar. */
export interface PropertyProblem {
  /** 1-based. */
  readonly line: number;
  /** What is wrong there. */
  readonly message: string;
}

/** A parsed file. */
export interface Properties {
  /** In the order of the file; a key may occur again (the last one counts). */
  readonly entries: readonly PropertyEntry[];
  /** Malformed `\u` escapes, on which Java gives up. */
  readonly problems: readonly PropertyProblem[];
}

/** Text of a file and how its bytes spelled it. */
export interface DecodedText {
  readonly text: string;
  readonly charset: "utf-8" | "latin1";
}

const BOM = "\uFEFF";
const ESCAPES: Readonly<Record<string, string>> = { t: "\t", n: "\n", r: "\r", f: "\f" };

/** Text of the bytes of a properties file: UTF-8 where they are valid UTF-8, else Latin-1; without a byte order mark. */
export function decodeProperties(bytes: Uint8Array): DecodedText {
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes), charset: "utf-8" };
  } catch {
    let text = "";
    for (const byte of bytes) text += String.fromCharCode(byte);
    return { text, charset: "latin1" };
  }
}

/** Bytes of `text`; in Latin-1, characters beyond U+00FF become `\u` escapes. */
export function encodeProperties(decoded: DecodedText): Uint8Array {
  if (decoded.charset === "utf-8") return new TextEncoder().encode(decoded.text);
  const latin1 = decoded.text.replace(/[\u0100-\uffff]/g, escapeUnicode);
  return Uint8Array.from(latin1, (character) => character.charCodeAt(0));
}

/** Parses the text of a properties file. */
export function parseProperties(text: string): Properties {
  const entries: PropertyEntry[] = [];
  const problems: PropertyProblem[] = [];
  for (const line of logicalLines(splitLines(stripBom(text)))) {
    const parts = splitEntry(line.text);
    const unescape = (raw: string) => {
      const result = unescapeText(raw);
      if (result.malformed !== null) {
        problems.push({
          line: line.line,
          message: `malformed escape "${result.malformed}": \\u needs four hex digits`,
        });
      }
      return result.text;
    };
    const commentAt = findComment(line.text, parts.valueAt);
    const bare = commentAt < 0 ? line.text.slice(parts.valueAt) : line.text.slice(parts.valueAt, commentAt);
    entries.push({
      key: unescapeText(line.text.slice(parts.keyAt, parts.keyEnd)).text,
      rawValue: unescape(line.text.slice(parts.valueAt)),
      value: unescapeText(trimBlanksAtEnd(bare)).text,
      comment: commentAt < 0 ? null : line.text.slice(commentAt),
      line: line.line,
      lineCount: line.lineCount,
    });
  }
  return { entries, problems };
}

/** One line `key=value` that this module and Java read back unchanged: ASCII only, everything else escaped. */
export function formatProperty(key: string, value: string): string {
  return `${escapeText(key, true)}=${escapeText(value, false)}`;
}

/**
 * The text with the given keys set: an existing entry is replaced in its place (the last one, where a key occurs again),
 * a new one is added at the end. Comments, blank lines and all other entries stay as they are; a comment behind a replaced
 * value moves to a line of its own above it, where Java understands it too.
 */
export function updateProperties(text: string, changes: ReadonlyMap<string, string>): string {
  const hasBom = text.startsWith(BOM);
  const lines = splitLines(stripBom(text));
  const newline = /\r\n|\r|\n/.exec(text)?.[0] ?? "\n";
  const lastOf = new Map<string, PropertyEntry>();
  for (const entry of parseProperties(text).entries) lastOf.set(entry.key, entry);

  const replacement = new Map<number, { lines: string[]; lineCount: number }>();
  const added: string[] = [];
  for (const [key, value] of changes) {
    const entry = lastOf.get(key);
    if (entry === undefined) {
      added.push(formatProperty(key, value));
    } else if (entry.value !== value || entry.comment !== null) {
      const moved = entry.comment === null ? [] : [entry.comment];
      replacement.set(entry.line, { lines: [...moved, formatProperty(key, value)], lineCount: entry.lineCount });
    }
  }

  const out: string[] = [];
  for (let at = 0; at < lines.length;) {
    const change = replacement.get(at + 1);
    if (change === undefined) out.push(lines[at++]!);
    else {
      out.push(...change.lines);
      at += change.lineCount;
    }
  }
  // A text that ends with a newline has an empty last line: new entries go before it.
  const endsWithNewline = out.at(-1) === "";
  if (endsWithNewline) out.pop();
  return (hasBom ? BOM : "") + [...out, ...added].join(newline) + (endsWithNewline || added.length > 0 ? newline : "");
}

function stripBom(text: string): string {
  return text.startsWith(BOM) ? text.slice(1) : text;
}

function splitLines(text: string): string[] {
  return text.split(/\r\n|\r|\n/);
}

function isBlank(character: string | undefined): boolean {
  return character === " " || character === "\t" || character === "\f";
}

function trimBlanksAtStart(text: string): string {
  let at = 0;
  while (isBlank(text[at])) at++;
  return text.slice(at);
}

/** Cuts blanks at the end, but not one that is escaped. */
function trimBlanksAtEnd(raw: string): string {
  let end = raw.length;
  while (end > 0 && isBlank(raw[end - 1]) && !isEscaped(raw, end - 1)) end--;
  return raw.slice(0, end);
}

/** Whether an odd number of backslashes stands before position `at`. */
function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (at - backslashes - 1 >= 0 && text[at - backslashes - 1] === "\\") backslashes++;
  return backslashes % 2 === 1;
}

interface LogicalLine {
  readonly text: string;
  readonly line: number;
  readonly lineCount: number;
}

/** Joins continuation lines; leaves out comment lines and blank ones. */
function logicalLines(lines: readonly string[]): LogicalLine[] {
  const out: LogicalLine[] = [];
  for (let at = 0; at < lines.length; at++) {
    const first = at;
    let text = trimBlanksAtStart(lines[at]!);
    if (text === "" || text[0] === "#" || text[0] === "!") continue;
    while (isEscaped(text, text.length)) {
      text = text.slice(0, -1);
      if (at + 1 >= lines.length) break;
      text += trimBlanksAtStart(lines[++at]!);
    }
    if (text !== "") out.push({ text, line: first + 1, lineCount: at - first + 1 });
  }
  return out;
}

/** Where key and value lie in a logical line. */
function splitEntry(line: string): { keyAt: number; keyEnd: number; valueAt: number } {
  let keyEnd = 0;
  while (keyEnd < line.length && !isKeyEnd(line[keyEnd]!)) keyEnd += line[keyEnd] === "\\" ? 2 : 1;
  keyEnd = Math.min(keyEnd, line.length);
  let valueAt = keyEnd;
  while (isBlank(line[valueAt])) valueAt++;
  if (line[valueAt] === "=" || line[valueAt] === ":") {
    valueAt++;
    while (isBlank(line[valueAt])) valueAt++;
  }
  return { keyAt: 0, keyEnd, valueAt };
}

function isKeyEnd(character: string): boolean {
  return character === "=" || character === ":" || isBlank(character);
}

/** Position of a `#` that follows a blank and is not escaped, or -1: a comment behind a value. */
function findComment(line: string, valueAt: number): number {
  for (let at = valueAt; at < line.length; at++) {
    if (line[at] === "#" && isBlank(line[at - 1]) && !isEscaped(line, at - 1)) return at;
  }
  return -1;
}

function unescapeText(raw: string): { text: string; malformed: string | null } {
  if (!raw.includes("\\")) return { text: raw, malformed: null };
  let text = "";
  let malformed: string | null = null;
  for (let at = 0; at < raw.length; at++) {
    if (raw[at] !== "\\") {
      text += raw[at];
      continue;
    }
    const next = raw[++at];
    if (next === undefined) break;
    if (next !== "u") {
      text += ESCAPES[next] ?? next;
      continue;
    }
    const digits = raw.slice(at + 1, at + 5);
    if (/^[0-9a-fA-F]{4}$/.test(digits)) {
      text += String.fromCharCode(parseInt(digits, 16));
      at += 4;
    } else {
      malformed ??= "\\u" + digits;
      text += next;
    }
  }
  return { text, malformed };
}

function escapeUnicode(character: string): string {
  return "\\u" + character.charCodeAt(0).toString(16).padStart(4, "0");
}

function escapeText(text: string, isKey: boolean): string {
  const escaped = text.replace(/[\\\t\n\r\f]/g, (character) => {
    const names: Readonly<Record<string, string>> = { "\\": "\\", "\t": "t", "\n": "n", "\r": "r", "\f": "f" };
    return "\\" + names[character];
  }).replace(/[^\x20-\x7e\\]/g, escapeUnicode);
  if (isKey) return escaped.replace(/[ =:#!]/g, "\\$&");
  // A leading or trailing blank would be skipped, and a `#` behind a blank read as a comment.
  const guarded = escaped.replace(/^ /, "\\ ").replace(/ (?=#)/g, " \\");
  return text.length > 1 && text.endsWith(" ") ? guarded.slice(0, -1) + "\\ " : guarded;
}
