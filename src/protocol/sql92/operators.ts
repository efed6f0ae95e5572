/**
 * What the operators of an expression do with the values of their operands.
 *
 * RocketMQ evaluates an operand only when it is needed, and an exception ends the evaluation. Here all operands may have been
 * evaluated; an operator therefore looks at them in RocketMQ's order and forgets a failure that RocketMQ would not have met.
 *
 * Source: RocketMQ `LogicExpression`, `UnaryExpression`, `ComparisonExpression`. LIKE and arithmetic are ours (SQL92's,
 * which RocketMQ removed from the grammar that it inherited).
 *
 * @module
 */
import {
  asDouble,
  asLong,
  double,
  equal,
  FAILURE,
  inOrder,
  int,
  isNumber,
  type JavaNumber,
  long,
  type Order,
  type Truth,
  type Value,
} from "./value.ts";
import { parseDouble, parseInt64 } from "./numbers.ts";

/** Takes one operand. */
export type Unary = (operand: Value) => Value;
/** Takes two. */
export type Binary = (left: Value, right: Value) => Value;
/** Takes three. */
export type Ternary = (first: Value, second: Value, third: Value) => Value;

/** False when either is, otherwise unknown when either is. */
export function and(left: Value, right: Value): Truth {
  if (left === false || left === FAILURE) return left;
  if (right === false || right === FAILURE) return right;
  return left === null || right === null ? null : true;
}

/** True when either is, otherwise unknown when either is. */
export function or(left: Value, right: Value): Truth {
  if (left === true || left === FAILURE) return left;
  if (right === true || right === FAILURE) return right;
  return left === null || right === null ? null : false;
}

/** True for false and false for true; whatever else it is, it stays. */
export function not(operand: Value): Truth {
  return operand === null || operand === FAILURE ? operand : operand === false;
}

/** A property where a truth value is due: a known one is false, even with the text "true". */
export function truthOfProperty(operand: Value): Truth {
  return operand === null || operand === FAILURE ? operand : operand === true;
}

/** `left <> right`. */
export function unequal(left: Value, right: Value): Truth {
  return not(equal(left, right));
}

/** An operator such as `>`. */
export function ordered(order: Order): Binary {
  return (left, right) => inOrder(order, left, right);
}

/** `value BETWEEN low AND high`, both included. */
export function between(value: Value, low: Value, high: Value): Truth {
  return and(inOrder(">=", value, low), inOrder("<=", value, high));
}

/** `value NOT BETWEEN low AND high`. */
export function notBetween(value: Value, low: Value, high: Value): Truth {
  return or(inOrder("<", value, low), inOrder(">", value, high));
}

/** `IS NULL`, which is never unknown. */
export function isNull(operand: Value): Truth {
  return operand === FAILURE ? FAILURE : operand === null;
}

/** `IS NOT NULL`. */
export function isNotNull(operand: Value): Truth {
  return operand === FAILURE ? FAILURE : operand !== null;
}

/** `IN` with `isWanted`, `NOT IN` without. */
export function inSet(texts: ReadonlySet<string>, isWanted: boolean): Unary {
  return (operand) =>
    typeof operand === "string" ? texts.has(operand) === isWanted : operand === FAILURE ? FAILURE : null;
}

/**
 * CONTAINS, STARTSWITH, ENDSWITH with `isWanted`, their opposites without. They are false, both, for what is not a string or
 * not known, and for an empty text to look for.
 */
export function textTest(test: (text: string) => boolean, isWanted: boolean): Unary {
  return (operand) => typeof operand === "string" ? test(operand) === isWanted : operand === FAILURE ? FAILURE : false;
}

/** LIKE with `isWanted`, NOT LIKE without: unknown for what is not known, false for what is not a string. */
export function likeTest(matches: (text: string) => boolean, isWanted: boolean): Unary {
  return (operand) =>
    typeof operand === "string"
      ? matches(operand) === isWanted
      : operand === null || operand === FAILURE
      ? operand
      : false;
}

/** `- operand`. A string is not read as a number here: the result is unknown, as in RocketMQ. */
export function negative(operand: Value): Value {
  if (operand === FAILURE) return FAILURE;
  return isNumber(operand) ? negativeNumber(operand) : null;
}

function negativeNumber(number: JavaNumber): JavaNumber {
  if (number.type === "long") return long(BigInt.asIntN(64, -number.value));
  // An int has no negative zero. Its least value cannot come up: literals have no sign.
  return number.type === "int" ? int(0 - number.value) : double(-number.value);
}

/** The signs of arithmetic. */
export type ArithmeticSign = "+" | "-" | "*" | "/" | "%";

/**
 * Arithmetic: in 64-bit integers when both operands are integers or strings that read as such, otherwise in doubles. It fails
 * for strings that are no numbers, division by the integer zero and results beyond 64 bits. Division of integers cuts.
 */
export function arithmetic(sign: ArithmeticSign): Binary {
  return (left, right) => {
    const l = operandNumber(left);
    const r = operandNumber(right);
    if (!isNumber(l)) return l;
    if (!isNumber(r)) return r;
    if (l.type === "double" || r.type === "double") return double(withDoubles(sign, asDouble(l), asDouble(r)));
    const result = withLongs(sign, asLong(l), asLong(r));
    return result === null || BigInt.asIntN(64, result) !== result ? FAILURE : long(result);
  };
}

function operandNumber(operand: Value): JavaNumber | null | typeof FAILURE {
  if (operand === null || isNumber(operand)) return operand;
  if (typeof operand !== "string") return FAILURE;
  const integer = parseInt64(operand);
  if (integer !== null) return long(integer);
  const value = parseDouble(operand);
  return value === null ? FAILURE : double(value);
}

function withDoubles(sign: ArithmeticSign, left: number, right: number): number {
  switch (sign) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "/":
      return left / right;
    case "%":
      return left % right;
  }
}

function withLongs(sign: ArithmeticSign, left: bigint, right: bigint): bigint | null {
  switch (sign) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "/":
      return right === 0n ? null : left / right;
    case "%":
      return right === 0n ? null : left % right;
  }
}
