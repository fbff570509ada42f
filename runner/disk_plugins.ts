/**
 * The plugins of a runner: those that are built in, and those of files, loaded and loaded again.
 *
 * @module
 */

import type { LoadedPlugin, LoadedPlugins, LoadProblem } from "../plugins/loader.ts";
import type { Plugin } from "../plugins/plugin.ts";
import { messageOf } from "../protocol/errors.ts";
import { StartError } from "./errors.ts";
import type { LivePlugins } from "./live_plugins.ts";
import type { Logger } from "./logger.ts";

/** What plugins are made of. */
export interface DiskPluginsOptions {
  /** The plugins of the program itself. */
  readonly builtIn: readonly Plugin[];
  /** Folders and files to load more from. */
  readonly paths: readonly string[];
  /** Whether to go on without the files that cannot be loaded. */
  readonly keepGoing: boolean;
  /** Where it is said what was loaded, and what could not be. */
  readonly log: Logger;
}

/** Loads the plugins of a runner. */
export class DiskPlugins {
  readonly #options: DiskPluginsOptions;
  /** Those of files that are in service. */
  #inService: readonly LoadedPlugin[] = [];
  /** Those that were to be in service last. */
  #wanted: readonly LoadedPlugin[] = [];
  /** What was last said to be wrong. */
  #said = "";
  #sources: readonly string[] = [];

  /** @param options What the plugins are made of. */
  constructor(options: DiskPluginsOptions) {
    this.#options = options;
  }

  /** The absolute paths of the files that the plugins are made of. */
  get sources(): readonly string[] {
    return this.#sources;
  }

  /**
   * Loads all plugins, for the start of the runner.
   *
   * @returns The plugins.
   * @throws {StartError} When a file cannot be loaded, unless that is no reason to stop.
   */
  async load(): Promise<readonly Plugin[]> {
    const { builtIn, paths, keepGoing, log } = this.#options;
    const { plugins, problems } = await this.#loadFiles();
    if (problems.length > 0 && !keepGoing) {
      throw new StartError(problems.map(({ message }) => message).join("\n"));
    }
    this.#report(problems);
    if (plugins.length > 0) {
      log.info("Plugins loaded", {
        plugins: plugins.map(({ plugin, file }) => `${plugin.name} (${file})`).join(", "),
      });
    } else if (paths.length > 0 && problems.length === 0) {
      log.warn(`There is no plugin file in ${paths.join(", ")}`);
    }
    this.#inService = this.#wanted = plugins;
    return [...builtIn, ...plugins.map(({ plugin }) => plugin)];
  }

  /**
   * Loads again what has changed, and puts it into service. What goes wrong is logged, and the old
   * plugins stay: all of them, or those of the files that cannot be loaded where that is no reason
   * to stop.
   *
   * Not to be called again before it has settled.
   *
   * @param live The plugins that are in service.
   */
  async reload(live: LivePlugins): Promise<void> {
    const { builtIn, keepGoing, log } = this.#options;
    const { plugins, problems } = await this.#loadFiles();
    const isNews = this.#report(problems);
    if (problems.length > 0 && !keepGoing) {
      if (isNews) log.warn("The plugins are not reloaded: the old ones stay in service");
      return;
    }
    const wanted = [...plugins, ...this.#kept(plugins, problems)];
    if (isSame(wanted, this.#wanted)) return;
    this.#wanted = wanted;
    try {
      const all = [...builtIn, ...wanted.map(({ plugin }) => plugin)];
      const { added, changed, removed } = await live.replace(all);
      this.#inService = wanted;
      log.info("Plugins reloaded", {
        added: inWords(added),
        changed: inWords(changed),
        removed: inWords(removed),
      });
    } catch (error) {
      log.error(`The plugins are not reloaded, the old ones stay in service: ${messageOf(error)}`);
    }
  }

  async #loadFiles(): Promise<LoadedPlugins> {
    const { builtIn, paths } = this.#options;
    if (paths.length === 0) return { plugins: [], problems: [], sources: [] };
    // Only now: what loads modules takes 30 ms to load itself.
    const { loadPlugins } = await import("../plugins/loader.ts");
    const loaded = await loadPlugins(paths, { builtIn });
    this.#sources = loaded.sources;
    return loaded;
  }

  /** Says what is wrong, unless that was said the last time; gives whether it was news. */
  #report(problems: readonly LoadProblem[]): boolean {
    const text = problems.map(({ message }) => message).join("\n");
    if (text === this.#said) return false;
    this.#said = text;
    for (const { message } of problems) this.#options.log.error(message);
    return true;
  }

  /** The old plugins of files that cannot be loaded now, where their names are still free. */
  #kept(
    plugins: readonly LoadedPlugin[],
    problems: readonly LoadProblem[],
  ): readonly LoadedPlugin[] {
    const names = new Set(plugins.map(({ plugin }) => plugin.name));
    return this.#inService.filter(({ plugin, file }) =>
      !names.has(plugin.name) &&
      problems.some((problem) => problem.file === file || file.startsWith(`${problem.file}/`))
    );
  }
}

function isSame(some: readonly LoadedPlugin[], others: readonly LoadedPlugin[]): boolean {
  return some.length === others.length &&
    some.every(({ plugin }, i) => others[i]?.plugin === plugin);
}

function inWords(names: readonly string[]): string | undefined {
  return names.length === 0 ? undefined : names.join(", ");
}
