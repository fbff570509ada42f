/**
 * Deadlines of calls that wait, with one timer for all of them.
 *
 * @module
 */

/** Something that can run out of time. */
export interface Expiring {
  /** Called once, when the time is over. */
  expire(): void;
}

/** What sets and clears a timer; a test brings its own. */
export interface Timers {
  /** A clock in milliseconds. */
  now(): number;
  /** Calls back after some milliseconds; gives a function that prevents it. */
  after(ms: number, callback: () => void): () => void;
}

/** The timers of the platform. */
export const systemTimers: Timers = {
  now: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

/**
 * Watches calls that did not end at once.
 *
 * To set and clear a timer for every call would cost more than most of them do. As all have the
 * same time, the oldest is the first to run out: one timer, for it, is enough, and it is not
 * touched when a call ends in time.
 */
export class Deadlines {
  readonly #timeout: number;
  readonly #timers: Timers;
  /** When each runs out, in the order of time: a `Map` keeps the order of insertion. */
  readonly #waiting = new Map<Expiring, number>();
  #cancel: (() => void) | null = null;

  /**
   * @param timeout How long a call may take, in milliseconds.
   * @param timers Where time comes from.
   */
  constructor(timeout: number, timers: Timers = systemTimers) {
    this.#timeout = timeout;
    this.#timers = timers;
  }

  /** How long a call may take, in milliseconds. */
  get timeout(): number {
    return this.#timeout;
  }

  /** Starts the time of a call. */
  add(call: Expiring): void {
    this.#waiting.set(call, this.#timers.now() + this.#timeout);
    if (this.#cancel === null) this.#arm(this.#timeout);
  }

  /** The call has ended in time. */
  remove(call: Expiring): void {
    this.#waiting.delete(call);
  }

  /** Stops the timer; for the end of the runner. */
  close(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#waiting.clear();
  }

  #arm(ms: number): void {
    this.#cancel = this.#timers.after(ms, () => this.#tick());
  }

  #tick(): void {
    this.#cancel = null;
    const now = this.#timers.now();
    for (const [call, deadline] of this.#waiting) {
      if (deadline > now) {
        this.#arm(deadline - now);
        return;
      }
      this.#waiting.delete(call);
      call.expire();
    }
  }
}
