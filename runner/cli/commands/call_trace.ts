/**
 * Which plugin of a chain answered: the protocol does not say.
 *
 * @module
 */

import type { HookResult, Plugin } from "../../../plugins/plugin.ts";

/** A hook, whatever it works on. */
type Hook<Call> = (call: Call) => HookResult | Promise<HookResult>;

/** Watches what hooks return. */
export class Trace {
  #answeredBy: string | null = null;

  /** The plugin that answered last; `null` when none has. */
  get answeredBy(): string | null {
    return this.#answeredBy;
  }

  /** Begins anew. */
  clear(): void {
    this.#answeredBy = null;
  }

  /**
   * A plugin that does the same, and is watched.
   *
   * @param plugin The plugin.
   */
  watch(plugin: Plugin): Plugin {
    return {
      ...plugin,
      configure: async (raw) => {
        const step = await plugin.configure(raw);
        return {
          ...step,
          onRequest: this.#watched(step.onRequest, plugin.name),
          onResponse: this.#watched(step.onResponse, plugin.name),
        };
      },
    };
  }

  #watched<Call>(hook: Hook<Call> | null, name: string): Hook<Call> | null {
    if (hook === null) return null;
    const seen = (result: HookResult): HookResult => {
      if (result !== undefined) this.#answeredBy = name;
      return result;
    };
    return (call) => {
      const result = hook(call);
      return result instanceof Promise ? result.then(seen) : seen(result);
    };
  }
}
