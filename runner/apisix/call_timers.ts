/**
 * Timers that run while a call does, and leave nothing behind.
 *
 * @module
 */

import type { Timers } from "../deadlines.ts";

/** A timer that was asked for. */
interface Timer {
  readonly due: number;
  readonly callback: () => void;
  /** The platform's timer; `null` while no call runs. */
  handle: ReturnType<typeof setTimeout> | null;
}

/**
 * A runner sets timers that outlive the calls they are for, since that is cheaper. Within a test
 * they must not: here they exist on the platform only while a call runs. Time goes on as ever.
 */
export class CallTimers implements Timers {
  readonly #timers = new Set<Timer>();
  #running = 0;

  now(): number {
    return performance.now();
  }

  after(ms: number, callback: () => void): () => void {
    const timer: Timer = { due: this.now() + ms, callback, handle: null };
    this.#timers.add(timer);
    if (this.#running > 0) this.#start(timer);
    return () => {
      this.#timers.delete(timer);
      this.#pause(timer);
    };
  }

  /**
   * Lets the timers run until a call has ended.
   *
   * @param call Makes the call.
   * @returns What it gives.
   */
  async during<Result>(call: () => Promise<Result>): Promise<Result> {
    if (this.#running++ === 0) { for (const timer of this.#timers) this.#start(timer); }
    try {
      return await call();
    } finally {
      if (--this.#running === 0) { for (const timer of this.#timers) this.#pause(timer); }
    }
  }

  #start(timer: Timer): void {
    timer.handle = setTimeout(() => {
      this.#timers.delete(timer);
      timer.callback();
    }, Math.max(0, timer.due - this.now()));
  }

  #pause(timer: Timer): void {
    if (timer.handle !== null) clearTimeout(timer.handle);
    timer.handle = null;
  }
}
