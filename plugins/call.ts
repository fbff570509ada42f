/**
 * What a call of either phase is made of, beneath the contexts.
 *
 * @module
 */

import type { CallContext, Log, Variables } from "./context.ts";
import { type Ask, ExtraInfo, handled } from "./extra_info.ts";
import { HookTime } from "./hook_time.ts";
import type { Shared } from "./shared.ts";

/** The plugin of a step. */
export interface Binding {
  /** Its name. */
  readonly plugin: string;
  /** How long its hooks may take, in milliseconds; `null` for as long as the call may. */
  readonly timeout: number | null;
}

/** What the runner lends to the chain for one call. */
export interface CallHost {
  /** Asks APISIX on the connection of the call. */
  readonly ask: Ask;
  /** Aborts when the call's time is over or its connection has closed. */
  readonly signal: AbortSignal;
  /** Whether the call was answered, or given up. */
  readonly ended: boolean;
  /** Whether it was given up because APISIX closed its connection. */
  readonly peerGone: boolean;
  /** Whether a response call may ask for the request's method, see `ResponseCall`. */
  readonly probeHead: boolean;
  /** What the phases of a request share. */
  readonly shared: Shared;
  /**
   * Notes whose hook the call now waits for, to name it should the time run out.
   *
   * @param plugin The plugin's name.
   * @param phase The hook.
   */
  waitFor(plugin: string, phase: "onRequest" | "onResponse"): void;
  /**
   * Lets a hook expire after some time, unless that is prevented.
   *
   * @param ms How long it may take, in milliseconds.
   * @param hook What expires.
   * @returns Prevents it.
   */
  watch(ms: number, hook: { expire(): void }): () => void;
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
export abstract class Call {
  /** The step whose hook runs, or ran last. */
  step: CallStep<unknown> | null = null;
  #extraInfo: ExtraInfo | null = null;
  #state: Map<string, unknown> | null = null;
  #shared: Promise<Map<string, unknown>> | null = null;
  /** What tells the request from others, once it was asked for. */
  #requestId: string | null = null;
  /** Why the call is not in the hands of those who hold this any more. */
  #detached: Error | null = null;

  /**
   * @param id APISIX's number of the call.
   * @param host What the runner lends.
   */
  constructor(readonly id: number, readonly host: CallHost) {}

  /** Variables and bodies. */
  get extraInfo(): ExtraInfo {
    const detached = this.#detached;
    if (detached !== null) return new ExtraInfo(() => Promise.reject(detached));
    return this.#extraInfo ??= new ExtraInfo(this.host.ask);
  }

  /** Values that the steps share. */
  get state(): Map<string, unknown> {
    return this.#state ??= new Map();
  }

  /** Values that the phases of the request share. */
  get shared(): Promise<Map<string, unknown>> {
    return this.#shared ??= handled(this.#fetchShared());
  }

  /**
   * Guards what changes the call.
   *
   * @throws {Error} When the call has ended, or the hook was too late.
   */
  assertLive(): void {
    const detached = this.#detached;
    if (detached !== null) {
      throw new Error(`Cannot change the call: the hook was given up, as ${detached.message}`);
    }
  }

  /**
   * Takes the call out of the hands of the hook that has it: from now on nothing that the hook
   * does with it changes its outcome. The hooks behind it get a {@linkcode takeOver successor}.
   *
   * @param reason Why.
   */
  detach(reason: Error): void {
    this.#detached = reason;
  }

  /** Goes on with what was asked and shared so far; `before` keeps copies at most. */
  protected takeOver(before: Call): void {
    this.step = before.step;
    this.#extraInfo = before.#extraInfo;
    if (before.#state !== null) this.#state = new Map(before.#state);
    if (before.#requestId !== null) this.host.shared.replace(before.#requestId);
  }

  async #fetchShared(): Promise<Map<string, unknown>> {
    const requestId = await this.extraInfo.variable("request_id");
    this.assertLive();
    if (requestId === null || requestId === "") {
      throw new Error(
        "Cannot tell what the request shares with its other phase: APISIX gave no value for the " +
          "variable request_id, which nginx has since 1.11",
      );
    }
    this.#requestId = requestId;
    return this.host.shared.of(requestId);
  }
}

/** The part of a context that is the same in both phases; the getters cost only when used. */
export abstract class CallStep<Config> implements CallContext<Config> {
  readonly #call: Call;
  readonly #binding: Binding;
  #time: HookTime | null = null;

  /**
   * @param call The call.
   * @param config The step's configuration.
   * @param binding The step's plugin.
   */
  constructor(call: Call, readonly config: Config, binding: Binding) {
    this.#call = call;
    this.#binding = binding;
    call.step = this;
  }

  /** The plugin's name. */
  get plugin(): string {
    return this.#binding.plugin;
  }

  /** The time that the hook has; `null` where its plugin does not say. */
  get time(): HookTime | null {
    const { timeout } = this.#binding;
    return timeout === null ? null : this.#time ??= new HookTime(this.#call, timeout);
  }

  get id(): number {
    return this.#call.id;
  }

  get signal(): AbortSignal {
    return (this.time ?? this.#call.host).signal;
  }

  get log(): Log {
    return this.#call.host.log(this.plugin);
  }

  get state(): Map<string, unknown> {
    return this.#call.state;
  }

  // Getters that give functions, so that hooks can take them apart: `({ variable }) => …`.
  get shared(): () => Promise<Map<string, unknown>> {
    const call = this.#call;
    return () => call.shared;
  }

  get variable(): (name: string) => Promise<string | null> {
    const call = this.#call;
    return (name) => call.extraInfo.variable(name);
  }

  get variables(): <Name extends string>(...names: Name[]) => Promise<Variables<Name>> {
    const call = this.#call;
    return <Name extends string>(...names: Name[]) => variablesOf(call.extraInfo, names);
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
