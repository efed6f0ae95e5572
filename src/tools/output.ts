/**
 * What a command prints: lines and tables in RocketMQ's format, or the same as JSON (`--json`).
 *
 * As JSON, a command that prints one table gives an array of its rows, each an object; one that prints none gives its
 * lines as `{"lines":[…]}`; one that prints several gives an array of arrays.
 *
 * @module
 */
import { type Printable, printf } from "./printf.ts";

/** A table's columns, by their names in JSON, and its formats. */
export interface TableSpec<K extends string> {
  /** Name in JSON to title, in the order of the formats. */
  readonly columns: Readonly<Record<K, string>>;
  /** Format of the titles. */
  readonly head: string;
  /** Format of a row; that of the titles by default. */
  readonly row?: string;
}

/** A row by the names of its columns. */
export type Row<K extends string> = Readonly<Record<K, Printable>>;

/** Where commands print. */
export interface Output {
  /** A line. */
  line(text: string): void;
  /** A formatted text with its own line ends; see {@linkcode printf}. */
  print(format: string, ...args: readonly Printable[]): void;
  /** A table: titles, then rows. @param withTitles false for more rows below those of an earlier call. */
  table<K extends string>(spec: TableSpec<K>, rows: readonly Row<K>[], withTitles?: boolean): void;
  /** A value that is printed as `text`. */
  value(value: unknown, text: string): void;
  /** Ends one round of printing: a command with an interval has several. */
  flush(): void;
  /** The command has failed: prints what it had by then, and nothing where it had nothing. */
  abandon(): void;
}

/** Prints at once. @param write takes text with its line ends. */
export function textOutput(write: (text: string) => void): Output {
  return {
    line: (text) => write(`${text}\n`),
    print: (format, ...args) => write(printf(format, ...args)),
    table(spec, rows, withTitles = true) {
      if (withTitles) write(`${printf(spec.head, ...Object.values<string>(spec.columns))}\n`);
      const keys = Object.keys(spec.columns) as (keyof typeof spec.columns)[];
      for (const row of rows) write(`${printf(spec.row ?? spec.head, ...keys.map((key) => row[key]))}\n`);
    },
    value: (_value, text) => write(`${text}\n`),
    flush() {},
    abandon() {},
  };
}

/** Collects, and prints one JSON document at each flush. @param write takes text with its line ends. */
export function jsonOutput(write: (text: string) => void): Output {
  let values: unknown[] = [];
  let text = "";
  return {
    line: (line) => void (text += `${line}\n`),
    print: (format, ...args) => void (text += printf(format, ...args)),
    table(spec, rows) {
      const keys = Object.keys(spec.columns) as (keyof typeof spec.columns)[];
      values.push(rows.map((row) => Object.fromEntries(keys.map((key) => [key, cell(row[key])]))));
    },
    value: (value) => void values.push(value),
    abandon() {
      if (values.length > 0 || text !== "") this.flush();
    },
    flush() {
      const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
      const document = values.length === 0 ? { lines } : values.length === 1 ? values[0] : values;
      write(`${JSON.stringify(document, null, 2)}\n`);
      values = [];
      text = "";
    },
  };
}

/** Numbers that RocketMQ aligns are texts; their blanks mean nothing. */
function cell(value: Printable): Printable {
  return typeof value === "string" ? value.trim() : value ?? null;
}
