import { assertEquals, assertRejects } from "@std/assert";
import { SimClock } from "../../../src/common/clock_sim.ts";
import { SeededRandom } from "../../../src/common/random.ts";
import { AuthorityError } from "../../../src/election/authority.ts";
import { SimAuthority } from "../../../src/election/authority_sim.ts";
import { OwnLease } from "../../../src/election/own_lease.ts";

function world(): { clock: SimClock; authority: SimAuthority; lease: OwnLease } {
  const clock = new SimClock();
  const authority = new SimAuthority(clock, new SeededRandom(1));
  return { clock, authority, lease: new OwnLease(authority.reachedBy("r1", clock), clock, 3) };
}

/** What a renewal that is under way comes to. */
async function settled(clock: SimClock, renewal: Promise<boolean>): Promise<boolean> {
  const outcome = renewal.then((isEnded) => () => isEnded, (error) => () => {
    throw error;
  });
  await clock.advance(1000);
  return (await outcome)();
}

Deno.test("a lease is relied on for nine tenths of its time after its renewal was sent, however late the answer came", async () => {
  const { clock, authority, lease } = world();
  authority.slowMs = 400;
  const sentMs = clock.monotonicMs();
  assertEquals(await settled(clock, lease.renew()), false);
  assertEquals(lease.present?.deadlineMs, sentMs + 2700);
  const againMs = clock.monotonicMs();
  assertEquals(await settled(clock, lease.renew()), false);
  assertEquals(lease.present?.deadlineMs, againMs + 2700);
});

Deno.test("a renewal that is not answered gives no time, and a lease that has ended is relied on no more", async () => {
  const { clock, authority, lease } = world();
  await settled(clock, lease.renew());
  const present = lease.present!;
  const { deadlineMs } = present;
  authority.cutOff.add("r1");
  await assertRejects(() => settled(clock, lease.renew()), AuthorityError);
  assertEquals(lease.present, present);
  assertEquals(present.deadlineMs, deadlineMs);
  await clock.advance(4000);
  authority.cutOff.clear();
  assertEquals(await settled(clock, lease.renew()), true);
  assertEquals([lease.present, present.deadlineMs], [null, -Infinity]);
  assertEquals(await settled(clock, lease.renew()), false, "another one is made");
  assertEquals(lease.present!.id === present.id, false);
});
