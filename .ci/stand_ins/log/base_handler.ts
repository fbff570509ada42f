/** Stand-in for `@std/log/base-handler`; see ../README.md. */

import { getLevelByName, getLevelName, type LevelName, type LogLevel } from "./levels.ts";
import type { LogRecord } from "./logger.ts";

/** Makes the text that is logged out of a record. */
export type FormatterFunction = (logRecord: LogRecord) => string;

/** What a handler can be told when it is made. */
export interface BaseHandlerOptions {
  /** Makes the text of a record; without it the text is the level's name and the message. */
  formatter?: FormatterFunction;
}

/** What every handler has in common: a threshold, and a formatter in front of `log`. */
export abstract class BaseHandler {
  #level: LogLevel;
  formatter: FormatterFunction;

  constructor(levelName: LevelName, options?: BaseHandlerOptions) {
    this.#level = getLevelByName(levelName);
    this.formatter = options?.formatter ?? ((record) => `${record.levelName} ${record.msg}`);
  }

  get level(): LogLevel {
    return this.#level;
  }

  set level(level: LogLevel) {
    getLevelName(level); // throws when it is none
    this.#level = level;
  }

  get levelName(): LevelName {
    return getLevelName(this.#level);
  }

  set levelName(levelName: LevelName) {
    this.#level = getLevelByName(levelName);
  }

  /** Formats and logs a record that is at least as severe as this handler's level. */
  handle(logRecord: LogRecord): void {
    if (logRecord.level >= this.#level) this.log(this.format(logRecord));
  }

  format(logRecord: LogRecord): string {
    return this.formatter(logRecord);
  }

  /** Puts the finished text where this handler logs to. */
  abstract log(msg: string): void;

  setup(): void {}

  destroy(): void {}

  [Symbol.dispose](): void {
    this.destroy();
  }
}
