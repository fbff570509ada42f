/**
 * A runner in one call: for the command line, and for binaries of one's own.
 *
 * @module
 */

import type { Plugin } from "../plugins/plugin.ts";
import { Registry } from "../plugins/registry.ts";
import { ConfCache } from "./conf_cache.ts";
import { Deadlines } from "./deadlines.ts";
import { Dispatcher } from "./dispatcher.ts";
import { Logger } from "./logger.ts";
import { logFile, type LogOutput, standardError } from "./log_output.ts";
import type { Preparation } from "./preparation.ts";
import { Server } from "./server.ts";
import { resolveSettings, type Settings, type SettingsInput } from "./settings.ts";
import { groupId, listenOn } from "./socket.ts";
import { StartError } from "./errors.ts";

/** Timers take at most 2^31 - 1 milliseconds. */
const MAX_TIMER_MS = 0x7fff_ffff;

/** What `serve` needs; all but the plugins come from the environment or have defaults. */
export interface ServeOptions extends SettingsInput {
  /** The plugins that routes can use. */
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
   * what is pending, and removes its socket.
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
 * @throws {StartError} When it cannot listen.
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
export function serve(options: ServeOptions): Promise<Runner> {
  return Promise.try(() => {
    const settings = resolveSettings({ given: options, env: (name) => Deno.env.get(name) });
    return start(new Registry(options.plugins), settings).server;
  });
}

/** A started runner with what the command line needs of it. */
export interface Started {
  /** The server. */
  readonly server: Server;
  /** The runner's log. */
  readonly log: Logger;
  /** Where its lines go. */
  readonly logOutput: LogOutput;
}

/**
 * Starts a runner from settings that are complete.
 *
 * @param registry The plugins.
 * @param settings The settings.
 * @returns Server and log.
 */
export function start(registry: Registry, settings: Settings): Started {
  const logOutput = output(settings.logFile);
  const log = Logger.create({
    level: settings.logLevel,
    format: settings.logFormat,
    write: (line) => logOutput.write(line),
  });
  const cache = new ConfCache<Preparation>({ expireSeconds: settings.confExpireSeconds });
  const deadlines = new Deadlines(settings.callTimeoutMs);
  const dispatcher = new Dispatcher({
    registry,
    cache,
    deadlines,
    log,
    probeHead: settings.probeHead,
  });
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
  return { server, log, logOutput };
}

function output(path: string | null): LogOutput {
  if (path === null) return standardError;
  try {
    return logFile(path);
  } catch (error) {
    throw new StartError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
