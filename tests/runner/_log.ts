/**
 * A log that a test can read.
 *
 * @module
 */

import { Logger, type LogLevel } from "../../runner/logger.ts";

/** A line of a log in JSON. */
export type Line = { readonly [name: string]: unknown };

/** A log, and the lines that went to it. */
export class TestLog {
  readonly lines: Line[] = [];
  readonly log: Logger;

  constructor(level: LogLevel = "debug") {
    this.log = Logger.create({
      level,
      format: "json",
      write: (line) => this.lines.push(JSON.parse(line)),
    });
  }

  /** The lines of a level. */
  at(level: LogLevel): Line[] {
    return this.lines.filter((line) => line.level === level);
  }
}
