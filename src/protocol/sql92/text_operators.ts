/**
 * The operators that look at a text: IN, CONTAINS, STARTSWITH, ENDSWITH and LIKE, each with string literals behind it.
 *
 * Source: RocketMQ `SelectorParser.jj`, `ComparisonExpression`; LIKE is SQL92's.
 *
 * @module
 */
import { checkIn, checkLike, type Operand, type Refusal } from "./operand.ts";
import { inSet, likeTest, textTest, type Unary } from "./operators.ts";
import { containsTest, likePattern } from "./text_search.ts";
import type { Tokens } from "./tokens.ts";

/** Longest pattern behind LIKE, in characters: it bounds the steps for each character of a text, and its tables. */
export const LIKE_LENGTH_MAX = 512;

/** An operator that was read with all that is behind it. */
export interface TextOperator {
  readonly apply: Unary;
  /** Whether it can be asked of the operand before it. */
  readonly check?: (operand: Operand) => Refusal | null;
}

/**
 * Reads what is behind the operator at hand.
 *
 * @param isWanted false behind NOT.
 * @returns null when it is none of these operators.
 * @throws {Sql92Error}
 */
export function readTextOperator(tokens: Tokens, isWanted: boolean): TextOperator | null {
  const token = tokens.at;
  if (token.type === "word" && token.text.toUpperCase() === "LIKE") return readLike(tokens, isWanted);
  if (token.type !== "keyword") return null;
  switch (token.text) {
    case "IN":
      return { apply: inSet(tokens.strings(), isWanted), check: checkIn };
    case "CONTAINS":
      return readTest(tokens, containsTest, isWanted);
    case "STARTSWITH":
      return readTest(tokens, (wanted) => (text) => text.startsWith(wanted), isWanted);
    case "ENDSWITH":
      return readTest(tokens, (wanted) => (text) => text.endsWith(wanted), isWanted);
  }
  return null;
}

function readTest(
  tokens: Tokens,
  makeTest: (wanted: string) => (text: string) => boolean,
  isWanted: boolean,
): TextOperator {
  const wanted = tokens.string();
  // RocketMQ answers false without a look at the operand.
  return { apply: wanted === "" ? () => false : textTest(makeTest(wanted), isWanted) };
}

function readLike(tokens: Tokens, isWanted: boolean): TextOperator {
  const pattern = tokens.string();
  const patternToken = tokens.at;
  if ([...pattern].length > LIKE_LENGTH_MAX) {
    throw tokens.expected(`a pattern of at most ${LIKE_LENGTH_MAX} characters`);
  }
  const matches = likePattern(pattern, readEscape(tokens));
  if (matches === null) throw tokens.expected("a character behind the escape character", patternToken);
  return { apply: likeTest(matches, isWanted), check: checkLike };
}

/** `ESCAPE '…'` when it follows. */
function readEscape(tokens: Tokens): string | null {
  const token = tokens.peekOperator();
  if (token.type !== "word" || token.text.toUpperCase() !== "ESCAPE") return null;
  tokens.next(true);
  const character = tokens.string();
  if ([...character].length !== 1) throw tokens.expected("one character");
  return character;
}
