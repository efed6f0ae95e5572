/**
 * Makes a long text in slices of time, so that the event loop serves others between them.
 *
 * @module
 */
import type { Clock } from "./clock.ts";

/** Longest stretch of work, the pause behind it, and pieces between two looks at the clock. */
const SLICE_MS = 4;
const PAUSE_MS = 4;
const PIECES_A_LOOK = 16;

/**
 * The pieces, joined; each is asked for when its time comes.
 *
 * @param isStopped asked after each pause: nothing more is made when the text is not wanted any longer, and what there is of
 * it then is no whole text.
 */
export async function joinInSlices(
  pieces: Iterable<string>,
  clock: Clock,
  isStopped: () => boolean = () => false,
): Promise<string> {
  const made: string[] = [];
  let since = clock.monotonicMs();
  for (const piece of pieces) {
    made.push(piece);
    if (made.length % PIECES_A_LOOK !== 0 || clock.monotonicMs() - since < SLICE_MS) continue;
    await clock.sleep(PAUSE_MS);
    if (isStopped()) break;
    since = clock.monotonicMs();
  }
  return made.join("");
}
