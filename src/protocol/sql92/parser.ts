/**
 * SQL92 text → program, by operator precedence with stacks of its own, so that brackets may be as deep as the text is long.
 *
 * ```
 * level  operators, loosest first
 *   1    OR
 *   2    AND
 *   3    =  <>  IS [NOT] NULL
 *   4    >  >=  <  <=  [NOT] BETWEEN … AND …  [NOT] IN ('…', …)  [NOT] CONTAINS | STARTSWITH | ENDSWITH '…'
 *        [NOT] LIKE '…' [ESCAPE '…']
 *   5    +  -
 *   6    *  /  %
 *   7    NOT  -  +  before an operand
 * ```
 *
 * All operators of one level go from left to right. NOT binds tightest: `NOT a = 'x'` is `(NOT a) = 'x'`, and means nothing
 * sensible, as in RocketMQ.
 *
 * RocketMQ's parser stops at what cannot follow and forgets the rest: `a > 1 AMD b > 2` is `a > 1` there. Here all of the
 * text must have a meaning. LIKE and arithmetic are what RocketMQ does not have; it reads `a LIKE 'x%'` as `a`, which is
 * never true. LIKE and ESCAPE stay names of properties where an operand is due.
 *
 * Source: RocketMQ `SelectorParser.jj`.
 *
 * @module
 */
import { Sql92Error } from "./error.ts";
import type { Token } from "./lexer.ts";
import {
  checkArithmetic,
  checkBetween,
  checkEqual,
  checkOrdered,
  checkTruth,
  type Operand,
  type Refusal,
} from "./operand.ts";
import {
  and,
  arithmetic,
  type ArithmeticSign,
  between,
  type Binary,
  isNotNull,
  isNull,
  negative,
  not,
  notBetween,
  or,
  ordered,
  truthOfProperty,
  type Unary,
  unequal,
} from "./operators.ts";
import { parseInt64 } from "./numbers.ts";
import { type Program, ProgramBuilder } from "./program.ts";
import { readTextOperator } from "./text_operators.ts";
import { isKeyword, isSign, Tokens } from "./tokens.ts";
import { double, equal, int, type Known, long, type Order } from "./value.ts";

/** Longest expression, in UTF-16 units. It bounds what the evaluation of one message can cost. RocketMQ has no limit. */
export const SQL92_LENGTH_MAX = 65_536;

const Level = { BRACKET: 0, OR: 1, AND: 2, EQUALITY: 3, COMPARISON: 4, SUM: 5, PRODUCT: 6, PREFIX: 7 } as const;
type Level = typeof Level[keyof typeof Level];

/** An operator whose last operand has not been read to its end. */
interface Pending {
  readonly level: Level;
  /** What it is waiting for, where that is not just the end of its operand: a bracket's or BETWEEN's second part. */
  readonly waitsFor?: ")" | "AND";
  /** Takes its operands from the stack, checks them and makes its step. */
  readonly apply: () => void;
}

/** Compiles an expression. @throws {Sql92Error} */
export function parse(expression: string): Program {
  if (expression.length > SQL92_LENGTH_MAX) {
    throw new Sql92Error(expression, SQL92_LENGTH_MAX, `longer than ${SQL92_LENGTH_MAX} characters`);
  }
  return new Parser(expression).program();
}

class Parser {
  readonly #text: string;
  readonly #tokens: Tokens;
  readonly #builder = new ProgramBuilder();
  readonly #operands: Operand[] = [];
  readonly #pending: Pending[] = [];
  /** The level of the operand that was just completed: nothing tighter can follow it without brackets. */
  #completed: Level = Level.PREFIX;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = new Tokens(text);
  }

  program(): Program {
    do this.#readOperand(); while (this.#readOperators());
    this.#truth(this.#operands.pop()!);
    return this.#builder.build();
  }

  #require(refusal: Refusal | null): void {
    if (refusal !== null) throw new Sql92Error(this.#text, refusal.start, refusal.problem);
  }

  // Operands.

  /** Reads prefixes and opening brackets up to a literal or property, and that. */
  #readOperand(): void {
    for (;;) {
      const token = this.#tokens.next(false);
      this.#completed = Level.PREFIX;
      if (token.type === "string") return this.#constant(token.text);
      if (token.type === "integer") return this.#constant(this.#integer(token));
      if (token.type === "float") return this.#constant(this.#float(token));
      if (token.type === "word") return this.#property(token);
      if (token.type === "keyword" && token.text !== "NOT") return this.#namedConstant(token);
      this.#readPrefix(token);
    }
  }

  #readPrefix(token: Token): void {
    if (token.text === "NOT") this.#prefix(() => this.#truth(this.#operands.pop()!), not, "truth");
    else if (token.text === "-") this.#prefix(() => this.#operands.pop(), negative, "number");
    else if (token.text === "(") {
      this.#pending.push({ level: Level.BRACKET, waitsFor: ")", apply: () => this.#refuseUnfinished() });
    } else if (token.text !== "+") {
      throw this.#tokens.expected('a property, a literal, NOT or "("');
    }
  }

  #prefix(takeOperand: () => void, apply: Unary, kind: "truth" | "number"): void {
    const { start } = this.#tokens.at;
    this.#pending.push({
      level: Level.PREFIX,
      apply: () => {
        takeOperand();
        this.#builder.unary(apply);
        this.#operands.push({ kind, start });
      },
    });
  }

  #constant(value: Known | null): void {
    this.#builder.constant(value);
    this.#operands.push({ kind: "constant", value, start: this.#tokens.at.start });
  }

  #namedConstant(token: Token): void {
    if (token.text === "TRUE" || token.text === "FALSE") return this.#constant(token.text === "TRUE");
    if (token.text === "NULL") return this.#constant(null);
    throw this.#tokens.expected('a property, a literal, NOT or "("');
  }

  #property(token: Token): void {
    this.#builder.property(token.text);
    this.#operands.push({ kind: "property", name: token.text, start: token.start });
  }

  #integer(token: Token): Known {
    const value = parseInt64(token.text);
    if (value === null) throw this.#tokens.expected("an integer of at most 9223372036854775807");
    return value === BigInt.asIntN(32, value) ? int(Number(value)) : long(value);
  }

  #float(token: Token): Known {
    const value = Number(token.text);
    if (value > 0 && value <= Number.MAX_VALUE) return double(value);
    throw this.#tokens.expected(
      value === 0 ? "a number above 4.9E-324 or the integer 0" : "a number of at most 1.79E308",
    );
  }

  // Operators.

  /** Reads what can follow an operand up to an operator that needs another one; false at the end of the text. */
  #readOperators(): boolean {
    for (;;) {
      const token = this.#tokens.next(true);
      if (token.type === "end") return this.#finish();
      if (isSign(token, ")")) this.#closeBracket();
      else if (token.type === "sign") return this.#binarySign(token);
      else if (token.type === "word") this.#postfixWord(token);
      else if (token.type !== "keyword") throw this.#tokens.expected(this.#whatCanFollow());
      else if (this.#keyword(token)) return true;
    }
  }

  #finish(): false {
    this.#reduce(Level.OR);
    if (this.#pending.length > 0) this.#refuseUnfinished();
    return false;
  }

  #closeBracket(): void {
    this.#reduce(Level.OR);
    if (this.#pending.pop() === undefined) throw this.#tokens.expected(this.#whatCanFollow());
    this.#completed = Level.PREFIX;
  }

  /** Completes the operators whose operands end here because what follows is of `level`. */
  #reduce(level: Level, next = this.#tokens.at): void {
    for (;;) {
      const top = this.#pending.at(-1);
      if (top === undefined || top.level < level) return;
      if (top.waitsFor !== undefined) this.#refuseUnfinished(next);
      this.#pending.pop();
      top.apply();
    }
  }

  #refuseUnfinished(token = this.#tokens.at): never {
    throw this.#tokens.expected(this.#whatCanFollow(), token);
  }

  #whatCanFollow(): string {
    const waitsFor = this.#pending.findLast((pending) => pending.waitsFor !== undefined)?.waitsFor;
    if (waitsFor === "AND") return "AND and the upper bound";
    return waitsFor === undefined ? "an operator or the end" : 'an operator or ")"';
  }

  /** An operator of `level` follows: completes its left operand. */
  #takeLeft(level: Level, token = this.#tokens.at): void {
    if (level > this.#completed) this.#refuseUnfinished(token);
    this.#reduce(level, token);
  }

  #binarySign(token: Token): true {
    switch (token.text) {
      case "=":
        return this.#infix(Level.EQUALITY, equal, checkEqual, "truth");
      case "<>":
        return this.#infix(Level.EQUALITY, unequal, checkEqual, "truth");
      case ">":
      case ">=":
      case "<":
      case "<=":
        return this.#infix(Level.COMPARISON, ordered(token.text as Order), checkOrdered, "truth");
      case "+":
      case "-":
        return this.#arithmetic(Level.SUM, token.text);
      case "*":
      case "/":
      case "%":
        return this.#arithmetic(Level.PRODUCT, token.text);
    }
    throw this.#tokens.expected(this.#whatCanFollow());
  }

  #arithmetic(level: Level, sign: ArithmeticSign): true {
    return this.#infix(level, arithmetic(sign), (left, right) => checkArithmetic(sign, left, right), "number");
  }

  #infix(
    level: Level,
    apply: Binary,
    check: (left: Operand, right: Operand) => Refusal | null,
    kind: "truth" | "number",
  ): true {
    this.#takeLeft(level);
    this.#pending.push({
      level,
      apply: () => {
        const right = this.#operands.pop()!;
        const left = this.#operands.pop()!;
        this.#require(check(left, right));
        this.#builder.binary(apply);
        this.#operands.push({ kind, start: left.start });
      },
    });
    return true;
  }

  /** Whether an operand must follow. */
  #keyword(token: Token): boolean {
    switch (token.text) {
      case "AND":
        return this.#and();
      case "OR":
        return this.#logic(Level.OR, or, true);
      case "BETWEEN":
        return this.#between(true);
      case "IS":
        return this.#isNull();
      case "NOT":
        return this.#notOperator();
    }
    return this.#textOperator(token, true);
  }

  #and(): true {
    this.#reduce(Level.SUM);
    const top = this.#pending.at(-1);
    if (top?.waitsFor !== "AND") return this.#logic(Level.AND, and, false);
    this.#pending.pop();
    this.#pending.push({ level: top.level, apply: top.apply });
    return true;
  }

  /** AND and OR: the right operand is skipped when the left one decides. */
  #logic(level: Level, apply: Binary, decisive: boolean): true {
    this.#takeLeft(level);
    const left = this.#operands.pop()!;
    this.#truth(left);
    const endSkip = this.#builder.skip(decisive);
    this.#pending.push({
      level,
      apply: () => {
        this.#truth(this.#operands.pop()!);
        this.#builder.binary(apply);
        endSkip();
        this.#operands.push({ kind: "truth", start: left.start });
      },
    });
    return true;
  }

  /** Makes a truth value of the operand whose steps were made last. */
  #truth(operand: Operand): void {
    this.#require(checkTruth(operand));
    if (operand.kind === "property") this.#builder.unary(truthOfProperty);
  }

  #between(isWanted: boolean): true {
    this.#takeLeft(Level.COMPARISON);
    this.#pending.push({
      level: Level.COMPARISON,
      waitsFor: "AND",
      apply: () => {
        const high = this.#operands.pop()!;
        const low = this.#operands.pop()!;
        const value = this.#operands.pop()!;
        this.#require(isWanted ? checkBetween(value, low, high) : checkOrdered(value, low, high));
        this.#builder.ternary(isWanted ? between : notBetween);
        this.#operands.push({ kind: "truth", start: value.start });
      },
    });
    return true;
  }

  #isNull(): false {
    const is = this.#tokens.at;
    const isNot = isKeyword(this.#tokens.next(false), "NOT");
    if (isNot) this.#tokens.next(false);
    if (!isKeyword(this.#tokens.at, "NULL")) throw this.#tokens.expected(isNot ? "NULL" : "NULL or NOT NULL");
    return this.#postfix(is, Level.EQUALITY, isNot ? isNotNull : isNull);
  }

  #notOperator(): boolean {
    const token = this.#tokens.next(false);
    if (isKeyword(token, "BETWEEN")) return this.#between(false);
    return this.#textOperator(token, false);
  }

  /** `LIKE` behind an operand; any other word cannot be there. */
  #postfixWord(token: Token): void {
    if (token.text.toUpperCase() !== "LIKE") throw this.#tokens.expected(this.#whatCanFollow());
    this.#textOperator(token, true);
  }

  /** An operator with string literals behind it. */
  #textOperator(token: Token, isWanted: boolean): false {
    const operator = readTextOperator(this.#tokens, isWanted);
    if (operator !== null) return this.#postfix(token, Level.COMPARISON, operator.apply, operator.check);
    throw this.#tokens.expected(
      isWanted ? this.#whatCanFollow() : "BETWEEN, IN, CONTAINS, STARTSWITH, ENDSWITH or LIKE",
    );
  }

  /** An operator that is complete with what was read: it needs nothing but the operand before it. */
  #postfix(token: Token, level: Level, apply: Unary, check?: (operand: Operand) => Refusal | null): false {
    this.#takeLeft(level, token);
    const operand = this.#operands.pop()!;
    if (check !== undefined) this.#require(check(operand));
    this.#builder.unary(apply);
    this.#operands.push({ kind: "truth", start: operand.start });
    this.#completed = level;
    return false;
  }
}
