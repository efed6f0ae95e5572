/**
 * A compiled expression: a list of steps for a machine with a stack. Each step runs at most once, so an evaluation takes as
 * many steps as the expression has operands and operators, and no depth of nesting can overflow anything.
 *
 * @module
 */
import type { Binary, Ternary, Unary } from "./operators.ts";
import type { Truth, Value } from "./value.ts";

/** One step. `skip` goes on at `to` when the value on top is `on`, which then is the result of the part skipped. */
export type Step =
  | { readonly kind: "constant"; readonly value: Value }
  | { readonly kind: "property"; readonly slot: number }
  | { readonly kind: "unary"; readonly apply: Unary }
  | { readonly kind: "binary"; readonly apply: Binary }
  | { readonly kind: "ternary"; readonly apply: Ternary }
  | { readonly kind: "skip"; readonly on: boolean; to: number };

/** Gives the value of a property; null where the message has none. */
export type PropertyLookup = (name: string) => string | null;

/** What {@linkcode Program.run} has not looked up yet. */
const UNREAD = Symbol("unread");

/** A compiled expression. Not reentrant: a lookup must not run the same program. */
export class Program {
  /** The properties that the expression names, each once. */
  readonly names: readonly string[];
  readonly #steps: readonly Step[];
  readonly #stack: Value[] = [];
  /** The properties of the message at hand, as far as they were needed. */
  readonly #values: (string | null | typeof UNREAD)[];

  constructor(steps: readonly Step[], names: readonly string[]) {
    this.#steps = steps;
    this.names = names;
    this.#values = new Array(names.length).fill(UNREAD);
  }

  /** Evaluates the expression. Each property is looked up once at most. */
  run(lookup: PropertyLookup): Truth {
    const stack = this.#stack;
    const steps = this.#steps;
    this.#values.fill(UNREAD);
    let top = -1;
    for (let at = 0; at < steps.length; at++) {
      const step = steps[at]!;
      switch (step.kind) {
        case "constant":
          stack[++top] = step.value;
          break;
        case "property":
          stack[++top] = this.#property(step.slot, lookup);
          break;
        case "unary":
          stack[top] = step.apply(stack[top]!);
          break;
        case "binary":
          top--;
          stack[top] = step.apply(stack[top]!, stack[top + 1]!);
          break;
        case "ternary":
          top -= 2;
          stack[top] = step.apply(stack[top]!, stack[top + 1]!, stack[top + 2]!);
          break;
        case "skip":
          if (stack[top] === step.on) at = step.to - 1;
      }
    }
    return stack[0] as Truth;
  }

  #property(slot: number, lookup: PropertyLookup): string | null {
    const known = this.#values[slot]!;
    if (known !== UNREAD) return known as string | null;
    return this.#values[slot] = lookup(this.names[slot]!);
  }
}

/** Collects the steps of a {@link Program}. */
export class ProgramBuilder {
  readonly #steps: Step[] = [];
  readonly #slots = new Map<string, number>();

  /** Pushes a constant. */
  constant(value: Value): void {
    this.#steps.push({ kind: "constant", value });
  }

  /** Pushes a property's value. */
  property(name: string): void {
    let slot = this.#slots.get(name);
    if (slot === undefined) {
      slot = this.#slots.size;
      this.#slots.set(name, slot);
    }
    this.#steps.push({ kind: "property", slot });
  }

  /** Replaces the value on top. */
  unary(apply: Unary): void {
    this.#steps.push({ kind: "unary", apply });
  }

  /** Replaces the two values on top by one. */
  binary(apply: Binary): void {
    this.#steps.push({ kind: "binary", apply });
  }

  /** Replaces the three values on top by one. */
  ternary(apply: Ternary): void {
    this.#steps.push({ kind: "ternary", apply });
  }

  /** Skips what follows, up to a place that the returned function sets to the present end, when `on` is on top. */
  skip(on: boolean): () => void {
    const step: Step = { kind: "skip", on, to: 0 };
    this.#steps.push(step);
    return () => {
      step.to = this.#steps.length;
    };
  }

  /** The program. Nothing may be added after that. */
  build(): Program {
    return new Program(this.#steps, [...this.#slots.keys()]);
  }
}
