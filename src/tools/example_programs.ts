/**
 * Examples as programs of `rucola tools`: they print to standard output, and end when they are done or the process is told to: at
 * the first signal by themselves, those that only send a few messages when these are sent, at the second in any case.
 *
 * @module
 */
import { stopSignal } from "../common/stop_signal.ts";
import type { Example } from "../examples/example.ts";
import type { OptionSpec } from "./arguments.ts";
import { type Program, program } from "./program.ts";

/** The program of an example. @param options of its own command line. */
export function exampleProgram(name: string, example: Example, options: readonly OptionSpec[]): Program {
  return program(name, options, async ({ values, world, print, connect }) => {
    const stop = stopSignal();
    // Whoever asks twice does not want to wait for what the example is at.
    void stop.promise.then(() => stop.ignore());
    try {
      await example({ connect, clock: world.clock, print, until: stop.promise, options: values });
    } finally {
      stop.ignore();
    }
  });
}
