/**
 * Words of the command line into command and flags. The only file that knows `@std/cli`.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";

import type { Option, Parsed } from "./command.ts";
import { UsageError } from "../errors.ts";
import { didYouMean } from "./suggestion.ts";

/**
 * Takes a command line apart.
 *
 * @param args The words.
 * @param options The flags that exist.
 * @returns Words, values and switches.
 * @throws {UsageError} For an unknown flag, a flag without its value, or a flag given twice that
 * is not repeatable.
 */
export function parseCommandLine(args: readonly string[], options: readonly Option[]): Parsed {
  const { parsed, unknown } = parse(args, options, false);
  const [first] = unknown;
  if (first !== undefined) throw new UsageError(whatIsWrong(first, options));
  const values: Record<string, readonly string[]> = {};
  const switches = new Set<string>();
  for (const { flag, value, repeatable = false } of options) {
    const given = parsed[flag];
    if (value === undefined) {
      if (given === true) switches.add(flag);
      continue;
    }
    if (!Array.isArray(given) || given.length === 0) continue;
    const texts = given.map(String);
    if (texts.includes("")) throw new UsageError(`--${flag} needs a value`);
    if (texts.length > 1 && !repeatable) {
      throw new UsageError(`--${flag} is given ${texts.length} times`);
    }
    values[flag] = texts;
  }
  return { words: parsed._.map(String), values, switches };
}

/**
 * The first word of a command line that is not a flag: the command.
 *
 * @param args The words.
 * @param options Flags that may stand before it, so that their values are not taken for it.
 * @returns Its place in `args`; -1 when there is none.
 */
export function firstWordAt(args: readonly string[], options: readonly Option[]): number {
  const end = args.includes("--") ? args.indexOf("--") : args.length;
  const { parsed } = parse(args.slice(0, end), options, true);
  if (parsed._.length > 0) return end - parsed._.length;
  return end + 1 < args.length ? end + 1 : -1;
}

/** What `parseArgs` makes of it, and the flags that it does not know. */
function parse(
  args: readonly string[],
  options: readonly Option[],
  stopEarly: boolean,
): {
  readonly parsed: Record<string, unknown> & { readonly _: readonly unknown[] };
  readonly unknown: readonly string[];
} {
  const unknown: string[] = [];
  const flags = options.filter(({ value }) => value !== undefined).map(({ flag }) => flag);
  const parsed: Record<string, unknown> & { readonly _: readonly unknown[] } = parseArgs(
    stopEarly ? [...args] : withLongFlags(args, options),
    {
      stopEarly,
      string: ["_", ...flags],
      boolean: options.filter(({ value }) => value === undefined).map(({ flag }) => flag),
      collect: flags,
      alias: Object.fromEntries(
        options.flatMap(({ flag, short }) => short === undefined ? [] : [[flag, short]]),
      ),
      unknown(arg, key) {
        if (key !== undefined) unknown.push(arg);
        return key === undefined;
      },
    },
  );
  return { parsed, unknown };
}

/**
 * Says what `parseArgs` would misread in a way that it does not: a value that is glued to its
 * letter (`-XPOST`), and the value `-`, which stands for standard input.
 */
function withLongFlags(args: readonly string[], options: readonly Option[]): string[] {
  const takesValue = (arg: string): Option | undefined =>
    options.find(({ flag, short, value }) =>
      value !== undefined && (arg === `--${flag}` || (short !== undefined && arg === `-${short}`))
    );
  const result: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? "";
    if (arg === "--") return [...result, ...args.slice(i)];
    const option = takesValue(arg);
    const glued = /^-[^-]./s.test(arg) ? takesValue(arg.slice(0, 2)) : undefined;
    if (glued !== undefined) {
      result.push(`--${glued.flag}=${arg.slice(arg[2] === "=" ? 3 : 2)}`);
    } else if (option !== undefined && args[i + 1] === "-") {
      result.push(`--${option.flag}=-`);
      i++;
    } else {
      result.push(arg);
    }
  }
  return result;
}

function whatIsWrong(arg: string, options: readonly Option[]): string {
  const flag = arg.replace(/=.*/s, "");
  const names = options.map((option) => `--${option.flag}`);
  // `--flag=` is not one of the declared flags for parseArgs.
  if (names.includes(flag)) return `${flag} needs a value`;
  return `Unknown flag ${flag.replace(/\s/g, " ")}${didYouMean(flag, names)}`;
}
