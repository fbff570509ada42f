/**
 * The contract of a plugin.
 *
 * @module
 */

import type { Binding } from "./call.ts";
import {
  type ConfigDescription,
  type ConfigParser,
  describeConfig,
  type StandardSchema,
  validateConfig,
} from "./config.ts";
import type { RequestContext, ResponseContext } from "./context.ts";
import { type RequestCall, RequestStep } from "./request_call.ts";
import { type ResponseCall, ResponseStep } from "./response_call.ts";
import type { StopReply } from "./stop.ts";

/** Timers take no more milliseconds. */
const MAX_TIMEOUT = 0x7fff_ffff;

/** What a hook may return: an answer that ends the chain, or nothing to go on. */
export type HookResult = Response | StopReply | void;

/** What a plugin's author writes. */
export interface PluginDefinition<Config> {
  /** The name that routes use: 1 to 128 characters. */
  readonly name: string;
  /**
   * Makes the configuration from the JSON in the route, once, when the route is prepared. A
   * configuration that it refuses closes the route: every request gets 503 (protocol.md §6.4).
   * Without it the hooks get the parsed JSON as it is.
   */
  readonly config?: ConfigParser<Config>;
  /**
   * What happens when a hook throws or takes too long. `"fail"` (the default): the call fails, the client gets 503
   * unless the route allows degradation. `"continue"`: the error is logged and the next plugin
   * runs. Never use that for a plugin that guards something.
   */
  readonly onError?: "fail" | "continue";
  /**
   * How long a hook may take from when it first waits, in milliseconds, 1 to 2 147 483 647. One
   * that takes longer fails, see `onError`: its signal aborts, and nothing that it does from then
   * on changes the call. When absent, the time of the whole call is the only limit (55 s): that
   * bounds all hooks of a chain together, and ends the call whatever `onError` says.
   */
  readonly timeout?: number;
  /**
   * Opens what the plugin holds: a pool, a file, a timer. It runs once, before the first
   * configuration is prepared, and the calls wait for it.
   */
  start?(): void | Promise<void>;
  /** Closes what `start` opened: the plugin was replaced, or the runner ends. */
  stop?(): void | Promise<void>;
  /**
   * The request phase: ext-plugin-pre-req and ext-plugin-post-req.
   *
   * @returns A `Response` or `stop(…)` to answer the client at once; nothing to go on.
   */
  onRequest?(context: RequestContext<Config>): HookResult | Promise<HookResult>;
  /**
   * The response phase: ext-plugin-post-resp.
   *
   * @returns A `Response` or `stop(…)` to replace the upstream's answer; nothing to go on.
   */
  onResponse?(context: ResponseContext<Config>): HookResult | Promise<HookResult>;
}

/** A plugin bound to a validated configuration: one step of a chain. */
export interface Step extends Binding {
  /** See {@linkcode PluginDefinition.onError}. */
  readonly onError: "fail" | "continue";
  /** Runs the hook of the request phase; absent when the plugin has none. */
  readonly onRequest: ((call: RequestCall) => HookResult | Promise<HookResult>) | null;
  /** Runs the hook of the response phase; absent when the plugin has none. */
  readonly onResponse: ((call: ResponseCall) => HookResult | Promise<HookResult>) | null;
}

/** A plugin, made by {@linkcode definePlugin}. */
export interface Plugin<Input = unknown> {
  /** The name that routes use. */
  readonly name: string;
  /**
   * Never there: it tells the types, and with them those who write a test, what configurations the
   * validator takes.
   *
   * @internal
   */
  readonly "~config"?: Input;
  /** The hooks that it has. */
  readonly phases: readonly ("request" | "response")[];
  /**
   * What configurations it takes.
   *
   * @returns A JSON Schema, where its validator can say one.
   * @internal
   */
  describeConfig(): ConfigDescription;
  /**
   * See {@linkcode PluginDefinition.start}; nothing where it has none.
   *
   * @internal
   */
  start(): void | Promise<void>;
  /**
   * See {@linkcode PluginDefinition.stop}; nothing where it has none.
   *
   * @internal
   */
  stop(): void | Promise<void>;
  /**
   * Validates a configuration and binds the hooks to it.
   *
   * @param raw The parsed JSON.
   * @returns The step, as a promise only where the validator gives one.
   * @throws {Error} When the configuration is not valid.
   * @internal
   */
  configure(raw: unknown): Step | Promise<Step>;
}

/**
 * Defines a plugin. The type of `config` in the hooks follows from the validator.
 *
 * @param definition Name, configuration and hooks.
 * @returns The plugin, to be exported as a module's default or handed to `serve`.
 * @throws {TypeError} When the name is not 1 to 128 characters, there is no hook, or something
 * else in the definition cannot be.
 *
 * @example
 * ```ts
 * import { definePlugin } from "../mod.ts";
 * import { z } from "zod";
 *
 * export default definePlugin({
 *   name: "geo-gate",
 *   config: z.object({ deny: z.array(z.string()) }),
 *   async onRequest({ config, request, variable }) {
 *     const country = await variable("geoip2_data_country_code");
 *     if (country !== null && config.deny.includes(country)) {
 *       return Response.json({ error: "forbidden" }, { status: 403 });
 *     }
 *     request.headers.set("x-country", country ?? "ZZ");
 *   },
 * });
 * ```
 */
export function definePlugin<Config, Input>(
  definition: PluginDefinition<Config> & { readonly config: StandardSchema<Config, Input> },
): Plugin<Input>;
/**
 * Defines a plugin whose configuration is made by a function.
 *
 * @param definition Name, configuration and hooks.
 * @returns The plugin.
 */
export function definePlugin<Config>(
  definition: PluginDefinition<Config> & {
    readonly config: (raw: unknown) => Config | Promise<Config>;
  },
): Plugin;
/**
 * Defines a plugin that takes its configuration as it comes: `config` is the parsed JSON.
 *
 * @param definition Name and hooks.
 * @returns The plugin.
 */
export function definePlugin(definition: PluginDefinition<unknown>): Plugin;
export function definePlugin(definition: PluginDefinition<unknown>): Plugin {
  const { name, onError = "fail", timeout = null } = definition;
  if (typeof name !== "string" || name.length < 1 || name.length > 128) {
    throw new TypeError(
      `Cannot define the plugin ${JSON.stringify(name)}: its name must have 1 to 128 characters`,
    );
  }
  if (definition.onRequest === undefined && definition.onResponse === undefined) {
    throw new TypeError(
      `Cannot define the plugin "${name}": it has neither onRequest nor onResponse`,
    );
  }
  if (onError !== "fail" && onError !== "continue") {
    throw new TypeError(
      `Cannot define the plugin "${name}": its onError is ${
        JSON.stringify(onError)
      }, and must be ` +
        '"fail" or "continue"',
    );
  }
  if (timeout !== null && !(Number.isInteger(timeout) && timeout > 0 && timeout <= MAX_TIMEOUT)) {
    throw new TypeError(
      `Cannot define the plugin "${name}": its timeout is ${
        JSON.stringify(timeout)
      }, and must be 1 to ${MAX_TIMEOUT} milliseconds`,
    );
  }
  for (const hook of ["onRequest", "onResponse", "start", "stop"] as const) {
    if (definition[hook] !== undefined && typeof definition[hook] !== "function") {
      throw new TypeError(`Cannot define the plugin "${name}": its ${hook} must be a function`);
    }
  }
  const binding = { plugin: name, onError, timeout };
  const bind = (config: unknown): Step => ({
    ...binding,
    onRequest: definition.onRequest === undefined
      ? null
      : (call) => definition.onRequest?.(new RequestStep(call, config, binding)),
    onResponse: definition.onResponse === undefined
      ? null
      : (call) => definition.onResponse?.(new ResponseStep(call, config, binding)),
  });
  return {
    name,
    phases: [
      ...(definition.onRequest === undefined ? [] : ["request" as const]),
      ...(definition.onResponse === undefined ? [] : ["response" as const]),
    ],
    describeConfig: () => describeConfig(definition.config),
    start: () => definition.start?.(),
    stop: () => definition.stop?.(),
    configure(raw) {
      const config = definition.config === undefined ? raw : validateConfig(definition.config, raw);
      return config instanceof Promise ? config.then(bind) : bind(config);
    },
  };
}
