/**
 * Types of `@std/assert`, which comes from npm's `deno-std` as plain JavaScript. Only what the tests use is declared; a
 * name that is missing here does not compile. Loaded through `compilerOptions.types` in `deno.json`, never imported.
 */
declare module "@std/assert" {
  /** A constructor, abstract or not, as `instanceof` accepts it. */
  // deno-lint-ignore no-explicit-any -- Constructor parameters are contravariant: only `any` admits every class.
  type Class<T> = abstract new (...args: any[]) => T;

  /** What every assertion of this module throws. */
  export class AssertionError extends Error {
    constructor(message: string, options?: ErrorOptions);
  }

  /** Fails unless `expr` is truthy, and narrows it. */
  export function assert(expr: unknown, msg?: string): asserts expr;
  /** Fails unless `expr` is falsy, and narrows it. */
  export function assertFalse(expr: unknown, msg?: string): asserts expr is false | 0 | "" | 0n | null | undefined;
  /** Fails unless both are deeply equal; typed arrays compare by content. */
  export function assertEquals<T>(actual: T, expected: T, msg?: string): void;
  /** Fails when both are deeply equal. */
  export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void;
  /** Fails unless `Object.is(actual, expected)`. */
  export function assertStrictEquals<T>(actual: unknown, expected: T, msg?: string): asserts actual is T;
  /** Fails when `Object.is(actual, expected)`. */
  export function assertNotStrictEquals<T>(actual: T, expected: NoInfer<T>, msg?: string): void;
  /** Fails unless the numbers differ by no more than `tolerance`; without one, by a ten-millionth of `expected`. */
  export function assertAlmostEquals(actual: number, expected: number, tolerance?: number, msg?: string): void;
  /** Fails unless every value of `expected` occurs in `actual`, compared deeply. */
  export function assertArrayIncludes<T>(actual: ArrayLike<T>, expected: ArrayLike<NoInfer<T>>, msg?: string): void;
  /** Fails when `actual` is `null` or `undefined`. */
  export function assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T>;
  /** Fails unless `actual > expected`. */
  export function assertGreater<T extends number | bigint | string | Date>(
    actual: T,
    expected: NoInfer<T>,
    msg?: string,
  ): void;
  /** Fails unless `actual >= expected`. */
  export function assertGreaterOrEqual<T extends number | bigint | string | Date>(
    actual: T,
    expected: NoInfer<T>,
    msg?: string,
  ): void;
  /** Fails unless `actual < expected`. */
  export function assertLess<T extends number | bigint | string | Date>(
    actual: T,
    expected: NoInfer<T>,
    msg?: string,
  ): void;
  /** Fails unless `actual <= expected`. */
  export function assertLessOrEqual<T extends number | bigint | string | Date>(
    actual: T,
    expected: NoInfer<T>,
    msg?: string,
  ): void;
  /** Fails unless `actual` is an instance of `expectedType`, and narrows it. */
  export function assertInstanceOf<T>(actual: unknown, expectedType: Class<T>, msg?: string): asserts actual is T;
  /** Fails when `actual` is an instance of `unexpectedType`. */
  export function assertNotInstanceOf<A, T>(
    actual: A,
    unexpectedType: Class<T>,
    msg?: string,
  ): asserts actual is Exclude<A, T>;
  /** Fails unless `error` is an Error, of the class and with the message part where given; narrows it. */
  export function assertIsError<E extends Error = Error>(
    error: unknown,
    errorClass?: Class<E>,
    msgMatches?: string | RegExp,
    msg?: string,
  ): asserts error is E;
  /** Fails unless `expected` matches somewhere in `actual`. */
  export function assertMatch(actual: string, expected: RegExp, msg?: string): void;
  /** Fails when `expected` matches somewhere in `actual`. */
  export function assertNotMatch(actual: string, expected: RegExp, msg?: string): void;
  /** Fails unless `actual` has, deeply, all that `expected` has; it may have more. */
  export function assertObjectMatch(actual: object, expected: Record<PropertyKey, unknown>, msg?: string): void;
  /** Fails unless `actual` contains `expected`. */
  export function assertStringIncludes(actual: string, expected: string, msg?: string): void;
  /** Fails unless `fn` throws; returns what it threw. */
  export function assertThrows(fn: () => unknown, msg?: string): unknown;
  /** Fails unless `fn` throws an `errorClass` whose message contains `msgIncludes`; returns it. */
  export function assertThrows<E extends Error = Error>(
    fn: () => unknown,
    errorClass: Class<E>,
    msgIncludes?: string,
    msg?: string,
  ): E;
  /** Fails unless the promise of `fn` rejects; resolves to the reason. A synchronous throw fails too. */
  export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
  /** Fails unless the promise of `fn` rejects with an `errorClass` whose message contains `msgIncludes`. */
  export function assertRejects<E extends Error = Error>(
    fn: () => PromiseLike<unknown>,
    errorClass: Class<E>,
    msgIncludes?: string,
    msg?: string,
  ): Promise<E>;
  /** Deep equality, as `assertEquals` decides it. */
  export function equal(a: unknown, b: unknown): boolean;
  /** Always fails. */
  export function fail(msg?: string): never;
  /** Always fails: for branches that cannot be reached. */
  export function unreachable(msg?: string): never;
}
