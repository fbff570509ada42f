/**
 * Whether a plugin takes a configuration.
 *
 * @module
 */

import { ConfigError } from "../../../plugins/config.ts";
import type { Plugin } from "../../../plugins/plugin.ts";
import { messageOf } from "../../../protocol/errors.ts";
import type { Path } from "../document.ts";
import type { KnownPlugin } from "../known_plugins.ts";
import { didYouMean } from "../suggestion.ts";
import type { Found } from "./check_finding.ts";

/** An nginx phase in which a route uses plugins. */
export type ExtPlugin = "ext-plugin-pre-req" | "ext-plugin-post-req" | "ext-plugin-post-resp";

/** The three, in the order in which APISIX runs them. */
export const EXT_PLUGINS: readonly ExtPlugin[] = [
  "ext-plugin-pre-req",
  "ext-plugin-post-req",
  "ext-plugin-post-resp",
];

/** A value that APISIX replaces by a secret when it uses the route. */
const REFERENCE = /^\$(env|secret):\/\//i;

/** Plugins by name, and what the binary is called. */
export class Checker {
  readonly #plugins: ReadonlyMap<string, KnownPlugin>;
  readonly #program: string;

  /**
   * @param plugins The plugins that a runner would have.
   * @param program What the binary is called, for advice.
   */
  constructor(plugins: readonly KnownPlugin[], program: string) {
    this.#plugins = new Map(plugins.map((known) => [known.plugin.name, known]));
    this.#program = program;
  }

  /**
   * Checks an entry of a `conf` array, as a route has it.
   *
   * @param entry The entry: a name, and the configuration as text.
   * @param path Where it is.
   * @param phase Where the route uses it; `null` when that is not known.
   */
  async entry(entry: unknown, path: Path, phase: ExtPlugin | null): Promise<Found[]> {
    if (typeof entry !== "object" || entry === null || Array.isArray(entry)) {
      return [problem(path, "it is not an object", 'Write {"name": "say", "value": "{}"}.')];
    }
    const name: unknown = "name" in entry ? entry.name : undefined;
    const value: unknown = "value" in entry ? entry.value : undefined;
    if (typeof name !== "string" || name.length < 1 || name.length > 128) {
      return [
        problem(path, "it has no name of 1 to 128 characters", "APISIX refuses it: name a plugin."),
      ];
    }
    const known = this.#plugins.get(name);
    if (known === undefined) return [this.#unknown(name, [...path, "name"])];
    const at = [...path, "value"];
    return [
      ...await this.#value(known.plugin, value, at),
      ...phase === null ? [] : phaseFindings(known.plugin, path, phase),
    ];
  }

  /**
   * Checks a configuration that is not written as text.
   *
   * @param name The plugin's name.
   * @param config The configuration.
   * @param path Where it is.
   */
  async configuration(name: string, config: unknown, path: Path): Promise<Found[]> {
    const known = this.#plugins.get(name);
    return [
      known === undefined
        ? this.#unknown(name, path)
        : await this.#configuration(known.plugin, config, path),
    ];
  }

  async #value(plugin: Plugin, value: unknown, path: Path): Promise<Found[]> {
    const about = plugin.name;
    if (value === undefined) {
      const todo = 'APISIX refuses it: add "value", "" for none.';
      return [problem(path, `${about} has no value`, todo, about)];
    }
    if (typeof value !== "string") {
      const todo = `Write the JSON as text, in quotes: "value": "{\\"…\\": …}"; APISIX refuses ` +
        "anything else.";
      return [problem(path, `the value for ${about} is not a text`, todo, about)];
    }
    if (REFERENCE.test(value)) {
      const seen = `the value for ${about} is a reference that APISIX resolves: it is not checked`;
      return [{ level: "warning", path, plugin: about, seen }];
    }
    if (value.trim() === "") return [await this.#configuration(plugin, {}, path)];
    let config: unknown;
    try {
      config = JSON.parse(value);
    } catch (error) {
      const todo = 'Mend it. Names and texts need double quotes: {"body": "hello"}';
      const seen = `the value for ${about} is not valid JSON${placeIn(value, error)}`;
      return [problem(path, seen, todo, about)];
    }
    return [await this.#configuration(plugin, config, path)];
  }

  async #configuration(plugin: Plugin, config: unknown, path: Path): Promise<Found> {
    const { name } = plugin;
    try {
      await plugin.configure(config);
      return { level: "ok", path, plugin: name, seen: `${name} takes it` };
    } catch (error) {
      const issues = error instanceof ConfigError ? error.issues : [];
      const reasons = issues.length === 0 ? [messageOf(error)] : issues;
      const seen = reasons.length === 1
        ? `${name} refuses it: ${reasons[0]}`
        : `${name} refuses it:\n${reasons.map((reason) => `- ${reason}`).join("\n")}`;
      return problem(path, seen, this.#adviceFor(name), name);
    }
  }

  #adviceFor(name: string): string {
    const known = this.#plugins.get(name);
    const flag = known === undefined || known.file === null ? "" : ` --plugins ${known.file}`;
    return known?.plugin.describeConfig().type === "schema"
      ? `${this.#program} schema ${name}${flag} shows what it takes.`
      : `See ${known?.file ?? "its documentation"} for what it takes.`;
  }

  #unknown(name: string, path: Path): Found {
    const names = [...this.#plugins.keys()];
    const suggestion = didYouMean(name, names);
    const todo = suggestion === ""
      ? "Name its file with --plugins, or remove it: requests get 503. Known are: " +
        (names.join(", ") || "none")
      : "Mend the name: requests get 503.";
    return problem(
      path,
      `the plugin ${JSON.stringify(name)} is not known${suggestion}`,
      todo,
      name,
    );
  }
}

function phaseFindings({ name, phases }: Plugin, path: Path, phase: ExtPlugin): Found[] {
  const needed = phase === "ext-plugin-post-resp" ? "response" : "request";
  if (phases.includes(needed)) return [];
  const seen = `${name} does nothing here: it has no hook for the ${needed} phase`;
  const todo = needed === "request"
    ? "Use it in ext-plugin-post-resp."
    : "Use it in ext-plugin-pre-req or ext-plugin-post-req.";
  return [{ level: "warning", path, plugin: name, seen, todo }];
}

/** Where in a text it stops being JSON; the message of V8 has it, and parts of the text. */
function placeIn(text: string, error: unknown): string {
  const position = /at position (\d+)/.exec(String(error))?.[1];
  if (position === undefined) return "";
  const before = text.slice(0, Number(position)).split("\n");
  const column = (before.at(-1)?.length ?? 0) + 1;
  return before.length === 1
    ? ` (at character ${column})`
    : ` (at line ${before.length}, character ${column} of it)`;
}

function problem(path: Path, seen: string, todo: string, plugin?: string): Found {
  return { level: "problem", path, seen, todo, ...plugin === undefined ? {} : { plugin } };
}
