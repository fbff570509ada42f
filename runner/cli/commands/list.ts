/**
 * `list`: the plugins that a route can use.
 *
 * @module
 */

import { choiceOf, type Command, type Host, OUTPUT, type Parsed, refuseWords } from "../command.ts";
import { ExitCode } from "../../errors.ts";
import { type KnownPlugin, knownPlugins, phasesText, PLUGINS } from "../known_plugins.ts";
import { styleOf } from "../terminal.ts";

/** Lists plugins: name, phases, and where they are from. */
export const list: Command = {
  name: "list",
  summary: "list the plugins that routes can use",
  usage: "[flags]",
  options: [PLUGINS, OUTPUT],
  async run(parsed: Parsed, host: Host): Promise<number> {
    refuseWords(parsed.words);
    const output = choiceOf(parsed, OUTPUT);
    const { plugins, problems } = await knownPlugins(parsed, host);
    host.stdout(output === "json" ? json(plugins) : table(plugins, host));
    for (const { message } of problems) host.stderr(`${host.name}: ${message}\n`);
    return problems.length > 0 ? ExitCode.FAILURE : ExitCode.OK;
  },
};

function json(plugins: readonly KnownPlugin[]): string {
  const entries = plugins.map(({ plugin: { name, phases }, file }) => ({ name, phases, file }));
  return `${JSON.stringify(entries, null, 2)}\n`;
}

function table(plugins: readonly KnownPlugin[], host: Host): string {
  if (plugins.length === 0) return "There is no plugin: name files with --plugins\n";
  const { dim, name } = styleOf(host);
  const rows = plugins.map(({ plugin, file }) =>
    [
      plugin.name,
      phasesText(plugin),
      file ?? "built in",
    ] as const
  );
  const header = ["NAME", "PHASES", "FROM"] as const;
  const width = (column: 0 | 1) => Math.max(...[header, ...rows].map((row) => row[column].length));
  const [first, second] = [width(0), width(1)];
  const line = ([one, two, three]: readonly [string, string, string]) =>
    `${one.padEnd(first)}  ${two.padEnd(second)}  ${three}`;
  return [
    dim(line(header)),
    ...rows.map((row) => name(row[0]) + line(row).slice(row[0].length)),
    "",
  ].join("\n");
}
