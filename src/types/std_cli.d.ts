/**
 * Types of `@std/cli/parse-args`, which comes from npm's `deno-std` as plain JavaScript. Stricter than the original: an
 * option that was not declared cannot be read from the result. Loaded through `compilerOptions.types` in `deno.json`,
 * never imported.
 */
declare module "@std/cli/parse-args" {
  /**
   * What the arguments may hold. `B`, `S` and `C` are the names of boolean, string and repeatable options, `D` the
   * default values, `E` says whether arguments behind `--` are kept apart.
   */
  export interface ParseOptions<B extends string, S extends string, C extends string, D, E extends boolean> {
    /** Options without a value. Absent ones read `false`. */
    boolean?: B | readonly B[];
    /** Options with a text value, never turned into numbers; `_` here keeps positional arguments text too. */
    string?: S | readonly S[];
    /** Options that may be given many times and read as an array. */
    collect?: C | readonly C[];
    /** Boolean options that `--no-name` switches off. */
    negatable?: NoInfer<B> | readonly NoInfer<B>[];
    /** Other names: `{ help: "h" }`. */
    alias?: Readonly<Record<string, string | readonly string[]>>;
    /** Values of options that are absent. */
    default?: D & { readonly [K in Exclude<keyof D, NoInfer<B | S | C>>]: never };
    /** Keeps what follows `--` in `["--"]` instead of `_`. */
    "--"?: E;
    /** Takes everything from the first positional argument on as positional. */
    stopEarly?: boolean;
    /** Called for undeclared arguments; `false` leaves them out of the result. `key` is absent for positional ones. */
    unknown?: (arg: string, key?: string, value?: unknown) => unknown;
  }

  /** The result: declared options by name, the rest in `_`. Only boolean and collected options are always there. */
  export type ParsedArgs<B extends string, S extends string, C extends string, D, E extends boolean> =
    & { [K in Exclude<B, C>]: boolean }
    & { [K in Exclude<S, C | "_" | keyof D>]?: string }
    & { [K in Exclude<S & keyof D, C | "_">]: string }
    & { [K in C & S]: string[] }
    & { [K in Exclude<C & B, S>]: boolean[] }
    & { [K in Exclude<C, S | B>]?: unknown[] }
    & { _: "_" extends S ? string[] : (string | number)[] }
    & (E extends true ? { "--": string[] } : unknown);

  /** Splits command line arguments into the declared options and the rest. */
  export function parseArgs<
    B extends string = never,
    S extends string = never,
    C extends string = never,
    // deno-lint-ignore ban-types -- `{}` is exactly meant: no defaults, no keys.
    D extends { readonly [K in B]?: boolean } & { readonly [K in S]?: string | readonly string[] } = {},
    E extends boolean = false,
  >(args: readonly string[], options?: ParseOptions<B, S, C, D, E>): ParsedArgs<B, S, C, D, E>;
}
