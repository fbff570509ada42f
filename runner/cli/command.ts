/**
 * What commands are made of. One table of them ({@linkcode Host.commands}) feeds parsing, help and
 * completion.
 *
 * @module
 */

import type { Plugin } from "../../plugins/plugin.ts";
import { UsageError } from "../errors.ts";
import { didYouMean } from "./suggestion.ts";

/** A flag of a command. */
export interface Option {
  /** The flag, without `--`. */
  readonly flag: string;
  /** One letter that says the same, without `-`. */
  readonly short?: string;
  /**
   * What stands for the value in the help; absent for a switch, which takes none. Small letters
   * with `|` between them are the values themselves (`text|json`), capitals stand for something.
   */
  readonly value?: string;
  /** Whether it may come several times. */
  readonly repeatable?: boolean;
  /** The environment variable that says the same. The command itself looks it up. */
  readonly env?: string;
  /** What it does, for the help. */
  readonly about: string;
  /** Values that completion offers, where `value` does not say them. */
  readonly values?: readonly string[];
}

/** What a command line says to a command. */
export interface Parsed {
  /** Words that are not flags, without the name of the command. */
  words: string[];
  /** Values by flag, in the order in which they came; a flag that was not given is not there. */
  values: Readonly<Record<string, readonly string[]>>;
  /** The switches that are there. */
  switches: ReadonlySet<string>;
}

/** What a command takes besides flags: for completion. */
export type WordKind = "files" | "plugins" | "commands" | readonly string[];

/** A command of the program. */
export interface Command {
  /** Its name on the command line. */
  readonly name: string;
  /** What it does, in one line for the list of commands. */
  readonly summary: string;
  /** What follows its name in the usage line, for example `[flags] NAME`. */
  readonly usage: string;
  /** Its flags; `--help` and `--version` are added to them. */
  readonly options: readonly Option[];
  /** What its words are; absent when it takes none. */
  readonly words?: WordKind;
  /** What its help says besides usage and flags: examples, say. Lines without a final newline. */
  details?(host: Host): string;
  /**
   * Runs it.
   *
   * @param parsed What the command line says.
   * @param host What the program is and where it runs.
   * @returns The exit code, see `ExitCode`.
   * @throws {UsageError} When it was called wrongly; the program then ends with exit code 2.
   * @throws {Error} When it could not do its work; exit code 1.
   */
  run(parsed: Parsed, host: Host): Promise<number>;
}

/** What the program is and where it runs: everything that a command may know of the outside. */
export interface Host {
  /** What the binary is called. */
  readonly name: string;
  /** The plugins that are built into it. */
  readonly plugins: Iterable<Plugin>;
  /** All commands. */
  readonly commands: readonly Command[];
  /** Whether standard output is a terminal. */
  readonly isTerminal: boolean;
  /**
   * Looks up an environment variable.
   *
   * @param name Its name.
   */
  env(name: string): string | undefined;
  /**
   * Writes to standard output.
   *
   * @param text What, with its newlines.
   */
  stdout(text: string): void;
  /**
   * Writes to standard error.
   *
   * @param text What, with its newlines.
   */
  stderr(text: string): void;
  /** Reads standard input to its end. */
  stdin(): Promise<Uint8Array<ArrayBuffer>>;
}

/** A flag that every command has. */
export const HELP: Option = { flag: "help", short: "h", about: "show this" };

/** Another. */
export const VERSION_FLAG: Option = {
  flag: "version",
  short: "V",
  about: "show the versions of the runner, Deno and V8",
};

/** How a report is written, for commands that have one for machines too. */
export const OUTPUT: Option = {
  flag: "output",
  short: "o",
  value: "text|json",
  about: "for people or for machines (text)",
};

/**
 * The values that completion offers for a flag.
 *
 * @param option The flag.
 * @returns The values; none when they cannot be listed.
 */
export function knownValues({ value = "", values }: Option): readonly string[] {
  return values ?? (/^[a-z]+(\|[a-z]+)+$/.test(value) ? value.split("|") : []);
}

/**
 * The value of a flag that comes once.
 *
 * @param parsed What the command line says.
 * @param flag The flag, without `--`.
 * @returns The value; `undefined` when it was not given.
 */
export function valueOf({ values }: Parsed, flag: string): string | undefined {
  return values[flag]?.at(-1);
}

/**
 * The value of a flag that takes one of a few.
 *
 * @param parsed What the command line says.
 * @param option The flag, with the values in its `value` or `values`; the first is the default.
 * @returns The value.
 * @throws {UsageError} When it is another.
 */
export function choiceOf(parsed: Parsed, option: Option): string {
  const choices = knownValues(option);
  const value = valueOf(parsed, option.flag) ?? choices[0] ?? "";
  if (choices.includes(value)) return value;
  throw new UsageError(
    `Cannot use --${option.flag} ${JSON.stringify(value)}: expected ${choices.join("|")}` +
      didYouMean(value, choices),
  );
}

/**
 * Refuses words that a command does not take.
 *
 * @param words Those left over.
 * @throws {UsageError} When there are any.
 */
export function refuseWords([first]: readonly string[]): void {
  if (first !== undefined) throw new UsageError(`Unexpected argument ${JSON.stringify(first)}`);
}

/**
 * A command by its name.
 *
 * @param name The name.
 * @param host Knows the commands.
 * @throws {UsageError} When there is none, with the nearest that there is.
 */
export function commandNamed(name: string, { commands }: Pick<Host, "commands">): Command {
  const found = commands.find((command) => command.name === name);
  if (found !== undefined) return found;
  const suggestion = didYouMean(name, commands.map((command) => command.name));
  throw new UsageError(`Unknown command ${JSON.stringify(name)}${suggestion}`);
}
