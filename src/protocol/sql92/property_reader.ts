/**
 * Finds the properties that an expression names in a message's property string, in one pass over its bytes; only the values
 * that are asked for are decoded.
 *
 * Of two equal names the last one counts, as in `message.ts`.
 *
 * @module
 */

const NAME_END = 1;
const VALUE_END = 2;
/** Values up to this size are decoded byte by byte when they are ASCII. */
const SHORT = 24;
/** A value keeps a byte order mark that it begins with. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** A name that is looked for, and where its value lies; `start` is −1 where there is none. */
interface Slot {
  readonly name: string;
  start: number;
  end: number;
}

/** Finds the properties of given names; can be used for any number of messages, one after the other. */
export class PropertyReader {
  readonly #slots: readonly Slot[];
  readonly #byName: ReadonlyMap<string, Slot>;
  /** By hash of the name's bytes. */
  readonly #byHash = new Map<number, Slot[]>();
  #bytes: Uint8Array = new Uint8Array(0);

  /** @param names in ASCII, each once. */
  constructor(names: readonly string[]) {
    this.#slots = names.map((name) => ({ name, start: -1, end: -1 }));
    this.#byName = new Map(this.#slots.map((slot) => [slot.name, slot]));
    for (const slot of this.#slots) {
      let hash = 0;
      for (let i = 0; i < slot.name.length; i++) hash = nextHash(hash, slot.name.charCodeAt(i));
      const equal = this.#byHash.get(hash);
      if (equal === undefined) this.#byHash.set(hash, [slot]);
      else equal.push(slot);
    }
  }

  /** Takes a property string: `bytes` in `[start, end)`, which must stay as they are while {@linkcode get} is used. */
  read(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    for (const slot of this.#slots) slot.start = -1;
    for (let at = start; at < end;) {
      let hash = 0;
      let nameEnd = at;
      for (; nameEnd < end; nameEnd++) {
        const b = bytes[nameEnd]!;
        if (b === NAME_END || b === VALUE_END) break;
        hash = nextHash(hash, b);
      }
      let valueEnd = nameEnd;
      while (valueEnd < end && bytes[valueEnd] !== VALUE_END) valueEnd++;
      if (nameEnd < valueEnd) this.#take(hash, at, nameEnd, valueEnd);
      at = valueEnd + 1;
    }
  }

  /** The value of one of the names; null when the message has none. */
  readonly get = (name: string): string | null => {
    const slot = this.#byName.get(name);
    return slot === undefined || slot.start < 0 ? null : textOf(this.#bytes, slot.start, slot.end);
  };

  #take(hash: number, at: number, nameEnd: number, valueEnd: number): void {
    const slots = this.#byHash.get(hash);
    if (slots === undefined) return;
    for (const slot of slots) {
      if (!isName(this.#bytes, at, nameEnd, slot.name)) continue;
      slot.start = nameEnd + 1;
      slot.end = valueEnd;
    }
  }
}

function nextHash(hash: number, byte: number): number {
  return (Math.imul(hash, 31) + byte) | 0;
}

function isName(bytes: Uint8Array, start: number, end: number, name: string): boolean {
  if (end - start !== name.length) return false;
  for (let i = 0; i < name.length; i++) if (bytes[start + i] !== name.charCodeAt(i)) return false;
  return true;
}

function textOf(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > SHORT) return decoder.decode(bytes.subarray(start, end));
  let text = "";
  for (let i = start; i < end; i++) {
    const b = bytes[i]!;
    if (b > 127) return decoder.decode(bytes.subarray(start, end));
    text += String.fromCharCode(b);
  }
  return text;
}
