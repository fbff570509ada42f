/**
 * A runner in one call: for the command line, and for binaries of one's own.
 *
 * @module
 */

import type { Plugin } from "../plugins/plugin.ts";
import { Registry } from "../plugins/registry.ts";
import { ConfCache } from "./conf_cache.ts";
import { Deadlines } from "./deadlines.ts";
import { DiskPlugins } from "./disk_plugins.ts";
import { Dispatcher } from "./dispatcher.ts";
import { LivePlugins, startPlugins, stopPlugins } from "./live_plugins.ts";
import { Logger } from "./logger.ts";
import { logFile, type LogOutput, standardError } from "./log_output.ts";
import { PluginWatch } from "./plugin_watch.ts";
import type { Preparation } from "./preparation.ts";
import { Server } from "./server.ts";
import { resolveSettings, type Settings, type SettingsInput } from "./settings.ts";
import { groupId, listenOn } from "./socket.ts";
import { StartError } from "./errors.ts";

/** Timers take at most 2^31 - 1 milliseconds. */
const MAX_TIMER_MS = 0x7fff_ffff;

/**
 * How long after the end was asked for the plugins have stopped, or are not waited for, in
 * milliseconds: APISIX kills a runner after a second (protocol.md §1.7).
 */
const STOPPED_AFTER_MS = 950;

/** How long the plugins have to stop at least, in milliseconds. */
const MIN_STOP_MS = 40;

/** What `serve` needs; all but the plugins come from the environment or have defaults. */
export interface ServeOptions extends SettingsInput {
  /** The plugins that routes can use, besides those of files. */
  readonly plugins: Iterable<Plugin>;
}

/** A runner that serves. */
export interface Runner {
  /** The address in the form of `APISIX_LISTEN_ADDRESS`. */
  readonly address: string;
  /** How many connections are open. */
  readonly connections: number;
  /** Settles once the runner has ended. */
  finished(): Promise<void>;
  /**
   * Ends the runner: it goes on serving for up to 800 ms while connections are open, answers
   * what is pending, removes its socket, and stops the plugins.
   */
  shutdown(): Promise<void>;
}

/**
 * Starts a runner in this process. It returns once APISIX can connect.
 *
 * Signals and the end of standard input are not its business; `main` sees to them.
 *
 * @param options The plugins, and settings that win over those of the environment.
 * @returns The runner.
 * @throws {UsageError} When a setting is missing or cannot be used.
 * @throws {StartError} When it cannot listen, a plugin file cannot be loaded, or a plugin does not
 * start.
 *
 * @example
 * ```ts
 * import { definePlugin, serve, stop } from "../mod.ts";
 *
 * const hello = definePlugin({ name: "hello", onRequest: () => stop("Hello\n") });
 * const folder = await Deno.makeTempDir();
 *
 * const runner = await serve({ plugins: [hello], listen: `unix:${folder}/runner.sock` });
 * await runner.shutdown();
 * ```
 */
export async function serve(options: ServeOptions): Promise<Runner> {
  const settings = resolveSettings({ given: options, env: (name) => Deno.env.get(name) });
  return (await start(options.plugins, settings)).server;
}

/** A started runner with what the command line needs of it. */
export interface Started {
  /** The runner. */
  readonly server: Runner;
  /** The runner's log. */
  readonly log: Logger;
  /** Where its lines go. */
  readonly logOutput: LogOutput;
}

/**
 * Starts a runner from settings that are complete.
 *
 * @param builtIn The plugins of the program; those of files are loaded here.
 * @param settings The settings.
 * @returns Runner and log, once APISIX can connect.
 * @throws {StartError} When it cannot listen, a plugin file cannot be loaded, or a plugin does not
 * start.
 */
export async function start(builtIn: Iterable<Plugin>, settings: Settings): Promise<Started> {
  const logOutput = output(settings.logFile);
  const log = Logger.create({
    level: settings.logLevel,
    format: settings.logFormat,
    write: (line) => logOutput.write(line),
  });
  const { pluginPaths: paths, keepGoing } = settings;
  const disk = new DiskPlugins({ builtIn: [...builtIn], paths, keepGoing, log });
  const registry = new Registry(await disk.load());
  await startPlugins(registry.plugins, log);
  try {
    const { server, dispatcher } = listen(registry, settings, log);
    const live = new LivePlugins({ registry, dispatcher, log });
    const watch = settings.watch
      ? new PluginWatch({
        paths,
        sources: () => disk.sources,
        reload: () => disk.reload(live),
        log,
      })
      : null;
    return { server: new RunningRunner(server, live, watch), log, logOutput };
  } catch (error) {
    await stopPlugins(registry.plugins, log);
    throw error;
  }
}

function listen(
  registry: Registry,
  settings: Settings,
  log: Logger,
): { readonly server: Server; readonly dispatcher: Dispatcher } {
  const cache = new ConfCache<Preparation>({ expireSeconds: settings.confExpireSeconds });
  const deadlines = new Deadlines(settings.callTimeoutMs);
  const { probeHead } = settings;
  const dispatcher = new Dispatcher({ registry, cache, deadlines, log, probeHead });
  const socket = listenOn({
    path: settings.path,
    mode: settings.socketMode,
    gid: settings.socketGroup === null ? null : groupId(settings.socketGroup),
  });
  const server = new Server({
    socket,
    dispatcher,
    deadlines,
    log,
    sweep: () => cache.sweep(),
    sweepEvery: Math.min(cache.sweepEvery, MAX_TIMER_MS),
  });
  return { server, dispatcher };
}

/** A server with its plugins. */
class RunningRunner implements Runner {
  readonly #server: Server;
  readonly #live: LivePlugins;
  readonly #watch: PluginWatch | null;
  #shutdown: Promise<void> | null = null;

  constructor(server: Server, live: LivePlugins, watch: PluginWatch | null) {
    this.#server = server;
    this.#live = live;
    this.#watch = watch;
  }

  get address(): string {
    return this.#server.address;
  }

  get connections(): number {
    return this.#server.connections;
  }

  async finished(): Promise<void> {
    await this.#server.finished();
    await this.#shutdown;
  }

  shutdown(): Promise<void> {
    return this.#shutdown ??= this.#end();
  }

  async #end(): Promise<void> {
    const since = performance.now();
    // A reload that is under way must not keep the runner from ending.
    this.#watch?.close();
    await this.#server.shutdown();
    const left = STOPPED_AFTER_MS - (performance.now() - since);
    await this.#live.stop(Math.max(MIN_STOP_MS, left));
  }
}

function output(path: string | null): LogOutput {
  if (path === null) return standardError;
  try {
    return logFile(path);
  } catch (error) {
    throw new StartError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
