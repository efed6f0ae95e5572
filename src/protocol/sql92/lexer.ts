/**
 * SQL92 text ⇄ tokens. The lexer takes one token at a time and never looks further than its end, so the whole text costs
 * one pass.
 *
 * ```
 * blanks      space, tab, LF, CR, FF, "--" to the end of the line, "/*" to "*" "/"
 * word        [A-Za-z_$] [A-Za-z0-9_$]*       a keyword, whatever its case, or the name of a property
 * integer     0 | [1-9] [0-9]* [lL]?
 * float       [0-9]+ "." [0-9]* exponent? | "." [0-9]+ exponent? | [0-9]+ exponent
 * exponent    [eE] [+-]? [0-9]+
 * string      ' … '                           a quote inside is written twice
 * sign        = <> > >= < <= ( ) , + - * / %
 * ```
 *
 * `--` without a line end behind it is two minus signs to RocketMQ where a value is due. Where an operator is due it cannot
 * be one, and RocketMQ reads no further: there it is taken for the comment that it looks like.
 *
 * Source: RocketMQ `SelectorParser.jj`; `*`, `/`, `%` are ours.
 *
 * @module
 */
import { shown, Sql92Error } from "./error.ts";

/** What a token is. Signs and keywords stand for themselves. */
export type TokenType = "word" | "integer" | "float" | "string" | "sign" | "keyword" | "end";

/** A piece of the expression. */
export interface Token {
  readonly type: TokenType;
  /** The sign; the keyword in capitals; the name; the digits; the string without its quotes. */
  readonly text: string;
  /** Its place in the expression. */
  readonly start: number;
  readonly end: number;
}

/** Reserved words: never names of properties. */
const KEYWORDS: ReadonlySet<string> = new Set([
  "NOT",
  "AND",
  "OR",
  "BETWEEN",
  "IN",
  "TRUE",
  "FALSE",
  "NULL",
  "IS",
  "CONTAINS",
  "STARTSWITH",
  "ENDSWITH",
]);
const KEYWORD_LENGTH_MAX = 10;
const SIGNS = "=<>(),+-*/%";

/** Reads the tokens of one expression. */
export class Lexer {
  readonly #text: string;
  #at: number;

  /** @param at where in the text to begin. */
  constructor(text: string, at = 0) {
    this.#text = text;
    this.#at = at;
  }

  /**
   * The next token; `end` again and again behind the last.
   *
   * @param operatorDue whether an operator must come, see the module's text on `--`.
   * @throws {Sql92Error} when there is none.
   */
  next(operatorDue: boolean): Token {
    this.#skipBlanks(operatorDue);
    const start = this.#at;
    if (start >= this.#text.length) return this.#token("end", start);
    const c = this.#text.charCodeAt(start);
    if (isNameStart(c)) return this.#word(start);
    if (isDigit(c) || (c === DOT && isDigit(this.#text.charCodeAt(start + 1)))) return this.#number(start);
    if (c === QUOTE) return this.#string(start);
    return this.#sign(start);
  }

  #token(type: TokenType, start: number, text = this.#text.slice(start, this.#at)): Token {
    return { type, text, start, end: this.#at };
  }

  #skipBlanks(operatorDue: boolean): void {
    for (;;) {
      const c = this.#text.charCodeAt(this.#at);
      if (isBlank(c)) this.#at++;
      else if (!(c === MINUS && this.#skipLineComment(operatorDue)) && !(c === SLASH && this.#skipBlockComment())) {
        return;
      }
    }
  }

  #skipLineComment(operatorDue: boolean): boolean {
    const text = this.#text;
    if (text.charCodeAt(this.#at + 1) !== MINUS) return false;
    let end = this.#at + 2;
    while (end < text.length && text[end] !== "\n" && text[end] !== "\r") end++;
    if (end === text.length && !operatorDue) return false;
    this.#at = end;
    return true;
  }

  #skipBlockComment(): boolean {
    if (this.#text[this.#at + 1] !== "*") return false;
    const end = this.#text.indexOf("*/", this.#at + 2);
    if (end < 0) throw new Sql92Error(this.#text, this.#at, "the comment has no end");
    this.#at = end + 2;
    return true;
  }

  #word(start: number): Token {
    do this.#at++; while (isNamePart(this.#text.charCodeAt(this.#at)));
    const length = this.#at - start;
    if (length <= KEYWORD_LENGTH_MAX) {
      const capitals = this.#text.slice(start, this.#at).toUpperCase();
      if (KEYWORDS.has(capitals)) return this.#token("keyword", start, capitals);
    }
    return this.#token("word", start);
  }

  #number(start: number): Token {
    const text = this.#text;
    let end = skipDigits(text, start);
    let isFloat = false;
    if (text.charCodeAt(end) === DOT) {
      isFloat = true;
      end = skipDigits(text, end + 1);
    }
    const exponentEnd = skipExponent(text, end);
    if (isFloat || exponentEnd > end) {
      this.#at = exponentEnd;
      return this.#token("float", start);
    }
    // Zero stands alone: in 007 and 0x1F it is followed by something that cannot follow.
    this.#at = text[start] === "0" ? start + 1 : end;
    const digits = text.slice(start, this.#at);
    if (text[start] !== "0" && (text[end] === "l" || text[end] === "L")) this.#at++;
    return this.#token("integer", start, digits);
  }

  #string(start: number): Token {
    const text = this.#text;
    const pieces: string[] = [];
    let from = start + 1;
    for (;;) {
      const quote = text.indexOf("'", from);
      if (quote < 0) throw new Sql92Error(text, start, "the string has no closing quote");
      const isDoubled = text.charCodeAt(quote + 1) === QUOTE;
      pieces.push(text.slice(from, isDoubled ? quote + 1 : quote));
      from = quote + 2;
      if (isDoubled) continue;
      this.#at = quote + 1;
      return this.#token("string", start, pieces.join(""));
    }
  }

  #sign(start: number): Token {
    const text = this.#text;
    const two = text.slice(start, start + 2);
    this.#at += two === "<>" || two === "<=" || two === ">=" ? 2 : 1;
    if (SIGNS.includes(text[start]!)) return this.#token("sign", start);
    throw new Sql92Error(text, start, unknownCharacter(String.fromCodePoint(text.codePointAt(start)!)));
  }
}

/** A string literal with this text. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function unknownCharacter(character: string): string {
  if (character === '"') return `${shown(character)} has no meaning here; strings are written in single quotes`;
  if (character === "!") return `${shown(character)} has no meaning here; unequal is written <>`;
  return `${shown(character)} has no meaning here`;
}

const QUOTE = 0x27;
const MINUS = 0x2d;
const DOT = 0x2e;
const SLASH = 0x2f;

function isBlank(c: number): boolean {
  return c === 0x20 || c === 0x09 || c === 0x0a || c === 0x0d || c === 0x0c;
}

function isDigit(c: number): boolean {
  return c >= 0x30 && c <= 0x39;
}

function isNameStart(c: number): boolean {
  return (c >= 0x61 && c <= 0x7a) || (c >= 0x41 && c <= 0x5a) || c === 0x5f || c === 0x24;
}

function isNamePart(c: number): boolean {
  return isNameStart(c) || isDigit(c);
}

function skipDigits(text: string, at: number): number {
  while (isDigit(text.charCodeAt(at))) at++;
  return at;
}

/** Where the exponent at `at` ends; `at` when there is none. */
function skipExponent(text: string, at: number): number {
  if (text[at] !== "e" && text[at] !== "E") return at;
  const digits = text[at + 1] === "+" || text[at + 1] === "-" ? at + 2 : at + 1;
  const end = skipDigits(text, digits);
  return end > digits ? end : at;
}
