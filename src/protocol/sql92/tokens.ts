/**
 * The tokens of an expression as its parser needs them: the one at hand, the next one, and refusals that name what was
 * expected and what is there instead.
 *
 * @module
 */
import { shown, Sql92Error } from "./error.ts";
import { Lexer, type Token } from "./lexer.ts";

/** The tokens of one expression. */
export class Tokens {
  /** The token read last. */
  at: Token = { type: "end", text: "", start: 0, end: 0 };
  readonly #text: string;
  readonly #lexer: Lexer;

  constructor(text: string) {
    this.#text = text;
    this.#lexer = new Lexer(text);
  }

  /** Reads the next token. @param operatorDue see `Lexer.next`. */
  next(operatorDue: boolean): Token {
    return this.at = this.#lexer.next(operatorDue);
  }

  /** The token behind the one at hand, an operator if it can be, without reading it. */
  peekOperator(): Token {
    return new Lexer(this.#text, this.at.end).next(true);
  }

  /** The refusal of a token. */
  expected(what: string, token = this.at): Sql92Error {
    const found = token.type === "end" ? "the end" : shown(this.#text.slice(token.start, token.end));
    return new Sql92Error(this.#text, token.start, `expected ${what}, found ${found}`);
  }

  /** Reads a string literal. */
  string(): string {
    const token = this.next(false);
    if (token.type !== "string") throw this.expected("a string in single quotes");
    return token.text;
  }

  /** Reads `('…', '…')`. */
  strings(): Set<string> {
    const strings = new Set<string>();
    if (!isSign(this.next(false), "(")) throw this.expected('"("');
    do strings.add(this.string()); while (isSign(this.next(false), ","));
    if (!isSign(this.at, ")")) throw this.expected('"," or ")"');
    return strings;
  }
}

/** Whether a token is this sign, and not a string with the same text. */
export function isSign(token: Token, sign: string): boolean {
  return token.type === "sign" && token.text === sign;
}

/** Whether a token is this reserved word. */
export function isKeyword(token: Token, keyword: string): boolean {
  return token.type === "keyword" && token.text === keyword;
}
