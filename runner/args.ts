/**
 * Words of the command line into command and flags. The only file that knows `@std/cli`.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";

import { UsageError } from "./errors.ts";

/** What a command line can say. */
export interface ArgsSpec {
  /** Flags that take a value, without `--`. */
  readonly values: readonly string[];
  /** Flags that are there or not, without `--`. */
  readonly switches: readonly string[];
}

/** What it said. */
export interface ParsedArgs {
  /** Words that are not flags. */
  readonly words: readonly string[];
  /** Values by flag. */
  readonly values: Readonly<Record<string, string>>;
  /** The switches that are there. */
  readonly switches: ReadonlySet<string>;
}

/**
 * Takes a command line apart.
 *
 * @param args The words.
 * @param spec The flags that exist.
 * @returns Words, values and switches.
 * @throws {UsageError} For an unknown flag, a flag without its value, or a flag given twice.
 */
export function parseCommandLine(args: readonly string[], spec: ArgsSpec): ParsedArgs {
  const unknown: string[] = [];
  const parsed: Record<string, unknown> & { readonly _: readonly unknown[] } = parseArgs(
    [...args],
    {
      string: [...spec.values],
      boolean: [...spec.switches],
      collect: [...spec.values],
      alias: { help: "h", version: "V" },
      unknown(arg, key) {
        if (key !== undefined) unknown.push(arg);
        return key === undefined;
      },
    },
  );
  const [first] = unknown;
  if (first !== undefined) {
    const flag = first.replace(/=.*/s, "");
    // `--flag=` is not one of the declared flags for parseArgs.
    const isKnown = spec.values.some((value) => flag === `--${value}`);
    throw new UsageError(
      isKnown ? `${flag} needs a value` : `Unknown flag ${flag.replace(/\s/g, " ")}`,
    );
  }
  const values: Record<string, string> = {};
  for (const flag of spec.values) {
    const given = parsed[flag];
    if (!Array.isArray(given) || given.length === 0) continue;
    if (given.length > 1) throw new UsageError(`--${flag} is given ${given.length} times`);
    const value = String(given[0]);
    if (value === "") throw new UsageError(`--${flag} needs a value`);
    values[flag] = value;
  }
  return {
    words: parsed._.map(String),
    values,
    switches: new Set(spec.switches.filter((flag) => parsed[flag] === true)),
  };
}
