/**
 * What a server tells its operator while it runs, on standard output and standard error.
 *
 * Either may be on a disk that is full, or a terminal that has gone, and then each line throws. That must end no server, nor
 * the election that it was telling of: what is told here its log has as well. A command whose output is its purpose lets it
 * throw.
 *
 * @module
 */

/**
 * Prints a line, where that is possible.
 *
 * @param write what prints it; standard output unless given.
 */
export function printLine(line: string, write: (line: string) => void = console.log): void {
  try {
    write(line);
  } catch {
    // There is nobody to tell.
  }
}

/** Prints a line on standard error, where that is possible. */
export function printError(line: string): void {
  printLine(line, console.error);
}
