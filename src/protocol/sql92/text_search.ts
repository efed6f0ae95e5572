/**
 * Searches in texts whose time is bounded by the length of the text, whatever is looked for.
 *
 * @module
 */

/** Up to this length of what is looked for, the engine's own search costs at most so many steps a character. */
const SHORT_MAX = 32;

/** Makes a test whether a text contains `wanted`. Longer ones are looked for with Knuth, Morris and Pratt's method. */
export function containsTest(wanted: string): (text: string) => boolean {
  if (wanted.length <= SHORT_MAX) return (text) => text.includes(wanted);
  const borders = bordersOf(wanted);
  return (text) => {
    let matched = 0;
    for (let i = 0; i < text.length; i++) {
      const c = text.charCodeAt(i);
      while (matched > 0 && wanted.charCodeAt(matched) !== c) matched = borders[matched - 1]!;
      if (wanted.charCodeAt(matched) === c) matched++;
      if (matched === wanted.length) return true;
    }
    return false;
  };
}

/** For each beginning of a text: how long the longest shorter one is that it ends with. */
function bordersOf(text: string): Int32Array {
  const borders = new Int32Array(text.length);
  for (let i = 1, length = 0; i < text.length; i++) {
    while (length > 0 && text[length] !== text[i]) length = borders[length - 1]!;
    if (text[length] === text[i]) length++;
    borders[i] = length;
  }
  return borders;
}

/** A place in a LIKE pattern that takes one character: a certain one, or with null any. */
type PatternPlace = string | null;

/** A LIKE pattern, taken apart: `gaps` has the counts of places that may be preceded by any text (`%`). */
interface Pattern {
  readonly places: readonly PatternPlace[];
  readonly gaps: ReadonlySet<number>;
}

/**
 * Makes a test for a LIKE pattern: `%` stands for any text, `_` for one character (also one outside the basic plane), and
 * either for itself behind `escape`.
 *
 * All places of the pattern that the text read so far can have reached are kept as bits, 32 in a word, and each character
 * moves them on at once: one step for a character and word, with no way back.
 *
 * @returns null when the pattern ends with the escape character.
 */
export function likePattern(pattern: string, escape: string | null): ((text: string) => boolean) | null {
  const taken = takeApart(pattern, escape);
  if (taken === null) return null;
  const bits = new PatternBits(taken);
  return (text) => bits.matches(text);
}

function takeApart(pattern: string, escape: string | null): Pattern | null {
  const places: PatternPlace[] = [];
  const gaps = new Set<number>();
  let isEscaped = false;
  for (const character of pattern) {
    if (!isEscaped && character === escape) isEscaped = true;
    else if (!isEscaped && character === "%") gaps.add(places.length);
    else {
      places.push(!isEscaped && character === "_" ? null : character);
      isEscaped = false;
    }
  }
  return isEscaped ? null : { places, gaps };
}

/** Bit n stands for: the first n places have taken the text so far. */
class PatternBits {
  readonly #words: number;
  readonly #last: number;
  /** Where a gap lets a place stay reached. */
  readonly #gaps: Uint32Array;
  /** For a character: bit n + 1 where place n takes it. */
  readonly #takes = new Map<string, Uint32Array>();
  /** The same for a character that no place names. */
  readonly #takesAny: Uint32Array;
  readonly #reached: Uint32Array;

  constructor(pattern: Pattern) {
    this.#last = pattern.places.length;
    this.#words = (this.#last >>> 5) + 1;
    this.#gaps = new Uint32Array(this.#words);
    this.#takesAny = new Uint32Array(this.#words);
    this.#reached = new Uint32Array(this.#words);
    for (const at of pattern.gaps) setBit(this.#gaps, at);
    pattern.places.forEach((place, n) => {
      if (place === null) setBit(this.#takesAny, n + 1);
    });
    pattern.places.forEach((place, n) => {
      if (place !== null) setBit(this.#takesOf(place), n + 1);
    });
  }

  matches(text: string): boolean {
    const reached = this.#reached.fill(0);
    reached[0] = 1;
    for (const character of text) {
      const takes = this.#takes.get(character) ?? this.#takesAny;
      let carry = 0;
      for (let w = 0; w < this.#words; w++) {
        const word = reached[w]!;
        reached[w] = (((word << 1) | carry) & takes[w]!) | (word & this.#gaps[w]!);
        carry = word >>> 31;
      }
    }
    return hasBit(reached, this.#last);
  }

  #takesOf(character: string): Uint32Array {
    let takes = this.#takes.get(character);
    if (takes === undefined) {
      takes = this.#takesAny.slice();
      this.#takes.set(character, takes);
    }
    return takes;
  }
}

function setBit(bits: Uint32Array, n: number): void {
  bits[n >>> 5]! |= 1 << (n & 31);
}

function hasBit(bits: Uint32Array, n: number): boolean {
  return (bits[n >>> 5]! & (1 << (n & 31))) !== 0;
}
