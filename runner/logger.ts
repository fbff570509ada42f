/**
 * The runner's log. The only file that knows `@std/log`.
 *
 * @module
 */

import { BaseHandler } from "@std/log/base-handler";
import { getLevelByName } from "@std/log/levels";
import { Logger as StdLogger, type LogRecord } from "@std/log/logger";

import { messageOf } from "../protocol/errors.ts";
import type { Log, LogFields } from "../plugins/context.ts";

/** How much is logged: this level and those behind it in {@linkcode LOG_LEVELS}. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** All levels, the least first. */
export const LOG_LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** How a line looks: for people, or one JSON object a line for machines. */
export type LogFormat = "text" | "json";

/** All formats. */
export const LOG_FORMATS: readonly LogFormat[] = ["text", "json"];

/** What a logger is made of. */
export interface LoggerOptions {
  /** The least level that is logged. */
  readonly level: LogLevel;
  /** How a line looks. */
  readonly format: LogFormat;
  /** Takes a line, its line break included. */
  readonly write: (line: string) => void;
}

/**
 * APISIX reads 3800 bytes at a time and makes one record of each piece (protocol.md §1.3): a
 * longer line would be torn.
 */
const MAX_LINE_BYTES = 3700;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Writes lines with fields; children add fields of their own. */
export class Logger implements Log {
  readonly #std: StdLogger;
  readonly #fields: LogFields;

  private constructor(std: StdLogger, fields: LogFields) {
    this.#std = std;
    this.#fields = fields;
  }

  /**
   * Makes a logger.
   *
   * @param options Level, format and destination.
   */
  static create({ level, format, write }: LoggerOptions): Logger {
    const handler = new LineHandler(format === "json" ? jsonLine : textLine, write);
    const std = new StdLogger("runner", LEVEL_NAMES[level], { handlers: [handler] });
    return new Logger(std, {});
  }

  /**
   * A logger whose lines carry more fields.
   *
   * @param fields What to add.
   */
  child(fields: LogFields): Logger {
    return new Logger(this.#std, { ...this.#fields, ...fields });
  }

  debug(message: string, fields?: LogFields): void {
    if (this.enabled("debug")) this.#std.debug(message, this.#with(fields));
  }

  info(message: string, fields?: LogFields): void {
    if (this.enabled("info")) this.#std.info(message, this.#with(fields));
  }

  warn(message: string, fields?: LogFields): void {
    if (this.enabled("warn")) this.#std.warn(message, this.#with(fields));
  }

  error(message: string, fields?: LogFields): void {
    this.#std.error(message, this.#with(fields));
  }

  /** Whether lines of a level are written. */
  enabled(level: LogLevel): boolean {
    return getLevelByName(LEVEL_NAMES[level]) >= this.#std.level;
  }

  #with(fields: LogFields | undefined): LogFields {
    return { ...this.#fields, ...fields };
  }
}

const LEVEL_NAMES = { debug: "DEBUG", info: "INFO", warn: "WARN", error: "ERROR" } as const;

/** Writes each record as one line. */
class LineHandler extends BaseHandler {
  readonly #write: (line: string) => void;

  constructor(formatter: (record: LogRecord) => string, write: (line: string) => void) {
    super("DEBUG", { formatter });
    this.#write = write;
  }

  override log(line: string): void {
    this.#write(`${shortened(line)}\n`);
  }
}

function textLine(record: LogRecord): string {
  const parts = [record.datetime.toISOString(), record.levelName, escapeControls(record.msg)];
  for (const [name, value] of fieldsOf(record)) {
    parts.push(`${escapeControls(name)}=${textValue(value)}`);
  }
  return parts.join(" ");
}

/** Texts are cut before they are quoted, so that a line that has to be short is still JSON. */
function jsonLine(record: LogRecord): string {
  const fields = fieldsOf(record);
  for (let limit = MAX_LINE_BYTES; limit > 16; limit /= 2) {
    const line = jsonObject(record, fields, limit);
    if (isShort(line)) return line;
  }
  // Too many fields. A character takes up to six bytes when it is quoted.
  return jsonObject(record, [], MAX_LINE_BYTES / 8);
}

function jsonObject(
  record: LogRecord,
  fields: readonly (readonly [string, unknown])[],
  limit: number,
): string {
  const own = {
    time: record.datetime.toISOString(),
    level: record.levelName.toLowerCase(),
    message: shortened(record.msg, limit),
  };
  const others = fields.map(([name, value]) => [
    shortened(name, limit),
    typeof value === "string" ? shortened(value, limit) : value,
  ]);
  // Twice: the first place in the line, and the last word.
  return JSON.stringify({ ...own, ...Object.fromEntries(others), ...own });
}

function fieldsOf(record: LogRecord): [string, unknown][] {
  const [fields] = record.args;
  if (typeof fields !== "object" || fields === null) return [];
  return Object.entries(fields).filter(([, value]) => value !== undefined)
    .map(([name, value]) => [name, plain(value)]);
}

/** A value that can be written down, whatever a plugin gives: an error, a cycle, a bigint. */
function plain(value: unknown): string | number | boolean | null {
  if (value instanceof Error) return messageOf(value);
  switch (typeof value) {
    case "string":
    case "number":
    case "boolean":
      return value;
  }
  if (value === null) return null;
  try {
    return JSON.stringify(value) ?? messageOf(value);
  } catch {
    return "a value that cannot be shown";
  }
}

function textValue(value: unknown): string {
  const text = String(value);
  return /^[\w.:/#&-]+$/.test(text) ? text : escapeControls(JSON.stringify(text));
}

/** One record is one line, whatever a plugin logs. */
function escapeControls(text: string): string {
  // deno-lint-ignore no-control-regex -- control characters are what is escaped
  return text.replace(/[\x00-\x1f]/g, (c) => JSON.stringify(c).slice(1, -1))
    .replaceAll("\x7f", "\\u007f");
}

function isShort(text: string, limit: number = MAX_LINE_BYTES): boolean {
  return text.length * 3 <= limit || encoder.encode(text).length <= limit;
}

function shortened(text: string, limit: number = MAX_LINE_BYTES): string {
  if (isShort(text, limit)) return text;
  const bytes = encoder.encode(text);
  return `${decoder.decode(bytes.subarray(0, limit - 6)).replace(/\uFFFD$/, "")}…`;
}
