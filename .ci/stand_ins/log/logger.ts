/** Stand-in for `@std/log/logger`; see ../README.md. */

import type { BaseHandler } from "./base_handler.ts";
import {
  getLevelByName,
  getLevelName,
  type LevelName,
  type LogLevel,
  LogLevels,
} from "./levels.ts";

/** Any function: as a message it is called, and only when its result will be logged. */
// deno-lint-ignore no-explicit-any
export type GenericFunction = (...args: any[]) => any;

/** What a record is made of. */
export interface LogRecordOptions {
  msg: string;
  args: unknown[];
  level: LogLevel;
  loggerName: string;
}

/** One message on its way to the handlers. */
export class LogRecord {
  readonly msg: string;
  readonly level: LogLevel;
  readonly levelName: LevelName;
  readonly loggerName: string;
  readonly #args: readonly unknown[];
  readonly #time = Date.now();

  constructor(options: LogRecordOptions) {
    this.msg = options.msg;
    this.level = options.level;
    this.levelName = getLevelName(options.level);
    this.loggerName = options.loggerName;
    this.#args = options.args.slice();
  }

  get args(): unknown[] {
    return this.#args.slice();
  }

  get datetime(): Date {
    return new Date(this.#time);
  }
}

/** What a logger can be told when it is made. */
export interface LoggerOptions {
  handlers?: BaseHandler[];
}

/** Hands messages that are severe enough to its handlers. */
export class Logger {
  handlers: BaseHandler[];
  readonly #name: string;
  #level: LogLevel;

  constructor(loggerName: string, levelName: LevelName, options?: LoggerOptions) {
    this.#name = loggerName;
    this.#level = getLevelByName(levelName);
    this.handlers = options?.handlers ?? [];
  }

  get level(): LogLevel {
    return this.#level;
  }

  set level(level: LogLevel) {
    if (!Object.values(LogLevels).includes(level)) throw new TypeError(`No log level: ${level}`);
    this.#level = level;
  }

  get levelName(): LevelName {
    return getLevelName(this.#level);
  }

  set levelName(levelName: LevelName) {
    this.#level = getLevelByName(levelName);
  }

  get loggerName(): string {
    return this.#name;
  }

  debug<T>(msg: () => T, ...args: unknown[]): T | undefined;
  debug<T>(msg: T extends GenericFunction ? never : T, ...args: unknown[]): T;
  debug(msg: unknown, ...args: unknown[]): unknown {
    return this.#emit(LogLevels.DEBUG, msg, args);
  }

  info<T>(msg: () => T, ...args: unknown[]): T | undefined;
  info<T>(msg: T extends GenericFunction ? never : T, ...args: unknown[]): T;
  info(msg: unknown, ...args: unknown[]): unknown {
    return this.#emit(LogLevels.INFO, msg, args);
  }

  warn<T>(msg: () => T, ...args: unknown[]): T | undefined;
  warn<T>(msg: T extends GenericFunction ? never : T, ...args: unknown[]): T;
  warn(msg: unknown, ...args: unknown[]): unknown {
    return this.#emit(LogLevels.WARN, msg, args);
  }

  error<T>(msg: () => T, ...args: unknown[]): T | undefined;
  error<T>(msg: T extends GenericFunction ? never : T, ...args: unknown[]): T;
  error(msg: unknown, ...args: unknown[]): unknown {
    return this.#emit(LogLevels.ERROR, msg, args);
  }

  critical<T>(msg: () => T, ...args: unknown[]): T | undefined;
  critical<T>(msg: T extends GenericFunction ? never : T, ...args: unknown[]): T;
  critical(msg: unknown, ...args: unknown[]): unknown {
    return this.#emit(LogLevels.CRITICAL, msg, args);
  }

  /** Gives back the message itself, or what the function that stands for it returned. */
  #emit(level: LogLevel, msg: unknown, args: unknown[]): unknown {
    const isFunction = typeof msg === "function";
    if (level < this.#level) return isFunction ? undefined : msg;
    const value: unknown = isFunction ? msg() : msg;
    const loggerName = this.#name;
    const record = new LogRecord({ msg: textOf(value), args, level, loggerName });
    for (const handler of this.handlers) handler.handle(record);
    return value;
  }
}

/** Texts stay as they are. Of the rest, only what this project logs is modelled with care. */
function textOf(value: unknown): string {
  if (value instanceof Error) return value.stack ?? String(value);
  if (typeof value === "object" && value !== null) return JSON.stringify(value);
  return String(value);
}
