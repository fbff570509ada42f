/**
 * A command line by the table: which command, and what is said to it.
 *
 * @module
 */

import { firstWordAt, parseCommandLine } from "./args.ts";
import {
  type Command,
  commandNamed,
  HELP,
  type Host,
  type Option,
  type Parsed,
  VERSION_FLAG,
} from "./command.ts";

/** A command line that was understood. */
export interface CommandLine {
  /** The command; the first of the table when none is named. */
  readonly command: Command;
  /** Whether it is named. */
  readonly isNamed: boolean;
  /** What is said to it. */
  readonly parsed: Parsed;
}

/** The commands of a program. */
type Table = Pick<Host, "commands">;

/**
 * Understands a command line.
 *
 * @param args Its words.
 * @param table The commands.
 * @returns The command, and what is said to it.
 * @throws {UsageError} For an unknown command or flag, or a flag that is not used as it should be.
 */
export function readCommandLine(args: readonly string[], table: Table): CommandLine {
  const at = firstWordAt(args, withCommonFlags(standardOf(table)));
  const word = args[at];
  const command = word === undefined ? standardOf(table) : commandNamed(word, table);
  const rest = word === undefined ? args : args.toSpliced(at, 1);
  const parsed = parseCommandLine(rest, withCommonFlags(command));
  return { command, isNamed: word !== undefined, parsed };
}

/**
 * The word of a command line that names the command, whether there is such a command or not.
 *
 * @param args Its words.
 * @param table The commands.
 */
export function commandWord(args: readonly string[], table: Table): string | undefined {
  return args[firstWordAt(args, withCommonFlags(standardOf(table)))];
}

function standardOf({ commands: [standard] }: Table): Command {
  if (standard === undefined) throw new TypeError("Cannot read a command line without commands");
  return standard;
}

function withCommonFlags({ options }: Command): Option[] {
  return [...options, HELP, VERSION_FLAG];
}
