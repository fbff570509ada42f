/**
 * The help of the program and of its commands, out of the table.
 *
 * @module
 */

import { type Command, HELP, type Host, type Option, VERSION_FLAG } from "./command.ts";
import { columns, styleOf } from "./terminal.ts";
import { VERSION } from "../version.ts";

/**
 * The help of the program.
 *
 * @param host What the program is.
 * @returns Lines, with a newline at the end.
 */
export function programHelp(host: Host): string {
  const { name, commands } = host;
  const [standard] = commands;
  const { strong, name: named } = styleOf(host);
  const options = standard?.options ?? [];
  return text([
    `${strong(`${name} ${VERSION}`)}: runs plugins for Apache APISIX, in TypeScript`,
    "",
    `Usage: ${name} [${standard?.name}] [flags]`,
    `       ${name} COMMAND [flags] …`,
    "",
    strong("Commands:"),
    ...columns(commands.map(({ name, summary }) => [named(name), summary])),
    "",
    `${name} help COMMAND shows the flags of one.`,
    "",
    strong(`Flags of ${standard?.name}:`),
    ...flagLines(host, options),
    ...environmentLines(host, options),
    "",
    strong("In APISIX' config.yaml:"),
    "  ext-plugin:",
    `    cmd: ["/usr/local/bin/${name}", "run"]`,
  ]);
}

/**
 * The help of a command.
 *
 * @param host What the program is.
 * @param command The command.
 * @returns Lines, with a newline at the end.
 */
export function commandHelp(host: Host, command: Command): string {
  const { strong } = styleOf(host);
  const { summary } = command;
  const details = command.details?.(host);
  return text([
    `Usage: ${host.name} ${command.name} ${command.usage}`.trimEnd(),
    "",
    `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`,
    ...(details === undefined ? [] : ["", details]),
    "",
    strong("Flags:"),
    ...flagLines(host, command.options),
    ...environmentLines(host, command.options),
  ]);
}

/**
 * The version of everything that matters.
 *
 * @param host What the program is.
 * @returns A line, with a newline at the end.
 */
export function versionLine({ name }: Host): string {
  return `${name} ${VERSION} (deno ${Deno.version.deno}, v8 ${Deno.version.v8})\n`;
}

function flagLines(host: Host, options: readonly Option[]): string[] {
  const { name } = styleOf(host);
  const all = [...options, HELP, VERSION_FLAG];
  return columns(all.map(({ flag, short, value, about, repeatable = false }) => [
    `${short === undefined ? "    " : `${name(`-${short}`)}, `}${name(`--${flag}`)}` +
    (value === undefined ? "" : ` ${value}`) + (repeatable ? " …" : ""),
    about,
  ]));
}

function environmentLines(host: Host, options: readonly Option[]): string[] {
  const { strong, name } = styleOf(host);
  const pairs = options.flatMap(({ flag, env }): [string, string][] =>
    env === undefined ? [] : [[name(env), `--${flag}`]]
  );
  if (pairs.length === 0) return [];
  return ["", strong("Environment, where the flag is not given:"), ...columns(pairs)];
}

function text(lines: readonly string[]): string {
  return `${lines.join("\n")}\n`;
}
