/**
 * The refusal of an SQL92 expression, with the place in its text. RocketMQ counterpart: `MQFilterException` around
 * JavaCC's `ParseException` and `TokenMgrError`.
 *
 * @module
 */

/** Most of a piece of the expression that a message shows. */
const SHOWN_MAX = 40;

/** A place in an expression, as editors count. */
export interface Sql92Position {
  /** UTF-16 units before it. */
  readonly offset: number;
  /** Counts from 1; ends with `\n`, `\r` or `\r\n`. */
  readonly line: number;
  /** Counts UTF-16 units from 1; a tab is one. */
  readonly column: number;
}

/** An expression is not SQL92 as RocketMQ understands it. The message names the place, what was expected and found. */
export class Sql92Error extends Error {
  override readonly name = "Sql92Error";
  /** Where the piece begins that is wrong. */
  readonly position: Sql92Position;

  /**
   * @param offset where in `expression` the wrong piece begins.
   * @param problem such as `expected ")", found the end`.
   */
  constructor(expression: string, offset: number, readonly problem: string) {
    const position = positionOf(expression, offset);
    super(`Wrong SQL92 expression at line ${position.line}, column ${position.column}: ${problem}`);
    this.position = position;
  }
}

/** A piece of an expression for a message: quoted, and cut where it is long. */
export function shown(piece: string): string {
  return JSON.stringify(piece.length <= SHOWN_MAX ? piece : `${piece.slice(0, SHOWN_MAX)}…`);
}

function positionOf(text: string, offset: number): Sql92Position {
  let line = 1;
  let lineStart = 0;
  for (let i = 0; i < offset && i < text.length; i++) {
    const c = text[i];
    if (c !== "\n" && c !== "\r") continue;
    if (c === "\r" && text[i + 1] === "\n" && i + 1 < offset) i++;
    line++;
    lineStart = i + 1;
  }
  return { offset, line, column: offset - lineStart + 1 };
}
