/**
 * A host that keeps what commands write.
 *
 * @module
 */

import type { Plugin } from "../../../plugins/plugin.ts";
import { runCommandLine } from "../../../runner/cli/main.ts";
import type { Command, Host } from "../../../runner/cli/command.ts";
import { COMMANDS } from "../../../runner/cli/commands/mod.ts";

/** What a command finds; what is left out is empty. */
export interface HostOptions {
  /** The plugins that are built in. */
  readonly plugins?: readonly Plugin[];
  /** The commands; those of the program when absent. */
  readonly commands?: readonly Command[];
  /** Environment variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether standard output is a terminal. */
  readonly isTerminal?: boolean;
  /** What standard input holds. */
  readonly stdin?: string;
}

/** What a command line came to. */
export interface Outcome {
  /** The exit code. */
  readonly code: number;
  /** All that it wrote to standard output. */
  readonly stdout: string;
  /** All that it wrote to standard error. */
  readonly stderr: string;
}

/**
 * Runs a command line as the program `deno-runner` would.
 *
 * @param args Its words.
 * @param options What it finds.
 */
export async function runWords(
  args: readonly string[],
  { plugins = [], commands = COMMANDS, env = {}, isTerminal = false, stdin = "" }: HostOptions = {},
): Promise<Outcome> {
  const written = { stdout: "", stderr: "" };
  const host: Host = {
    name: "deno-runner",
    plugins,
    commands,
    isTerminal,
    env: (name) => env[name],
    stdout: (text) => void (written.stdout += text),
    stderr: (text) => void (written.stderr += text),
    stdin: () => Promise.resolve(new TextEncoder().encode(stdin)),
  };
  const code = await runCommandLine(args, host);
  return { code, ...written };
}
