/**
 * A configuration between its PrepareConf and its chain.
 *
 * @module
 */

import { createHash } from "node:crypto";

import type { Chain } from "../plugins/chain.ts";
import type { PluginConf, Registry } from "../plugins/registry.ts";
import type { PrepareConfMessage } from "../protocol/decode_request.ts";
import { ErrorCode, messageOf, RpcError } from "../protocol/errors.ts";
import { decodeText } from "../protocol/text.ts";
import type { Logger } from "./logger.ts";

/** Warnings may quote what a plugin makes of a request, and must not fill the memory with it. */
const MAX_WARNINGS = 100;

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
  readonly #registry: Registry;
  readonly #log: Logger;
  readonly #warned = new Set<string>();
  #chain: Chain | null = null;
  #preparing: Promise<Chain> | null = null;
  #failed = false;
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
    return this.#preparing ??= this.#make();
  }

  /** APISIX prepares the same again: what failed for a reason that may have passed gets a chance. */
  retry(): void {
    if (!this.#failed) return;
    this.#failed = false;
    this.#preparing = null;
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

  async #make(): Promise<Chain> {
    try {
      const chain = await this.#registry.prepare(this.#conf);
      this.#warnOfPhases();
      return this.#chain = chain;
    } catch (error) {
      this.#failed = true;
      this.#report(messageOf(error));
      throw new RpcError(
        ErrorCode.SERVICE_UNAVAILABLE,
        `Cannot run a call: its configuration is not usable (${this.#key})`,
        { cause: error },
      );
    }
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
      const plugin = this.#registry.plugins.find((plugin) => plugin.name === name);
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
 * @returns A digest; equal for equal keys and contents only.
 */
export function fingerprint({ conf, key }: PrepareConfMessage): string {
  const hash = createHash("sha256");
  const add = (bytes: Uint8Array | null) => {
    hash.update(`${bytes === null ? "absent" : bytes.length}:`);
    if (bytes !== null) hash.update(bytes);
  };
  add(key);
  for (const { name, value } of conf ?? []) {
    add(name);
    add(value);
  }
  return hash.digest("base64");
}
