/**
 * Answers that are a whole table as JSON, for slaves and tools. The text of ten thousand entries takes tens of milliseconds: it
 * is made in slices between which others are served, one table at a time.
 *
 * @module
 */
import { utf8 } from "../common/bytes.ts";
import type { Clock } from "../common/clock.ts";
import { joinInSlices } from "../common/text_slices.ts";
import type { ExtFields } from "../protocol/header.ts";
import { NO_EXT } from "../remoting/command.ts";
import type { Request } from "../remoting/handler.ts";
import { AnswerTurns } from "./answer_turns.ts";

/** The tables that one broker answers with. */
export class TableAnswers {
  readonly #clock: Clock;
  readonly #turns = new AnswerTurns(1);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Answers the request with a text, when its turn comes; the promise is for its handler to return.
   *
   * @param pieces begins the text: the table is the one of the moment at which this is called.
   */
  answer(
    { command, connection }: Request,
    pieces: () => Iterable<string>,
    ext: ExtFields = NO_EXT,
  ): Promise<null> {
    return new Promise((resolve, reject) =>
      this.#turns.take(connection, async () => {
        try {
          const body = utf8(await joinInSlices(pieces(), this.#clock, () => connection.closed));
          connection.answer(command, { ext, body });
          resolve(null);
        } catch (error) {
          reject(error);
        }
      })
    );
  }
}
