/**
 * A runner within the process: all of it but the socket.
 *
 * @module
 */

import type { Plugin } from "../../plugins/plugin.ts";
import { Registry } from "../../plugins/registry.ts";
import { messageOf } from "../../protocol/errors.ts";
import { ConfCache } from "../conf_cache.ts";
import { Connection, type Transport } from "../connection.ts";
import { Deadlines } from "../deadlines.ts";
import { Dispatcher } from "../dispatcher.ts";
import type { Preparation } from "../preparation.ts";
import { CallTimers } from "./call_timers.ts";
import { LogBook } from "./log_book.ts";
import { memoryConnection } from "./memory_transport.ts";

/** How long APISIX keeps a token, in seconds. */
const CONF_EXPIRE_SECONDS = 3600;

/** What a runner in memory is made of. */
export interface MemoryRunnerOptions {
  /** The plugins that routes can use. */
  readonly plugins: Iterable<Plugin>;
  /** How long a call may take, in milliseconds; 55 000 when absent. */
  readonly callTimeoutMs?: number;
}

/** Serves connections that are made in memory. What it does, a runner on a socket does. */
export class MemoryRunner {
  /** What it logs. */
  readonly logBook: LogBook = new LogBook();
  readonly #plugins: readonly Plugin[];
  readonly #cache = new ConfCache<Preparation>({ expireSeconds: CONF_EXPIRE_SECONDS });
  readonly #timers = new CallTimers();
  readonly #dispatcher: Dispatcher;
  readonly #serving = new Set<Promise<void>>();
  readonly #connections = new Set<Connection>();
  #starting: Promise<void> | null = null;
  readonly #started: Plugin[] = [];
  /** How many configurations were prepared when the timers for that had run. */
  #settled = 0;

  /**
   * @param options Plugins and times.
   * @throws {TypeError} When two plugins have the same name.
   */
  constructor({ plugins, callTimeoutMs = 55_000 }: MemoryRunnerOptions) {
    const registry = new Registry(plugins);
    this.#plugins = registry.plugins;
    this.#dispatcher = new Dispatcher({
      registry,
      cache: this.#cache,
      deadlines: new Deadlines(callTimeoutMs, this.#timers),
      log: this.logBook.log,
      probeHead: true,
    });
  }

  /**
   * Opens a connection.
   *
   * @returns APISIX' end of it.
   */
  connect(): Promise<Transport> {
    const [here, there] = memoryConnection();
    const connection = new Connection(there, this.#dispatcher, this.logBook.log);
    this.#connections.add(connection);
    const serving = connection.serve().then(() => {
      this.#connections.delete(connection);
      this.#serving.delete(serving);
    });
    this.#serving.add(serving);
    return Promise.resolve(here);
  }

  /**
   * Makes a call. Only while one is made does time run out for anything, and afterwards no timer
   * is left.
   *
   * @param call Makes it, over a connection to this runner.
   * @returns What it gives.
   * @throws {Error} When a plugin cannot start.
   */
  async run<Result>(call: () => Promise<Result>): Promise<Result> {
    await (this.#starting ??= this.#start());
    return await this.#timers.during(async () => {
      try {
        return await call();
      } finally {
        await this.#settle();
      }
    });
  }

  /**
   * Closes what is open, and stops the plugins.
   *
   * @throws {Error} When one of them cannot be stopped; the others are.
   */
  async close(): Promise<void> {
    const reason = new Error("The runner is shutting down");
    for (const connection of this.#connections) connection.close(reason);
    await Promise.all(this.#serving);
    this.#starting = null;
    let failure: Error | null = null;
    for (const plugin of this.#started.splice(0).reverse()) {
      try {
        await plugin.stop();
      } catch (thrown) {
        failure ??= because(`Cannot stop the plugin "${plugin.name}"`, thrown);
      }
    }
    if (failure !== null) throw failure;
  }

  async #start(): Promise<void> {
    for (const plugin of this.#plugins) {
      try {
        await plugin.start();
      } catch (thrown) {
        throw because(`Cannot start the plugin "${plugin.name}"`, thrown);
      }
      this.#started.push(plugin);
    }
  }

  /** A timer of 0 ms follows each PrepareConf; behind it there is none. */
  async #settle(): Promise<void> {
    const { size } = this.#cache;
    if (size === this.#settled) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#settled = size;
  }
}

function because(what: string, thrown: unknown): Error {
  return new Error(`${what}: ${messageOf(thrown)}`, { cause: thrown });
}
