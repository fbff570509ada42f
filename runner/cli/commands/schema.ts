/**
 * `schema`: what configurations a plugin takes, as JSON Schema.
 *
 * @module
 */

import type { ConfigDescription } from "../../../plugins/config.ts";
import { type Command, type Host, type Parsed, refuseWords } from "../command.ts";
import { ExitCode, StartError, UsageError } from "../../errors.ts";
import { type KnownPlugin, knownPlugins, PLUGINS } from "../known_plugins.ts";
import { didYouMean } from "../suggestion.ts";

/** What takes everything. */
const ANYTHING = { $schema: "https://json-schema.org/draft/2020-12/schema" };

/** Writes the JSON Schema of a plugin's configuration. */
export const schema: Command = {
  name: "schema",
  summary: "write the JSON Schema of a plugin's configuration",
  usage: "[flags] NAME",
  options: [PLUGINS],
  words: "plugins",
  async run(parsed: Parsed, host: Host): Promise<number> {
    const [name, ...rest] = parsed.words;
    if (name === undefined) throw new UsageError(`Which plugin? ${host.name} list shows them`);
    refuseWords(rest);
    const { plugins, problems } = await knownPlugins(parsed, host);
    for (const { message } of problems) host.stderr(`${host.name}: ${message}\n`);
    const found = plugins.find(({ plugin }) => plugin.name === name);
    if (found === undefined) {
      const names = plugins.map(({ plugin }) => plugin.name);
      const message = `There is no plugin ${JSON.stringify(name)}${didYouMean(name, names)}`;
      // Perhaps it is in the file that could not be loaded.
      throw problems.length > 0 ? new StartError(message) : new UsageError(message);
    }
    host.stdout(`${JSON.stringify(schemaOf(found), null, 2)}\n`);
    return problems.length > 0 ? ExitCode.FAILURE : ExitCode.OK;
  },
};

function schemaOf({ plugin, file }: KnownPlugin): unknown {
  const description: ConfigDescription = plugin.describeConfig();
  if (description.type === "schema") return description.schema;
  if (description.type === "anything") return ANYTHING;
  throw new StartError(
    `Cannot write the JSON Schema of "${plugin.name}": ${description.reason}. ` +
      (file === null ? "Its documentation" : file) + " says what it takes; validators like those " +
      "of zod 4 say it themselves",
  );
}
