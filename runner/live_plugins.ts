/**
 * The plugins that are in service: started, replaced, stopped.
 *
 * @module
 */

import type { Plugin } from "../plugins/plugin.ts";
import { Registry } from "../plugins/registry.ts";
import { messageOf, stackOf } from "../protocol/errors.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { StartError } from "./errors.ts";
import type { Logger } from "./logger.ts";

/** How long a plugin may take to start, in milliseconds. */
const START_MS = 30_000;

/** How long the plugins that did start may take to stop when another one did not. */
const STOP_MS = 1000;

/** The names of plugins by what became of them. */
export interface PluginChanges {
  /** There were none of these names. */
  readonly added: readonly string[];
  /** There are others of these names now. */
  readonly changed: readonly string[];
  /** There are none of these names any more. */
  readonly removed: readonly string[];
}

/** What live plugins work with. */
export interface LivePluginsOptions {
  /** The plugins, already {@linkcode startPlugins started}. */
  readonly registry: Registry;
  /** Runs their calls. */
  readonly dispatcher: Dispatcher;
  /** Where it is said what stops badly. */
  readonly log: Logger;
}

/** Keeps the plugins of a running runner, and replaces them. */
export class LivePlugins {
  readonly #dispatcher: Dispatcher;
  readonly #log: Logger;
  #registry: Registry;
  /** The one that is to take its place, while that is under way. */
  #next: Registry;
  /** Those that were started and not stopped since. */
  readonly #started: Set<Plugin>;

  /** @param options The plugins, and who runs them. */
  constructor({ registry, dispatcher, log }: LivePluginsOptions) {
    this.#registry = registry;
    this.#next = registry;
    this.#dispatcher = dispatcher;
    this.#log = log;
    this.#started = new Set(registry.plugins);
  }

  /** The plugins that take calls. */
  get plugins(): readonly Plugin[] {
    return this.#registry.plugins;
  }

  /**
   * Puts plugins in the place of those that are there, without failing a call. Those that are new
   * are started before; those that are gone are stopped once their last call has ended.
   *
   * Not to be called again before it has settled.
   *
   * @param plugins All plugins from now on.
   * @returns What is different, once the new plugins take all calls.
   * @throws {StartError} When one cannot start: then all stays as it was.
   */
  async replace(plugins: Iterable<Plugin>): Promise<PluginChanges> {
    const old = this.#registry;
    const registry = new Registry(plugins);
    this.#next = registry;
    const fresh = registry.plugins.filter((plugin) => !this.#started.has(plugin));
    try {
      await startPlugins(fresh, this.#log);
    } catch (error) {
      this.#next = old;
      throw error;
    }
    for (const plugin of fresh) this.#started.add(plugin);
    const { callsEnded } = await this.#dispatcher.replace(registry);
    this.#registry = registry;
    const gone = old.plugins.filter((plugin) => registry.get(plugin.name) !== plugin);
    callsEnded.then(() => {
      // One that has come back meanwhile was never stopped.
      this.#stop(gone.filter((plugin) => this.#next.get(plugin.name) !== plugin));
    });
    return changesBetween(old, registry);
  }

  /**
   * Stops all plugins, for the end of the runner.
   *
   * @param ms How long to wait for them, in milliseconds.
   */
  async stop(ms: number): Promise<void> {
    await atMost(ms, this.#stop([...this.#started]));
  }

  async #stop(plugins: readonly Plugin[]): Promise<void> {
    await stopPlugins(plugins.filter((plugin) => this.#started.delete(plugin)), this.#log);
  }
}

/**
 * Starts plugins, all at once.
 *
 * @param plugins The plugins.
 * @param log Where it is said what stops badly, should one not start.
 * @throws {StartError} When one does not start, or not within 30 s; the others are stopped then.
 */
export async function startPlugins(plugins: readonly Plugin[], log: Logger): Promise<void> {
  const results = await Promise.allSettled(plugins.map(startPlugin));
  const failed = results.flatMap((result) => result.status === "rejected" ? [result.reason] : []);
  if (failed.length === 0) return;
  const started = plugins.filter((_, i) => results[i]?.status === "fulfilled");
  await atMost(STOP_MS, stopPlugins(started, log));
  throw new StartError(failed.map(messageOf).join("\n"), { cause: failed[0] });
}

async function startPlugin(plugin: Plugin): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`its start() has not ended after ${START_MS / 1000} s`);
    timer = setTimeout(() => reject(error), START_MS);
  });
  try {
    await Promise.race([Promise.try(() => plugin.start()), late]);
  } catch (error) {
    throw new Error(`Cannot start the plugin "${plugin.name}": ${messageOf(error)}`, {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Stops plugins, all at once.
 *
 * @param plugins The plugins.
 * @param log Where it is said what goes wrong; nothing is thrown.
 */
export async function stopPlugins(plugins: readonly Plugin[], log: Logger): Promise<void> {
  await Promise.all(plugins.map(async (plugin) => {
    try {
      await plugin.stop();
    } catch (error) {
      log.error(`stop() of the plugin "${plugin.name}" failed: ${messageOf(error)}`, {
        plugin: plugin.name,
        stack: stackOf(error),
      });
    }
  }));
}

function changesBetween(old: Registry, now: Registry): PluginChanges {
  const names = ({ plugins }: Registry) => plugins.map(({ name }) => name);
  return {
    added: names(now).filter((name) => old.get(name) === undefined),
    changed: names(now).filter((name) =>
      old.get(name) !== undefined && old.get(name) !== now.get(name)
    ),
    removed: names(old).filter((name) => now.get(name) === undefined),
  };
}

/** Waits for something, but not longer than some milliseconds. */
async function atMost(ms: number, work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => timer = setTimeout(resolve, ms));
  await Promise.race([work, late]);
  clearTimeout(timer);
}
