/**
 * Errors that end the program, with their exit codes.
 *
 * @module
 */

/** The exit codes of the program. */
export const ExitCode = {
  /** Ended as asked. */
  OK: 0,
  /** Could not start, or broke. */
  FAILURE: 1,
  /** Was called wrongly. */
  USAGE: 2,
} as const satisfies Record<string, number>;

/** The program was called with a flag, value or variable that it cannot use. */
export class UsageError extends Error {
  /** `"UsageError"`. */
  override readonly name = "UsageError";
}

/** The runner cannot start, for a reason outside of its settings. */
export class StartError extends Error {
  /** `"StartError"`. */
  override readonly name = "StartError";
}
