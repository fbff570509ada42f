/**
 * Where log lines go: standard error, or a file.
 *
 * @module
 */

import { messageOf } from "../protocol/errors.ts";

const encoder = new TextEncoder();

/** Lines that may wait for a reader of standard error; those beyond are counted, not kept. */
const MAX_WAITING = 1000;

/** Takes lines. */
export interface LogOutput {
  /** Writes one line, its line break included; never throws and never waits. */
  write(line: string): void;
  /** Settles when what was written is out, or after some milliseconds. */
  flush(ms: number): Promise<void>;
}

/** What takes bytes in time. */
export interface Sink {
  /** Writes some of the bytes and says how many. */
  write(bytes: Uint8Array): Promise<number>;
}

/**
 * Lines on their way to a pipe. Its reader may be slow or gone, as APISIX is while it stops
 * (protocol.md §1.7): calls must not wait for it.
 */
export class PipeOutput implements LogOutput {
  readonly #sink: Sink;
  #waiting: string[] = [];
  #dropped = 0;
  #writing: Promise<void> | null = null;

  /** @param sink Where the lines go. */
  constructor(sink: Sink) {
    this.#sink = sink;
  }

  write(line: string): void {
    if (this.#waiting.length >= MAX_WAITING) this.#dropped++;
    else this.#waiting.push(line);
    this.#writing ??= this.#drain();
  }

  async flush(ms: number): Promise<void> {
    if (this.#writing === null) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => timer = setTimeout(resolve, ms));
    await Promise.race([this.#writing, late]);
    clearTimeout(timer);
  }

  async #drain(): Promise<void> {
    for (let line = this.#next(); line !== null; line = this.#next()) {
      const bytes = encoder.encode(line);
      try {
        // A line in one go, so that it becomes one record of APISIX' log.
        for (let at = 0; at < bytes.length;) at += await this.#sink.write(bytes.subarray(at));
      } catch {
        // Nobody reads the log any more: no reason to fail a request.
      }
    }
    this.#writing = null;
  }

  #next(): string | null {
    const line = this.#waiting.shift();
    if (line !== undefined) return line;
    if (this.#dropped === 0) return null;
    const dropped = this.#dropped;
    this.#dropped = 0;
    return `${new Date().toISOString()} WARN ${dropped} lines were dropped: nobody read the log\n`;
  }
}

/** Standard error, which APISIX puts into its error.log (protocol.md §1.3). */
export const standardError: LogOutput = new PipeOutput(Deno.stderr);

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
    throw new Error(`Cannot open the log file ${path}: ${messageOf(error)}`, { cause: error });
  }
  return {
    write(line) {
      try {
        // A line in one go, so that lines of two runners do not mix.
        file.writeSync(encoder.encode(line));
      } catch {
        // The disk is full: no reason to fail a request.
      }
    },
    flush: () => Promise.resolve(),
  };
}
