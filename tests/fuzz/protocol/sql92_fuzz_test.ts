/** Random pieces of SQL92 through the compiler, and random bytes as properties through what it accepts. */
import { assert } from "@std/assert";
import { SeededRandom } from "../../../src/common/random.ts";
import { compileSql92, Sql92Error, type Sql92Filter } from "../../../src/protocol/sql92/filter.ts";
import { PropertyReader } from "../../../src/protocol/sql92/property_reader.ts";

const ROUNDS = 20_000;
// deno-fmt-ignore
const PIECES = [
  "a", "b1", "_c", "LIKE", "ESCAPE", "5", "0", "7L", "1.5", ".5e3", "9223372036854775807", "2147483648", "'x'", "''", "'it''s'", "'%a_'", "'!'",
  "TRUE", "FALSE", "NULL", "NOT", "AND", "OR", "IN", "IS", "BETWEEN", "CONTAINS", "STARTSWITH", "ENDSWITH", "=", "<>", "<", ">", "<=", ">=",
  "(", ")", ",", "+", "-", "*", "/", "%", "--", "/*", "*/", "\n", "\r", "'", "\"", ";", "é", "\u{1f600}", "\ud800", "\0",
];

Deno.test("the compiler refuses or accepts any text, and what it accepts can be evaluated on any bytes", () => {
  const seed = Number(Deno.env.get("SEED") ?? 92);
  const random = new SeededRandom(seed);
  let accepted = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const pieces = Array.from({ length: 1 + random.int(9) }, () => PIECES[random.int(PIECES.length)]!);
    const expression = pieces.join(random.int(4) === 0 ? "" : " ");
    try {
      const filter = compile(expression);
      if (filter === null) continue;
      accepted++;
      evaluate(filter, random);
    } catch (cause) {
      throw new Error(`seed ${seed}, expression ${JSON.stringify(expression)}`, { cause });
    }
  }
  assert(accepted > ROUNDS / 100, `${accepted} of ${ROUNDS} were accepted`);
});

function compile(expression: string): Sql92Filter | null {
  try {
    return compileSql92(expression);
  } catch (error) {
    if (!(error instanceof Sql92Error)) throw error;
    const { offset, line, column } = error.position;
    assert(offset >= 0 && offset <= expression.length && line >= 1 && column >= 1, error.message);
    return null;
  }
}

function evaluate(filter: Sql92Filter, random: SeededRandom): void {
  const bytes = Uint8Array.from({ length: random.int(40) }, () => "ab1_c\x01\x02x5.-é"[random.int(12)]!.charCodeAt(0));
  const reader = new PropertyReader(filter.names);
  reader.read(bytes, 0, bytes.length);
  const outcome = filter.outcome(reader.get);
  assert(outcome === null || outcome === "failed" || typeof outcome === "boolean", String(outcome));
}
