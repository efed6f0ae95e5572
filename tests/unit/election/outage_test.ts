import { assertEquals } from "@std/assert";
import { SimClock } from "../../../src/common/clock_sim.ts";
import { AuthorityError } from "../../../src/election/authority.ts";
import { Outage } from "../../../src/election/outage.ts";

const REFUSED = new AuthorityError("etcd: http://h:1: Connection refused", false);
const SILENT = new AuthorityError("etcd: http://h:1: no answer within 667 ms", true);

function outage() {
  const clock = new SimClock();
  const told: (string | null)[] = [];
  const lines: string[] = [];
  const note = (text: string) => void lines.push(text);
  const log = { info: note, warn: note, error: note };
  return {
    clock,
    told,
    lines,
    subject: new Outage({ clock, log, graceMs: 2000, onChange: (cause) => told.push(cause) }),
  };
}

Deno.test("an authority that is not there at the start is told at once, and once for each cause", async () => {
  const { clock, told, lines, subject } = outage();
  for (let i = 0; i < 20; i++) {
    subject.failed(REFUSED);
    subject.failed(i > 10 ? SILENT : REFUSED);
    await clock.advance(300);
  }
  assertEquals(told, [REFUSED.message, SILENT.message]);
  subject.answered();
  subject.answered();
  assertEquals(told.slice(2), [null]);
  assertEquals(lines, ["election: the authority answers again"]);
});

Deno.test("later an outage is told when it lasts, and each one anew; one slow answer is only noted", async () => {
  const { clock, told, lines, subject } = outage();
  subject.answered();
  subject.failed(SILENT);
  await clock.advance(700);
  subject.answered();
  assertEquals([told, lines.length], [[], 2]);
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 10; i++) {
      subject.failed(REFUSED);
      await clock.advance(300);
    }
    subject.answered();
  }
  assertEquals(told, [REFUSED.message, null, REFUSED.message, null]);
});
