/**
 * The plugins that a runner knows, by name.
 *
 * @module
 */

import { messageOf } from "../protocol/errors.ts";
import { Chain } from "./chain.ts";
import { ConfigError, parseConfigText } from "./config.ts";
import type { Plugin, Step } from "./plugin.ts";

/** One entry of a route's `conf` array, as text. */
export interface PluginConf {
  /** The plugin's name. */
  readonly name: string;
  /** Its configuration: JSON, or empty. */
  readonly value: string;
}

/** A plugin with a configuration that it has accepted. */
export interface BoundStep {
  /** The plugin. */
  readonly plugin: Plugin;
  /** Its hooks, bound to the configuration. */
  readonly step: Step;
}

/** Plugins by name, and the chains that are made of them. */
export class Registry {
  readonly #plugins = new Map<string, Plugin>();

  /**
   * @param plugins The plugins.
   * @throws {TypeError} When two have the same name.
   */
  constructor(plugins: Iterable<Plugin>) {
    for (const plugin of plugins) {
      if (this.#plugins.has(plugin.name)) {
        throw new TypeError(
          `Cannot register the plugin "${plugin.name}" twice: rename one of them`,
        );
      }
      this.#plugins.set(plugin.name, plugin);
    }
  }

  /** The plugins in the order in which they were registered. */
  get plugins(): readonly Plugin[] {
    return [...this.#plugins.values()];
  }

  /**
   * A plugin by its name.
   *
   * @param name The name that routes use.
   * @returns The plugin; `undefined` when there is none.
   */
  get(name: string): Plugin | undefined {
    return this.#plugins.get(name);
  }

  /**
   * Validates the configurations of a route and makes its chain.
   *
   * @param conf The entries in the order of execution; the same plugin may come twice.
   * @returns The chain.
   * @throws {ConfigError} When a plugin is not known or refuses its configuration. The route stays
   * closed then: to skip the plugin would let requests through that it was to stop.
   */
  async prepare(conf: readonly PluginConf[]): Promise<Chain> {
    return new Chain((await this.bind(conf)).map(({ step }) => step));
  }

  /**
   * Validates the configurations of a route.
   *
   * @param conf The entries in the order of execution.
   * @param before What an earlier registry made of the same entries: a step whose plugin is still
   * the same is kept as it is, with all that it holds.
   * @returns A step for each entry.
   * @throws {ConfigError} As {@linkcode Registry.prepare}.
   */
  async bind(
    conf: readonly PluginConf[],
    before: readonly BoundStep[] = [],
  ): Promise<BoundStep[]> {
    const steps: BoundStep[] = [];
    for (const [i, { name, value }] of conf.entries()) {
      const plugin = this.#known(name);
      const kept = before[i];
      steps.push(
        kept?.plugin === plugin ? kept : { plugin, step: await configured(plugin, value) },
      );
    }
    return steps;
  }

  #known(name: string): Plugin {
    const plugin = this.#plugins.get(name);
    if (plugin !== undefined) return plugin;
    throw new ConfigError(
      `plugin ${JSON.stringify(name)}: not known; this runner has ${this.#names()}`,
    );
  }

  #names(): string {
    return [...this.#plugins.keys()].join(", ") || "none";
  }
}

async function configured(plugin: Plugin, value: string): Promise<Step> {
  try {
    return await plugin.configure(parseConfigText(value));
  } catch (thrown) {
    throw new ConfigError(`plugin ${JSON.stringify(plugin.name)}: ${messageOf(thrown)}`, {
      cause: thrown,
    });
  }
}
