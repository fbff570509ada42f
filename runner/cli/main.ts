/**
 * The command line of the runner, and of every binary built on it.
 *
 * @module
 */

import type { Plugin } from "../../plugins/plugin.ts";
import { messageOf } from "../../protocol/errors.ts";
import { HELP, type Host, VERSION_FLAG } from "./command.ts";
import { commandWord, readCommandLine } from "./command_line.ts";
import { COMMANDS } from "./commands/mod.ts";
import { ExitCode, UsageError } from "../errors.ts";
import { commandHelp, programHelp, versionLine } from "./help.ts";
import { processHost } from "./process_host.ts";

/** What a binary is made of. */
export interface MainOptions {
  /** The plugins that routes can use. */
  readonly plugins: Iterable<Plugin>;
  /** What the binary is called in its help; `deno-runner` when absent. */
  readonly name?: string;
  /** The words of the command line; those of the process when absent. */
  readonly args?: readonly string[];
}

/**
 * Runs the command line and ends the process: exit code 0 when it ended as asked, 1 when it could
 * not start, broke or found a problem, 2 when it was called wrongly.
 *
 * @param options The plugins, and what the binary is called.
 * @returns Nothing: the process ends.
 */
export async function main(options: MainOptions): Promise<never> {
  const { name = "deno-runner", args = Deno.args } = options;
  Deno.exit(await runCommandLine(args, processHost(name, options.plugins, COMMANDS)));
}

/**
 * Runs a command line.
 *
 * @param args Its words.
 * @param host What the program is and where it runs.
 * @returns The exit code.
 */
export async function runCommandLine(args: readonly string[], host: Host): Promise<number> {
  try {
    const { command, isNamed, parsed } = readCommandLine(args, host);
    if (parsed.switches.has(VERSION_FLAG.flag)) host.stdout(versionLine(host));
    else if (!parsed.switches.has(HELP.flag)) return await command.run(parsed, host);
    else host.stdout(isNamed ? commandHelp(host, command) : programHelp(host));
    return ExitCode.OK;
  } catch (error) {
    return failed(error, args, host);
  }
}

/** Says what went wrong in one line. */
function failed(error: unknown, args: readonly string[], host: Host): number {
  const { name, commands, stderr } = host;
  const isUsage = error instanceof UsageError;
  const word = commandWord(args, host);
  const known = commands.some((command) => command.name === word);
  const hint = isUsage ? ` (see ${name}${known ? ` ${word}` : ""} --help)` : "";
  stderr(`${name}: ${messageOf(error)}${hint}\n`);
  return isUsage ? ExitCode.USAGE : ExitCode.FAILURE;
}
