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
   * Validates the configurations of a route and makes its chain.
   *
   * @param conf The entries in the order of execution; the same plugin may come twice.
   * @returns The chain.
   * @throws {ConfigError} When a plugin is not known or refuses its configuration. The route stays
   * closed then: to skip the plugin would let requests through that it was to stop.
   */
  async prepare(conf: readonly PluginConf[]): Promise<Chain> {
    const steps: Step[] = [];
    for (const { name, value } of conf) steps.push(await this.#step(name, value));
    return new Chain(steps);
  }

  async #step(name: string, value: string): Promise<Step> {
    const plugin = this.#plugins.get(name);
    if (plugin === undefined) {
      throw new ConfigError(
        `plugin ${JSON.stringify(name)}: not known; this runner has ${this.#names()}`,
      );
    }
    try {
      return await plugin.configure(parseConfigText(value));
    } catch (thrown) {
      throw new ConfigError(`plugin ${JSON.stringify(name)}: ${messageOf(thrown)}`, {
        cause: thrown,
      });
    }
  }

  #names(): string {
    return [...this.#plugins.keys()].join(", ") || "none";
  }
}
