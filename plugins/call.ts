/**
 * What a call of either phase is made of, beneath the contexts.
 *
 * @module
 */

import type { CallContext, Log, Variables } from "./context.ts";
import { type Ask, ExtraInfo } from "./extra_info.ts";

/** What the runner lends to the chain for one call. */
export interface CallHost {
  /** Asks APISIX on the connection of the call. */
  readonly ask: Ask;
  /** Aborts when the call's time is over or its connection has closed. */
  readonly signal: AbortSignal;
  /** Whether the call was answered, or given up. */
  readonly ended: boolean;
  /** Whether a response call may ask for the request's method, see `ResponseCall`. */
  readonly probeHead: boolean;
  /**
   * Notes whose hook the call now waits for, to name it should the time run out.
   *
   * @param plugin The plugin's name.
   * @param phase The hook.
   */
  waitFor(plugin: string, phase: "onRequest" | "onResponse"): void;
  /** The log of one plugin in this call. */
  log(plugin: string): Log;
  /**
   * Warns of something that cannot work, once for each configuration.
   *
   * @param message What, and the way out.
   */
  warnOnce(message: string): void;
}

/** One call, shared by the steps of its chain. */
export class Call {
  #extraInfo: ExtraInfo | null = null;
  #state: Map<string, unknown> | null = null;

  /**
   * @param id APISIX's number of the call.
   * @param host What the runner lends.
   */
  constructor(readonly id: number, readonly host: CallHost) {}

  /** Variables and bodies. */
  get extraInfo(): ExtraInfo {
    return this.#extraInfo ??= new ExtraInfo(this.host.ask);
  }

  /** Values that the steps share. */
  get state(): Map<string, unknown> {
    return this.#state ??= new Map();
  }
}

/** The part of a context that is the same in both phases; the getters cost only when used. */
export abstract class CallStep<Config> implements CallContext<Config> {
  readonly #call: Call;
  readonly #plugin: string;

  /**
   * @param call The call.
   * @param config The step's configuration.
   * @param plugin The plugin's name, for its log.
   */
  constructor(call: Call, readonly config: Config, plugin: string) {
    this.#call = call;
    this.#plugin = plugin;
  }

  get id(): number {
    return this.#call.id;
  }

  get signal(): AbortSignal {
    return this.#call.host.signal;
  }

  get log(): Log {
    return this.#call.host.log(this.#plugin);
  }

  get state(): Map<string, unknown> {
    return this.#call.state;
  }

  // Getters that give functions, so that hooks can take them apart: `({ variable }) => …`.
  get variable(): (name: string) => Promise<string | null> {
    const { extraInfo } = this.#call;
    return (name) => extraInfo.variable(name);
  }

  get variables(): <Name extends string>(...names: Name[]) => Promise<Variables<Name>> {
    const { extraInfo } = this.#call;
    return <Name extends string>(...names: Name[]) => variablesOf(extraInfo, names);
  }
}

async function variablesOf<Name extends string>(
  extraInfo: ExtraInfo,
  names: readonly Name[],
): Promise<Variables<Name>>;
async function variablesOf(
  extraInfo: ExtraInfo,
  names: readonly string[],
): Promise<Variables<string>> {
  const values = await Promise.all(
    names.map(async (name) => [name, await extraInfo.variable(name)] as const),
  );
  return Object.fromEntries(values);
}
