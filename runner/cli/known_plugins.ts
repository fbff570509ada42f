/**
 * The plugins that a command knows: those of the binary, and those of files.
 *
 * @module
 */

import type { LoadedPlugins, LoadProblem } from "../../plugins/loader.ts";
import type { Plugin } from "../../plugins/plugin.ts";
import type { Host, Option, Parsed } from "./command.ts";

/** Where plugins are loaded from. */
export const PLUGINS: Option = {
  flag: "plugins",
  value: "DIR|FILE",
  repeatable: true,
  env: "DENO_RUNNER_PLUGINS",
  about: "load the plugins of a folder, or of a file; in the variable with : between them",
};

/** A plugin, and where it is from. */
export interface KnownPlugin {
  /** The plugin. */
  readonly plugin: Plugin;
  /** Its file; `null` when it is built into the binary. */
  readonly file: string | null;
}

/** All plugins that there are, and all that is wrong with others. */
export interface KnownPlugins {
  /** Those of the binary, then those of files. */
  readonly plugins: readonly KnownPlugin[];
  /** Files and plugins that could not be loaded. */
  readonly problems: readonly LoadProblem[];
}

/**
 * Loads what a command line names.
 *
 * @param parsed What the command line says.
 * @param host What is built in, and the environment.
 * @param files More files and folders.
 * @returns The plugins. It does not throw for those that cannot be loaded.
 */
export async function knownPlugins(
  parsed: Parsed,
  host: Host,
  files: readonly string[] = [],
): Promise<KnownPlugins> {
  const builtIn = [...host.plugins];
  const paths = [...pluginPaths(parsed, host), ...files];
  const { plugins, problems } = await loaded(paths, builtIn);
  return {
    plugins: [...builtIn.map((plugin) => ({ plugin, file: null })), ...plugins],
    problems,
  };
}

/** What loads modules is loaded only where there are any: the start of the runner waits for it. */
async function loaded(paths: string[], builtIn: Plugin[]): Promise<LoadedPlugins> {
  if (paths.length === 0) return { plugins: [], problems: [], sources: [] };
  const { loadPlugins } = await import("../../plugins/loader.ts");
  return await loadPlugins(paths, { builtIn });
}

/**
 * The paths that plugins are loaded from: those of the flag, else those of the variable, which has
 * `:` between them.
 *
 * @param parsed What the command line says.
 * @param host The environment.
 */
export function pluginPaths({ values }: Parsed, { env }: Host): readonly string[] {
  const variable = env("DENO_RUNNER_PLUGINS") ?? "";
  return values["plugins"] ?? variable.split(":").filter((path) => path !== "");
}

/**
 * The phases of a plugin, for people.
 *
 * @param plugin The plugin.
 */
export function phasesText({ phases }: Plugin): string {
  return phases.join(", ");
}
