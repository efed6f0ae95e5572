/**
 * What is known about an operand before there is a message, and which operands RocketMQ refuses. Its rules are uneven: a
 * literal is checked where a property or a computed value is not, and what is in brackets is what it would be without.
 *
 * Source: `ComparisonExpression#checkLessThanOperand`, `#checkEqualOperand`, `#checkEqualOperandCompatability`,
 * `#createBetween`, `#createInFilter`, `SelectorParser#asBooleanExpression`.
 *
 * @module
 */
import type { ArithmeticSign } from "./operators.ts";
import { quoted } from "./lexer.ts";
import { compare, FAILURE, isNumber, type JavaNumber, type Known } from "./value.ts";

/** An operand of the expression, from `start` on in its text. */
export type Operand =
  | { readonly kind: "constant"; readonly value: Known | null; readonly start: number }
  | { readonly kind: "property"; readonly name: string; readonly start: number }
  /** Gives a truth value. */
  | { readonly kind: "truth"; readonly start: number }
  /** Gives a number or is unknown. */
  | { readonly kind: "number"; readonly start: number };

/** Why an operand cannot stand where it does, and where it begins. */
export interface Refusal {
  readonly start: number;
  readonly problem: string;
}

/** Null when all is well. */
export type Verdict = Refusal | null;

/** Whether the operand can stand for a truth value; a property can. */
export function checkTruth(operand: Operand): Verdict {
  if (operand.kind === "property" || operand.kind === "truth") return null;
  if (operand.kind === "constant" && (operand.value === null || typeof operand.value === "boolean")) return null;
  return refuse(operand, `expected a condition, found ${described(operand)}`);
}

/** Whether both can be compared with `>` and the like: literals must be numbers. */
export function checkOrdered(...operands: Operand[]): Verdict {
  for (const operand of operands) {
    const isWrong = operand.kind === "truth" || (operand.kind === "constant" && !isNumber(operand.value));
    if (isWrong) return refuse(operand, `expected a number or a property, found ${described(operand)}`);
  }
  return null;
}

/** Whether both can be compared with `=` and `<>`: NULL cannot, nor TRUE or FALSE with another kind of literal behind. */
export function checkEqual(left: Operand, right: Operand): Verdict {
  for (const operand of [left, right]) {
    if (operand.kind === "constant" && operand.value === null) {
      return refuse(operand, "nothing equals NULL; expected IS NULL or IS NOT NULL");
    }
  }
  if (left.kind !== "constant" || right.kind !== "constant") return null;
  if (typeof left.value !== "boolean" || typeof right.value === "boolean") return null;
  return refuse(right, `expected TRUE, FALSE or a property, found ${described(right)}`);
}

/** Whether BETWEEN can have these bounds. */
export function checkBetween(value: Operand, low: Operand, high: Operand): Verdict {
  return checkOrdered(value, low, high) ?? checkBounds(low, high);
}

function checkBounds(low: Operand, high: Operand): Verdict {
  if (low.kind !== "constant" || high.kind !== "constant") return null;
  const difference = compare(high.value as JavaNumber, low.value as JavaNumber);
  if (difference !== FAILURE && difference >= 0) return null;
  return refuse(high, `expected an upper bound of at least ${described(low)}, found ${described(high)}`);
}

/** Whether IN can be asked of it. */
export function checkIn(operand: Operand): Verdict {
  return operand.kind === "property"
    ? null
    : refuse(operand, `expected a property before IN, found ${described(operand)}`);
}

/** Whether LIKE can be asked of it. */
export function checkLike(operand: Operand): Verdict {
  const isText = operand.kind === "property" || (operand.kind === "constant" && typeof operand.value === "string");
  return isText ? null : refuse(operand, `expected a property before LIKE, found ${described(operand)}`);
}

/** Whether arithmetic can be done with both. */
export function checkArithmetic(sign: ArithmeticSign, left: Operand, right: Operand): Verdict {
  for (const operand of [left, right]) {
    const isWrong = operand.kind === "truth" || (operand.kind === "constant" && !isNumber(operand.value));
    if (isWrong) return refuse(operand, `expected a number or a property with "${sign}", found ${described(operand)}`);
  }
  return null;
}

function refuse(operand: Operand, problem: string): Refusal {
  return { start: operand.start, problem };
}

const SHOWN_MAX = 40;

function described(operand: Operand): string {
  switch (operand.kind) {
    case "property":
      return `the property ${operand.name}`;
    case "truth":
      return "a condition";
    case "number":
      return "a number";
    case "constant":
      return literal(operand.value);
  }
}

function literal(value: Known | null): string {
  if (value === null) return "NULL";
  if (isNumber(value)) return String(value.value);
  if (typeof value === "boolean") return value ? "TRUE" : "FALSE";
  return quoted(value.length <= SHOWN_MAX ? value : `${value.slice(0, SHOWN_MAX)}…`);
}
