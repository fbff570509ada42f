/**
 * A configuration between its PrepareConf and its chain.
 *
 * @module
 */

import { Buffer } from "node:buffer";

import { Chain } from "../plugins/chain.ts";
import type { BoundStep, PluginConf, Registry } from "../plugins/registry.ts";
import type { PrepareConfMessage } from "../protocol/decode_request.ts";
import { ErrorCode, messageOf, RpcError } from "../protocol/errors.ts";
import { decodeText } from "../protocol/text.ts";
import type { Logger } from "./logger.ts";

/** Warnings may quote what a plugin makes of a request, and must not fill the memory with it. */
const MAX_WARNINGS = 100;

/** One try to make a chain of a configuration. */
export class Attempt {
  /** Settles when it has ended; rejects when the configuration is not usable. */
  readonly done: Promise<Chain>;
  /** The chain and its steps, once it has ended, if they could be made. */
  result: { readonly chain: Chain; readonly steps: readonly BoundStep[] } | null = null;
  /** Why they could not be made. */
  problem: string | null = null;

  /** @param make Makes the chain; begins at once. */
  constructor(make: (attempt: Attempt) => Promise<Chain>) {
    this.done = make(this);
    // Perhaps nobody waits for it.
    this.done.catch(() => {});
  }
}

/**
 * One route's plugins on their way to a chain.
 *
 * PrepareConf must be answered within milliseconds, since all workers wait for it (protocol.md
 * §6.4). So the answer goes out first; configurations are validated after it, or when the first
 * call needs them, whichever comes first. What is wrong with them is logged once, and then every
 * call fails: the route stays closed rather than open.
 */
export class Preparation {
  readonly #conf: readonly PluginConf[];
  readonly #key: string;
  readonly #log: Logger;
  readonly #warned = new Set<string>();
  #registry: Registry;
  #attempt: Attempt | null = null;
  #chain: Chain | null = null;
  #reported: string | null = null;

  /**
   * @param conf The plugins and their configurations.
   * @param key APISIX's key, for the log.
   * @param registry Knows the plugins.
   * @param log Where problems go.
   */
  constructor(conf: readonly PluginConf[], key: string, registry: Registry, log: Logger) {
    this.#conf = conf;
    this.#key = key;
    this.#registry = registry;
    this.#log = log;
  }

  /** The chain, once it is made and if it could be. */
  get chain(): Chain | null {
    return this.#chain;
  }

  /**
   * Makes the chain, once.
   *
   * @returns The chain.
   * @throws {RpcError} SERVICE_UNAVAILABLE when a plugin is not known or refuses its configuration.
   */
  prepare(): Promise<Chain> {
    return (this.#attempt ??= this.#begin(this.#registry)).done;
  }

  /** APISIX prepares the same again: what failed for a reason that may have passed gets a chance. */
  retry(): void {
    if (this.#attempt?.problem !== null) this.#attempt = null;
  }

  /**
   * Begins to validate the configuration with other plugins. Until they are
   * {@linkcode Preparation.adopt adopted} everything stays as it is.
   *
   * @param registry Knows the other plugins.
   * @returns The validation; that which is in effect where all plugins are still the same.
   */
  renew(registry: Registry): Attempt {
    const steps = this.#attempt?.result?.steps;
    const isSame = steps?.every(({ plugin }) => registry.get(plugin.name) === plugin) ?? false;
    return this.#attempt !== null && isSame ? this.#attempt : this.#begin(registry, steps);
  }

  /**
   * From now on calls run with other plugins. If their validation has not ended yet, calls wait
   * for it; if it has failed, they fail.
   *
   * @param registry The registry that {@linkcode Preparation.renew} was given.
   * @param attempt What it gave.
   */
  adopt(registry: Registry, attempt: Attempt): void {
    this.#registry = registry;
    if (attempt === this.#attempt) return;
    this.#attempt = attempt;
    this.#chain = null;
    this.#warned.clear();
    this.#take(attempt);
  }

  /**
   * Warns once for this configuration.
   *
   * @param message The warning.
   */
  warnOnce(message: string): void {
    if (this.#warned.has(message) || this.#warned.size >= MAX_WARNINGS) return;
    this.#warned.add(message);
    this.#log.warn(message, { key: this.#key });
  }

  #begin(registry: Registry, before: readonly BoundStep[] = []): Attempt {
    return new Attempt(async (attempt) => {
      try {
        const steps = await registry.bind(this.#conf, before);
        const chain = new Chain(steps.map(({ step }) => step));
        attempt.result = { chain, steps };
        return chain;
      } catch (error) {
        attempt.problem = messageOf(error);
        throw new RpcError(
          ErrorCode.SERVICE_UNAVAILABLE,
          `Cannot run a call: its configuration is not usable (${this.#key})`,
          { cause: error },
        );
      } finally {
        if (this.#attempt === attempt) this.#take(attempt);
      }
    });
  }

  /** Lets an attempt that has ended take effect. */
  #take({ result, problem }: Attempt): void {
    if (problem !== null) this.#report(problem);
    if (result === null) return;
    this.#chain = result.chain;
    this.#reported = null;
    this.#warnOfPhases();
  }

  /** Says what is wrong once, however often APISIX prepares the same. */
  #report(problem: string): void {
    if (this.#reported === problem) return;
    this.#reported = problem;
    this.#log.error(`Cannot use a configuration: ${problem}. Its calls fail until it is mended`, {
      key: this.#key,
    });
  }

  /** A plugin without the hook for the phase is skipped there, which nobody may want. */
  #warnOfPhases(): void {
    const phase = this.#key.includes("#ext-plugin-post-resp#") ? "response" : "request";
    if (!this.#key.includes("#ext-plugin-")) return;
    for (const { name } of this.#conf) {
      const plugin = this.#registry.get(name);
      if (plugin === undefined || plugin.phases.includes(phase)) continue;
      this.warnOnce(
        `The plugin "${name}" does nothing here: it has no hook for the ${phase} phase`,
      );
    }
  }
}

/**
 * The entries of a PrepareConf as text.
 *
 * @param message The message.
 * @returns A copy: the message's bytes are gone when the configuration is validated.
 */
export function pluginConf({ conf }: PrepareConfMessage): PluginConf[] {
  if (conf === null) return [];
  return Array.from({ length: conf.length }, (_, i) => ({
    name: conf.name(i),
    value: conf.value(i) ?? "",
  }));
}

/**
 * APISIX's key of a PrepareConf as text.
 *
 * @param message The message.
 * @returns The key; `""` before APISIX 2.9.
 */
export function confKey({ key }: PrepareConfMessage): string {
  return key === null ? "" : decodeText(key);
}

/**
 * What tells configurations apart: APISIX's key and the whole content, since secrets can change
 * without a new key (protocol.md §6.1).
 *
 * @param message The message.
 * @returns A text; equal for equal keys and contents only.
 */
export function fingerprint({ conf, key }: PrepareConfMessage): string {
  // The content itself, a character a byte. A digest would be shorter, but what makes digests takes
  // 25 ms to load, and the start waits for it.
  let print = "";
  const add = (bytes: Uint8Array | null) => {
    print += `${bytes === null ? "absent" : bytes.length}:`;
    if (bytes !== null) {
      print += Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
    }
  };
  add(key);
  for (const { name, value } of conf ?? []) {
    add(name);
    add(value);
  }
  return print;
}
