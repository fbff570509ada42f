/**
 * The time that a hook has, where its plugin says how long it may take.
 *
 * @module
 */

import { discardBody } from "./response_body.ts";

/** The call that a hook works on, as far as time goes. */
export interface TimedCall {
  /** What the runner lends. */
  readonly host: {
    /** Aborts when the call's own time is over. */
    readonly signal: AbortSignal;
    /** Lets something expire after some milliseconds; gives a function that prevents it. */
    watch(ms: number, hook: { expire(): void }): () => void;
  };
  /** Takes the call out of the hands of the hook. */
  detach(reason: Error): void;
}

/**
 * Ends the wait for a hook that takes too long. From then on the hook is by itself: it cannot be
 * stopped, but what it has in hand belongs to the call no more, and its signal has aborted.
 *
 * One is made only for a hook that has a timeout, and returns a promise or looks at its signal.
 */
export class HookTime {
  readonly #call: TimedCall;
  readonly #ms: number;
  #late: Error | null = null;
  #controller: AbortController | null = null;
  #reject: ((reason: Error) => void) | null = null;
  #unwatch: (() => void) | null = null;

  /**
   * @param call The call that the hook works on.
   * @param ms How long it may take, in milliseconds.
   */
  constructor(call: TimedCall, ms: number) {
    this.#call = call;
    this.#ms = ms;
  }

  /** Aborts when the hook's time is over, or when the call is. */
  get signal(): AbortSignal {
    const controller = this.#controller ??= new AbortController();
    if (this.#late !== null && !controller.signal.aborted) controller.abort(this.#late);
    return AbortSignal.any([controller.signal, this.#call.host.signal]);
  }

  /**
   * Waits for what a hook returned. Its time begins.
   *
   * @param result What the hook returned.
   * @returns What it settles to.
   * @throws {DOMException} A TimeoutError when the time is over first.
   */
  limit(result: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      this.#unwatch = this.#call.host.watch(this.#ms, this);
      Promise.resolve(result).then((settled) => {
        if (this.#late === null) resolve(settled);
        else discardBody(settled);
      }, reject);
    });
  }

  /** The hook has ended in time. */
  end(): void {
    this.#unwatch?.();
  }

  /** The time is over; called once, by who watches it. */
  expire(): void {
    const late = new DOMException(`it took longer than its ${this.#ms} ms`, "TimeoutError");
    this.#late = late;
    // First of all: who listens for the abort must not change the call either.
    this.#call.detach(late);
    this.#reject?.(late);
    this.#controller?.abort(late);
  }
}
