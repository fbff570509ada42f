/**
 * The command line of the runner, and of every binary built on it.
 *
 * @module
 */

import type { Plugin } from "../plugins/plugin.ts";
import { Registry } from "../plugins/registry.ts";
import { messageOf } from "../protocol/errors.ts";
import { parseCommandLine, type ParsedArgs } from "./args.ts";
import { ExitCode, UsageError } from "./errors.ts";
import { onEnd, surviveStrayErrors } from "./lifecycle.ts";
import { start } from "./serve.ts";
import { resolveSettings, SETTING_OPTIONS } from "./settings.ts";
import { VERSION } from "./version.ts";

/** How long the end waits for the log to be read, in milliseconds: APISIX kills after a second. */
const LAST_LINES_MS = 20;

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
 * not start or broke, 2 when it was called wrongly.
 *
 * @param options The plugins, and what the binary is called.
 * @returns Nothing: the process ends.
 */
export async function main(options: MainOptions): Promise<never> {
  const { name = "deno-runner", args = Deno.args } = options;
  try {
    await runCommand(name, args, options.plugins);
    Deno.exit(ExitCode.OK);
  } catch (error) {
    const isUsage = error instanceof UsageError;
    console.error(`${name}: ${messageOf(error)}${isUsage ? ` (see ${name} --help)` : ""}`);
    Deno.exit(isUsage ? ExitCode.USAGE : ExitCode.FAILURE);
  }
}

async function runCommand(
  name: string,
  args: readonly string[],
  plugins: Iterable<Plugin>,
): Promise<void> {
  const parsed = parseCommandLine(args, {
    values: SETTING_OPTIONS.map(({ flag }) => flag),
    switches: ["help", "version"],
  });
  const [command = "run", ...rest] = parsed.words;
  if (command !== "run") throw new UsageError(`Unknown command ${JSON.stringify(command)}`);
  if (rest.length > 0) throw new UsageError(`Unexpected argument ${JSON.stringify(rest[0])}`);
  if (parsed.switches.has("help")) {
    console.log(parsed.words.length === 0 ? help(name) : runHelp(name));
  } else if (parsed.switches.has("version")) {
    console.log(`${name} ${VERSION} (deno ${Deno.version.deno}, v8 ${Deno.version.v8})`);
  } else {
    await run(parsed, plugins);
  }
}

async function run({ values }: ParsedArgs, plugins: Iterable<Plugin>): Promise<void> {
  const settings = resolveSettings({ flags: values, env: (name) => Deno.env.get(name) });
  const { server, log, logOutput } = start(new Registry(plugins), settings);
  surviveStrayErrors(log);
  onEnd((reason) => {
    log.info(`Ending: ${reason}`);
    server.shutdown();
  });
  log.info("Listening", { address: server.address, version: VERSION, pid: Deno.pid });
  await server.finished();
  await logOutput.flush(LAST_LINES_MS);
}

function help(name: string): string {
  return `${name} ${VERSION}: runs plugins for Apache APISIX, in TypeScript

Usage: ${name} [run] [flags]

Commands:
  run            serve calls of APISIX until SIGTERM (the default)

Flags:
${rows(flagRows())}

Each flag has an environment variable, which it overrides:
${rows(SETTING_OPTIONS.map(({ flag, env }) => [`--${flag}`, env]))}

In APISIX' config.yaml:
  ext-plugin:
    cmd: ["/usr/local/bin/${name}", "run"]`;
}

function runHelp(name: string): string {
  return `Usage: ${name} run [flags]

Serves calls of APISIX on a unix socket until SIGTERM, SIGINT, or the end of standard input if
that is a pipe.

Flags:
${rows(flagRows())}`;
}

function flagRows(): [string, string][] {
  return [
    ...SETTING_OPTIONS.map(({ flag, value, about }): [string, string] => [
      `--${flag} ${value}`,
      about,
    ]),
    ["-h, --help", "show this"],
    ["-V, --version", "show the versions of the runner, Deno and V8"],
  ];
}

function rows(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(...pairs.map(([left]) => left.length));
  return pairs.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join("\n");
}
