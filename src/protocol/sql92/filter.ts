/**
 * SQL92 filters: `compileSql92("price > 10 AND region IN ('eu', 'us')")` once for a subscription, then `evaluate` for each
 * message.
 *
 * What RocketMQ reads to the end of its text has RocketMQ's meaning here, exactly; what it would misread in silence is
 * refused, or has the meaning that it looks like (`parser.ts`). Compilation and evaluation take time in proportion to the
 * expression and the properties that it names.
 *
 * RocketMQ counterpart: `SqlFilter`, `SelectorParser#parse`.
 *
 * @module
 */
import { parse } from "./parser.ts";
import type { Program, PropertyLookup } from "./program.ts";
import { FAILURE } from "./value.ts";

export { type PropertyLookup } from "./program.ts";
export { Sql92Error, type Sql92Position } from "./error.ts";

/** A compiled SQL92 expression. Only {@linkcode compileSql92} makes one. */
export class Sql92Filter {
  readonly #program: Program;

  constructor(readonly expression: string, program: Program) {
    this.#program = program;
  }

  /** The properties that the expression names, each once, written as there. */
  get names(): readonly string[] {
    return this.#program.names;
  }

  /**
   * What the expression says of a message; a message is wanted when that is true.
   *
   * @param get gives the value of a property, null where there is none; asked once at most for each, and only when needed.
   * @returns null when it cannot be known, or when a value is not what the expression needs (`a > 5` with the text "x").
   */
  evaluate(get: PropertyLookup): boolean | null {
    const result = this.#program.run(get);
    return result === FAILURE ? null : result;
  }

  /** As {@linkcode evaluate}, but tells values that are not what the expression needs: RocketMQ throws and logs there. */
  outcome(get: PropertyLookup): boolean | null | "failed" {
    const result = this.#program.run(get);
    return result === FAILURE ? "failed" : result;
  }
}

/**
 * Compiles an expression.
 *
 * @throws {Sql92Error} with the place when it is not one; when it is longer than `SQL92_LENGTH_MAX`.
 */
export function compileSql92(expression: string): Sql92Filter {
  return new Sql92Filter(expression, parse(expression));
}
