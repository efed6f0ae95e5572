/**
 * Values while an expression is evaluated, and how RocketMQ compares them. A message's properties are strings; numbers and
 * booleans come from the expression. Where a string meets one of them, it is read as what the other is: `a > 5` reads the
 * property `a` as a 32-bit integer, `a > 5.0` as a double.
 *
 * What RocketMQ throws while it evaluates is {@linkcode FAILURE} here: a value that every operator passes on, unless
 * RocketMQ would not have evaluated that operand. A message whose evaluation fails is not delivered.
 *
 * Source: RocketMQ `ComparisonExpression`, `LogicExpression`, `UnaryExpression`.
 *
 * @module
 */
import { parseDouble, parseInt32, parseInt64 } from "./numbers.ts";

/** A number of one of Java's types. */
export type JavaNumber =
  | { readonly type: "int"; readonly value: number }
  | { readonly type: "long"; readonly value: bigint }
  | { readonly type: "double"; readonly value: number };

/** What an operand can be that can be known; null is SQL's unknown. */
export type Known = boolean | string | JavaNumber;

/** The evaluation went wrong where RocketMQ throws an exception. */
export const FAILURE = Symbol("failure");

/** Anything an operand can be. */
export type Value = Known | null | typeof FAILURE;

/** A truth value of three, or a failure. */
export type Truth = boolean | null | typeof FAILURE;

/** A 32-bit integer. */
export function int(value: number): JavaNumber {
  return { type: "int", value };
}

/** A 64-bit integer. */
export function long(value: bigint): JavaNumber {
  return { type: "long", value };
}

/** A double. */
export function double(value: number): JavaNumber {
  return { type: "double", value };
}

/** Whether a value is a number. */
export function isNumber(value: Value): value is JavaNumber {
  return typeof value === "object" && value !== null;
}

/** The orders that can be asked for. */
export type Order = ">" | ">=" | "<" | "<=";

/** `left = right`. Two unknown values are equal; a known one never equals an unknown one. */
export function equal(left: Value, right: Value): Truth {
  if (left === FAILURE || right === FAILURE) return FAILURE;
  if (left === null) return right === null ? true : null;
  if (right === null) return false;
  const difference = compare(left, right);
  return difference === FAILURE ? FAILURE : difference === 0;
}

/** `left > right` and the like. Two strings are compared as doubles; they fail when they are none. */
export function inOrder(order: Order, left: Value, right: Value): Truth {
  if (left === FAILURE || left === null) return left;
  if (right === FAILURE || right === null) return right;
  const difference = typeof left === "string" && typeof right === "string"
    ? compareAsDoubles(left, right)
    : compare(left, right);
  if (difference === FAILURE) return FAILURE;
  switch (order) {
    case ">":
      return difference > 0;
    case ">=":
      return difference >= 0;
    case "<":
      return difference < 0;
    case "<=":
      return difference <= 0;
  }
}

/** A difference's sign, or why there is none. */
export type Difference = number | typeof FAILURE;

/** Like Java's `compareTo`, after one side was converted; values that cannot be converted count as smaller. */
export function compare(left: Known, right: Known): Difference {
  if (typeof left === "string") return compareString(left, right);
  if (typeof left === "boolean") {
    // RocketMQ casts a boolean to a string here, which throws.
    if (typeof right === "string") return FAILURE;
    return typeof right === "boolean" ? Number(left) - Number(right) : -1;
  }
  if (typeof right === "string") return reversed(compareString(right, left));
  return typeof right === "boolean" ? -1 : compareNumbers(left, right);
}

function compareString(left: string, right: Known): Difference {
  if (typeof right === "string") return left === right ? 0 : left < right ? -1 : 1;
  if (typeof right === "boolean") return Number(left.toLowerCase() === "true") - Number(right);
  switch (right.type) {
    case "int": {
      const value = parseInt32(left);
      return value === null ? FAILURE : compareDoubles(value, right.value);
    }
    case "long": {
      const value = parseInt64(left);
      return value === null ? FAILURE : compareLongs(value, right.value);
    }
    case "double": {
      const value = parseDouble(left);
      return value === null ? FAILURE : compareDoubles(value, right.value);
    }
  }
}

function reversed(difference: Difference): Difference {
  return difference === FAILURE ? FAILURE : -difference;
}

function compareAsDoubles(left: string, right: string): Difference {
  const l = parseDouble(left);
  const r = parseDouble(right);
  return l === null || r === null ? FAILURE : compareDoubles(l, r);
}

function compareNumbers(left: JavaNumber, right: JavaNumber): number {
  if (left.type === "double" || right.type === "double") return compareDoubles(asDouble(left), asDouble(right));
  if (left.type === "long" || right.type === "long") return compareLongs(asLong(left), asLong(right));
  return compareDoubles(left.value, right.value);
}

/** A number as a double, rounded where a 64-bit integer has too many digits. */
export function asDouble(number: JavaNumber): number {
  return Number(number.value);
}

/** An integer as 64 bits. */
export function asLong(number: JavaNumber): bigint {
  return BigInt(number.value);
}

function compareLongs(left: bigint, right: bigint): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Source: `Double.compare`: NaN equals itself and is above everything, −0 is below 0. */
function compareDoubles(left: number, right: number): number {
  if (left < right) return -1;
  if (left > right) return 1;
  if (Object.is(left, right)) return 0;
  if (left === right) return left === 0 && Object.is(left, -0) ? -1 : left === 0 ? 1 : 0;
  return Number.isNaN(left) ? 1 : -1;
}
