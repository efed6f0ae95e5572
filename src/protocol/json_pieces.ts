/**
 * The text of a large JSON document in pieces, so that whoever writes it can let others work in between: ten thousand topics
 * in one stretch hold the event loop for tens of milliseconds.
 *
 * @module
 */
import { stringifyJson } from "./json.ts";

/** A member that may have many entries, in the order in which they are written. */
export type JsonTable = Iterable<readonly [key: string, value: unknown]>;

/**
 * The pieces, one for each entry of a table, joined the same as `JSON.stringify({ ...head, ...tables }, null, "\t")` with tables as
 * objects. An entry is looked at when its piece is asked for.
 *
 * @param head members that are written in one piece; at least one.
 * @param tables members behind them that are written entry by entry.
 */
export function* jsonPieces(
  head: Readonly<Record<string, unknown>>,
  tables: Readonly<Record<string, JsonTable>>,
): Generator<string, void, void> {
  yield JSON.stringify(head, null, "\t").slice(0, -2);
  for (const [name, table] of Object.entries(tables)) {
    let before = `,\n\t${JSON.stringify(name)}: {`;
    let isEmpty = true;
    for (const [key, value] of table) {
      yield `${before}\n\t\t${JSON.stringify(key)}: ${JSON.stringify(value, null, "\t").replaceAll("\n", "\n\t\t")}`;
      before = ",";
      isEmpty = false;
    }
    yield isEmpty ? `${before}}` : "\n\t}";
  }
  yield "\n}";
}

/**
 * The pieces of a body, one for each entry of a table, joined the same as `stringifyJson({ ...head, ...tables, ...tail })` with
 * tables as objects. An entry is looked at when its piece is asked for.
 */
export function* bodyPieces(
  head: Readonly<Record<string, unknown>>,
  tables: Readonly<Record<string, JsonTable>>,
  tail: Readonly<Record<string, unknown>> = {},
): Generator<string, void, void> {
  let before = stringifyJson(head).slice(0, -1);
  for (const [name, table] of Object.entries(tables)) {
    before += `${before === "{" ? "" : ","}${JSON.stringify(name)}:{`;
    let isEmpty = true;
    for (const [key, value] of table) {
      yield `${before}${JSON.stringify(key)}:${stringifyJson(value)}`;
      before = ",";
      isEmpty = false;
    }
    before = isEmpty ? `${before}}` : "}";
  }
  const end = stringifyJson(tail).slice(1);
  yield `${before}${end === "}" || before === "{" ? "" : ","}${end}`;
}
