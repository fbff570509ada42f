/**
 * One call from its frame to its answer: what the chain may ask of the runner meanwhile.
 *
 * @module
 */

import { PluginError } from "../plugins/chain.ts";
import type { CallHost } from "../plugins/call.ts";
import type { Log } from "../plugins/context.ts";
import type { Ask } from "../plugins/extra_info.ts";
import type { Shared } from "../plugins/shared.ts";
import type { CallMessage } from "../protocol/decode_request.ts";
import type { Deadlines, Expiring } from "./deadlines.ts";
import type { Logger } from "./logger.ts";
import type { Preparation } from "./preparation.ts";

/** What the sessions of a runner have in common. */
export interface SessionTools {
  /** The log that the lines of plugins go to. */
  readonly log: Logger;
  /** See {@linkcode CallHost.probeHead}. */
  readonly probeHead: boolean;
  /** Watches calls that wait; those for other times watch their hooks. */
  readonly deadlines: Deadlines;
  /** See {@linkcode CallHost.shared}. */
  readonly shared: Shared;
}

/** The peer went away, or its connection broke: nobody is left to be answered. */
export class ConnectionLost extends Error {
  override readonly name = "ConnectionLost";

  /** Takes no arguments. */
  constructor() {
    super("APISIX closed the connection before the call was answered");
  }
}

/** The phase of a call, in APISIX's words. */
export type Phase = "HTTPReqCall" | "HTTPRespCall";

/** The phases in the words of plugins: their lines are found together with those about them. */
const HOOKS = { HTTPReqCall: "onRequest", HTTPRespCall: "onResponse" } as const;

/** A call that is being worked on. It ends once: by an answer, its deadline, or its connection. */
export class CallSession implements CallHost, Expiring {
  readonly #message: CallMessage;
  readonly #phase: Phase;
  readonly #ask: Ask;
  readonly #tools: SessionTools;
  readonly #preparation: Preparation;
  #ended = false;
  #reason: Error | null = null;
  #controller: AbortController | null = null;
  #waitsFor: { readonly plugin: string; readonly phase: "onRequest" | "onResponse" } | null = null;
  #onGivenUp: ((reason: Error) => void) | null = null;

  /**
   * @param message The call.
   * @param phase Its phase.
   * @param preparation The configuration that it runs with.
   * @param ask Asks APISIX on its connection.
   * @param tools What all sessions share.
   */
  constructor(
    message: CallMessage,
    phase: Phase,
    preparation: Preparation,
    ask: Ask,
    tools: SessionTools,
  ) {
    this.#message = message;
    this.#phase = phase;
    this.#preparation = preparation;
    this.#ask = ask;
    this.#tools = tools;
  }

  /** APISIX's number of the call. */
  get id(): number {
    return this.#message.id;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get probeHead(): boolean {
    return this.#tools.probeHead;
  }

  get shared(): Shared {
    return this.#tools.shared;
  }

  get peerGone(): boolean {
    return this.#reason instanceof ConnectionLost;
  }

  get signal(): AbortSignal {
    const controller = this.#controller ??= new AbortController();
    if (this.#ended && !controller.signal.aborted) {
      controller.abort(this.#reason ?? new Error("The call has ended"));
    }
    return controller.signal;
  }

  get ask(): Ask {
    return (question, read) =>
      this.#ended
        ? Promise.reject(new Error("Cannot ask APISIX: the call has ended"))
        : this.#ask(question, read);
  }

  watch(ms: number, hook: Expiring): () => void {
    const deadlines = this.#tools.deadlines.lasting(ms);
    const waiting = deadlines.add(hook);
    return () => deadlines.remove(waiting);
  }

  waitFor(plugin: string, phase: "onRequest" | "onResponse"): void {
    this.#waitsFor = { plugin, phase };
  }

  /**
   * The error to log for a call that was given up: that of the plugin which was waited for.
   *
   * @param reason Why it was given up.
   */
  blame(reason: Error): Error {
    const hook = this.#waitsFor;
    return hook === null ? reason : new PluginError(hook.plugin, hook.phase, reason);
  }

  log(plugin: string): Log {
    return this.#tools.log.child({ plugin, phase: HOOKS[this.#phase], id: this.#message.id });
  }

  warnOnce(message: string): void {
    this.#preparation.warnOnce(message);
  }

  /**
   * Who is told when the call is given up.
   *
   * @param listener Gets the reason.
   */
  onGivenUp(listener: (reason: Error) => void): void {
    this.#onGivenUp = listener;
  }

  /** @throws {Error} When the call has ended. */
  assertPending(): void {
    if (this.#ended) throw new Error("The call has ended");
  }

  /** The call was answered: from now on nothing of it can be read, changed or asked. */
  end(): void {
    this.#ended = true;
    this.#message.frame.finish();
  }

  /**
   * Gives the call up: its signal aborts.
   *
   * @param reason Why.
   */
  giveUp(reason: Error): void {
    if (this.#ended) return;
    this.#reason = reason;
    this.end();
    this.#controller?.abort(reason);
    this.#onGivenUp?.(reason);
  }

  expire(ms: number): void {
    this.giveUp(
      new DOMException(`The call took longer than its deadline of ${ms} ms`, "TimeoutError"),
    );
  }
}
