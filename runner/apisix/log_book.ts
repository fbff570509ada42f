/**
 * A runner's log as data, for tools and tests.
 *
 * @module
 */

import { LOG_LEVELS, Logger, type LogLevel } from "../logger.ts";

/** A line of the log. */
export interface LogLine {
  /** Its level. */
  readonly level: LogLevel;
  /** What it says. */
  readonly message: string;
  /** The plugin that wrote it, or that it is about; `null` for a line of the runner itself. */
  readonly plugin: string | null;
  /** The hook that ran; `null` when none did. */
  readonly phase: "onRequest" | "onResponse" | null;
  /**
   * What else it carries: texts, numbers, booleans and `null`, as a log can show them. Of an
   * `Error` its message is there, and of an object its JSON.
   */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A line with the number of its call. */
interface Entry {
  readonly line: LogLine;
  readonly callId: number | null;
  readonly stack: string | null;
}

/** Keeps what a runner logs. */
export class LogBook {
  /** The log to be written to. */
  readonly log: Logger;
  readonly #entries: Entry[] = [];

  /** Takes no arguments. */
  constructor() {
    this.log = Logger.create({
      level: "debug",
      format: "json",
      write: (line) => this.#entries.push(entryOf(JSON.parse(line))),
    });
  }

  /**
   * The lines of plugins, and those about them: what the runner says for itself when all is well
   * is not among them.
   */
  get lines(): LogLine[] {
    return this.#entries.map(({ line }) => line)
      .filter(({ plugin, level }) => plugin !== null || level === "warn" || level === "error");
  }

  /**
   * Why a call failed.
   *
   * @param callId The call's number.
   * @returns The error, with the plugin's own as its cause where there is one; `null` when the log
   * does not say.
   */
  failureOf(callId: number): Error | null {
    const errors = this.#entries.filter(({ line }) => line.level === "error");
    // What is wrong with a configuration is said once, before the first call.
    const found = errors.findLast((entry) => entry.callId === callId) ??
      errors.findLast((entry) => entry.callId === null);
    if (found === undefined) return null;
    const { line, stack } = found;
    return new Error(line.message, stack === null ? {} : { cause: withStack(stack) });
  }

  /** Forgets all lines but those about configurations, which are not said again. */
  clear(): void {
    const kept = this.#entries.filter(({ callId }) => callId === null);
    this.#entries.splice(0, Infinity, ...kept);
  }
}

function entryOf(record: Readonly<Record<string, unknown>>): Entry {
  const { time: _time, level, message, plugin, phase, id, stack, ...fields } = record;
  return {
    line: {
      level: LOG_LEVELS.find((known) => known === level) ?? "error",
      message: String(message),
      plugin: typeof plugin === "string" ? plugin : null,
      phase: phase === "onRequest" || phase === "onResponse" ? phase : null,
      fields,
    },
    callId: typeof id === "number" ? id : null,
    stack: typeof stack === "string" ? stack : null,
  };
}

/** An error that shows where the plugin's was made. */
function withStack(stack: string): Error {
  const [first = ""] = stack.split("\n", 1);
  const [, name = "Error", message = ""] = /^(?:Uncaught )?(\w*(?:Error|Exception)): ?(.*)$/
    .exec(first) ?? [null, "Error", first];
  const error = new Error(message);
  error.name = name;
  error.stack = stack;
  return error;
}
