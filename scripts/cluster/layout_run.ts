/**
 * One layout of RocketMQ's guides on hosts of its own, disturbed: every part is killed, paused, cut off and restarted in turn,
 * while a Java producer and a Java consumer work with their default settings.
 *
 * @module
 */
import { type Period, type Seen, whatClientsSaw } from "./client_record.ts";
import { type Part, rucola } from "./part.ts";
import { NAME_SERVERS, openSite, type Site } from "./site.ts";

const CONF = new URL("../../conf/", import.meta.url).pathname;
/** Brokers of each layout: the names of the files in its folder of `conf`. */
export const LAYOUTS: Readonly<Record<string, readonly string[]>> = {
  "2m-noslave": ["broker-a", "broker-b"],
  "2m-2s-async": ["broker-a", "broker-a-s", "broker-b", "broker-b-s"],
  "2m-2s-sync": ["broker-a", "broker-a-s", "broker-b", "broker-b-s"],
};
/** A hundred messages in a second: the machine is to be idle enough that what is slow is slow for a reason. */
const PACE = { threads: 4, pauseMs: 40 };
const WARM_UP_MS = 3000;
/** After a part is whole again and everybody knows it, so much still belongs to the disturbance. */
const AFTERMATH_MS = 5000;

/** What is done to a part. */
interface Fault {
  readonly name: string;
  /** Whether the part is gone for a while. */
  readonly lasts: boolean;
  begin(part: Part): void | Promise<void>;
  end(part: Part, start: () => Promise<void>): void | Promise<void>;
}

const FAULTS: readonly Fault[] = [
  { name: "kill -9", lasts: true, begin: (part) => part.kill(), end: (_, start) => start() },
  { name: "pause", lasts: true, begin: (part) => part.setPaused(true), end: (part) => part.setPaused(false) },
  { name: "cut off", lasts: true, begin: (part) => part.setCable(false), end: (part) => part.setCable(true) },
  { name: "restart", lasts: false, begin: (part) => part.stop(), end: (_, start) => start() },
];

/** One disturbance: a part and what is done to it. */
interface Disturbance {
  readonly part: string;
  readonly fault: Fault;
}

/** The last one, where there are slaves: the master does not come back, and an operator has its slave go on in its place. */
const LOST = { part: "broker-b", slave: "broker-b-s", what: "lost, slave made master" };

/** A row of the table. */
export interface Row extends Seen {
  readonly layout: string;
  /** Host of the part. */
  readonly part: string;
  /** What was done to it. */
  readonly fault: string;
}

/** How a layout is run. */
export interface LayoutRun {
  /** The command of our executable. */
  readonly command: readonly string[];
  /** Disturbs each kind of part in one way, instead of every part in every way. */
  readonly quick: boolean;
  /** How long a part is gone. */
  readonly seconds: number;
}

/** The whole form disturbs every part in every way, the quick one each kind of part in one. */
function disturbancesOf(brokers: readonly string[], quick: boolean): Disturbance[] {
  const all = [...NAME_SERVERS, ...brokers].flatMap((part) => FAULTS.map((fault) => ({ part, fault })));
  const quickly = ["namesrv-1 cut off", "broker-a kill -9", "broker-a-s pause", "broker-b restart"];
  return quick ? all.filter(({ part, fault }) => quickly.includes(`${part} ${fault.name}`)) : all;
}

/** Runs a layout of {@linkcode LAYOUTS}. @throws {Error} when a part does not come back. */
export async function runLayout(layout: string, run: LayoutRun): Promise<Row[]> {
  const brokers = LAYOUTS[layout]!;
  const directory = await Deno.makeTempDir({ prefix: `rucola-${layout}-` });
  const site = await openSite({ label: layout, brokers, command: run.command, directory });
  try {
    const startPart = (part: Part) => {
      const make = rucola(run.command);
      if (NAME_SERVERS.includes(part.name)) return site.startNamesrv(part, make);
      return site.startBroker(part, make, `${CONF}${layout}/${part.name}.properties`);
    };
    for (const part of site.parts) await startPart(part);
    await site.settled();
    await site.makeTopic();
    await using clients = await site.startClients(PACE);
    await sleep(WARM_UP_MS);
    const periods: Period[] = [];
    const disturbances = disturbancesOf(brokers, run.quick);
    for (const { part, fault } of disturbances) {
      console.error(`${layout}: ${part}: ${fault.name}`);
      periods.push(await disturb(site, site.part(part), fault, run.seconds * 1000, startPart));
    }
    const labels = disturbances.map(({ part, fault }) => ({ layout, part, fault: fault.name }));
    if (!run.quick && brokers.includes(LOST.slave)) {
      console.error(`${layout}: ${LOST.part}: ${LOST.what}`);
      periods.push(await loseMaster(site, run, `${CONF}${layout}/${LOST.part}.properties`));
      labels.push({ layout, part: LOST.part, fault: LOST.what });
    }
    const seen = whatClientsSaw(await clients.finish(), periods);
    return labels.map((label, at) => ({ ...label, ...seen[at]! }));
  } finally {
    await site[Symbol.asyncDispose]();
    await Deno.remove(directory, { recursive: true });
  }
}

async function disturb(
  site: Site,
  part: Part,
  fault: Fault,
  lastsMs: number,
  startPart: (part: Part) => Promise<void>,
): Promise<Period> {
  const fromMs = Date.now();
  await fault.begin(part);
  if (fault.lasts) await sleep(lastsMs);
  await fault.end(part, () => startPart(part));
  await site.settled();
  await sleep(AFTERMATH_MS);
  return { fromMs, toMs: Date.now() };
}

/** Kills a master for good, and some time later starts its slave with the master's file. */
async function loseMaster(site: Site, run: LayoutRun, file: string): Promise<Period> {
  const fromMs = Date.now();
  const slave = site.part(LOST.slave);
  await site.part(LOST.part).kill();
  await sleep(run.seconds * 1000);
  await slave.stop();
  await site.startBroker(slave, rucola(run.command), file);
  await site.settled(site.brokers.filter(({ name }) => name !== LOST.part));
  await sleep(AFTERMATH_MS);
  return { fromMs, toMs: Date.now() };
}

/** What must not be: sentences. A slave that its master did not wait for may lack its last messages when that is lost. */
export function failures(rows: readonly Row[]): string[] {
  return rows.flatMap(({ layout, part, fault, missing, failed }) => {
    const mayLose = layout === "2m-2s-async" && fault === LOST.what;
    return [
      ...(missing > 0 && !mayLose
        ? [`${layout}, ${part}, ${fault}: ${missing} acknowledged messages are missing`]
        : []),
      ...(fault === "restart" && failed.size > 0 ? [`${layout}, ${part}: sends failed at a restart`] : []),
    ];
  });
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
