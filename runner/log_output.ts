/**
 * Where log lines go: standard error, or a file.
 *
 * @module
 */

const encoder = new TextEncoder();

/** Takes lines. */
export interface LogOutput {
  /** Writes one line, its line break included; never throws. */
  write(line: string): void;
  /** Lets go of the file. */
  close(): void;
}

/** Standard error, which APISIX puts into its error.log (protocol.md §1.3). */
export const standardError: LogOutput = {
  write: (line) => writeAll(Deno.stderr, line),
  close: () => {},
};

/**
 * A file that lines are added to.
 *
 * @param path Its path; made when it does not exist, in a folder that does.
 * @returns The output.
 * @throws {Error} When the file cannot be opened, naming it.
 */
export function logFile(path: string): LogOutput {
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path, { append: true, create: true });
  } catch (error) {
    throw new Error(`Cannot open the log file ${path}`, { cause: error });
  }
  return { write: (line) => writeAll(file, line), close: () => file.close() };
}

/** A line is written in one go, so that lines of two runners do not mix. */
function writeAll(target: { writeSync(bytes: Uint8Array): number }, line: string): void {
  const bytes = encoder.encode(line);
  try {
    for (let at = 0; at < bytes.length;) at += target.writeSync(bytes.subarray(at));
  } catch {
    // Nobody reads the log any more, or the disk is full: no reason to fail a request.
  }
}
