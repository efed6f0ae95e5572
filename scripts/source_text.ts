/**
 * Reads TypeScript just far enough for `tidy.ts`: blanks comments, text and regular expressions, and lists what a module
 * imports. Not a parser; it knows where a token begins, not what it means.
 *
 * @module
 */

/** One import or re-export, dynamic ones and `new URL("./x", import.meta.url)` among them. */
export interface Import {
  /** As written, for instance `../common/bytes.ts`. */
  readonly specifier: string;
  /** 1-based line of the specifier. */
  readonly line: number;
  /** `import type` or `export type`: gone at run time. */
  readonly isTypeOnly: boolean;
  /** Evaluated when it is reached, not when the module is loaded. */
  readonly isDynamic: boolean;
}

/** A regular expression may begin behind these; behind a name, a number or a closing bracket a `/` divides. */
const REGEX_MAY_FOLLOW =
  /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|void|delete|throw|await|yield))\s*$/;

/**
 * `source` with the same length and lines, in which comments and the insides of text and regular expressions are blanks;
 * the quotes stay. Code inside `${}` of templates stays.
 */
export function maskSource(source: string): string {
  const out = source.split("");
  const blank = (from: number, to: number) => {
    for (let i = from; i < to; i++) if (out[i] !== "\n") out[i] = " ";
  };
  const templateDepths: number[] = [];
  let depth = 0;
  let i = 0;
  while (i < source.length) {
    const char = source[i]!;
    const closesExpression = char === "}" && templateDepths.at(-1) === depth;
    let end = i + 1;
    if (source.startsWith("//", i)) end = blankTo(indexOrEnd(source, "\n", i), i);
    else if (source.startsWith("/*", i)) end = blankTo(indexOrEnd(source, "*/", i + 2) + 2, i);
    else if (char === '"' || char === "'") end = blankInside(endOfQuoted(source, i), i);
    else if (char === "`" || closesExpression) {
      if (closesExpression) templateDepths.pop();
      end = endOfTemplatePart(source, i);
      blank(i + 1, source[end - 1] === "{" ? end - 2 : end - 1);
      if (source[end - 1] === "{") templateDepths.push(depth);
    } else if (char === "/" && REGEX_MAY_FOLLOW.test(out.slice(Math.max(0, i - 40), i).join(""))) {
      end = blankInside(endOfRegex(source, i), i);
    } else if (char === "{") depth++;
    else if (char === "}") depth--;
    i = end;
  }
  return out.join("");

  function blankTo(end: number, start: number): number {
    blank(start, Math.min(end, source.length));
    return end;
  }
  function blankInside(end: number, start: number): number {
    blank(start + 1, end - 1);
    return end;
  }
}

function indexOrEnd(source: string, what: string, from: number): number {
  const index = source.indexOf(what, from);
  return index < 0 ? source.length : index;
}

function endOfQuoted(source: string, start: number): number {
  let i = start + 1;
  while (i < source.length && source[i] !== source[start] && source[i] !== "\n") i += source[i] === "\\" ? 2 : 1;
  return i + 1;
}

/** Behind the closing backquote, or behind the `${` that interrupts the template. */
function endOfTemplatePart(source: string, start: number): number {
  let i = start + 1;
  while (i < source.length && source[i] !== "`") {
    if (source.startsWith("${", i)) return i + 2;
    i += source[i] === "\\" ? 2 : 1;
  }
  return i + 1;
}

function endOfRegex(source: string, start: number): number {
  let i = start + 1;
  let isInClass = false;
  while (i < source.length && source[i] !== "\n" && (isInClass || source[i] !== "/")) {
    if (source[i] === "[") isInClass = true;
    else if (source[i] === "]") isInClass = false;
    i += source[i] === "\\" ? 2 : 1;
  }
  return i + 1;
}

const STATIC_IMPORT = /\b(import|export)(\s+type)?\s+(?:[\w*{}\s,$]+?\sfrom\s*)?"/g;
const DYNAMIC_IMPORT = /\bimport\(\s*"/g;
const URL_IMPORT = /\bnew\s+URL\(\s*"(?=\s*",\s*import\.meta\.url)/g;

/** Everything a module imports by a literal specifier, in the order of its lines. */
export function listImports(source: string, masked: string = maskSource(source)): Import[] {
  const found: Import[] = [];
  for (const [pattern, isDynamic] of [[STATIC_IMPORT, false], [DYNAMIC_IMPORT, true], [URL_IMPORT, true]] as const) {
    for (const match of masked.matchAll(pattern)) {
      const start = match.index + match[0].length;
      found.push({
        specifier: source.slice(start, masked.indexOf('"', start)),
        line: lineAt(source, start),
        isTypeOnly: !isDynamic && (match[2] !== undefined || importsOnlyTypes(match[0])),
        isDynamic,
      });
    }
  }
  return found.sort((a, b) => a.line - b.line);
}

/** Whether each name in `import { type A, type B }` is marked as a type. */
function importsOnlyTypes(statement: string): boolean {
  const names = /^\w+\s*\{([^}]*)\}/.exec(statement)?.[1]?.split(",").map((name) => name.trim()).filter(Boolean) ?? [];
  return names.length > 0 && names.every((name) => name.startsWith("type "));
}

/** 1-based line of a position in a text. */
export function lineAt(source: string, position: number): number {
  let line = 1;
  for (let i = source.indexOf("\n"); i >= 0 && i < position; i = source.indexOf("\n", i + 1)) line++;
  return line;
}
