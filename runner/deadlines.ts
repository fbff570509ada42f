/**
 * Deadlines of calls that wait, with one timer for all of them.
 *
 * @module
 */

/** Something that can run out of time. */
export interface Expiring {
  /**
   * Called once, when the time is over.
   *
   * @param ms How long it was, in milliseconds.
   */
  expire(ms: number): void;
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

/** The place of a call among those that wait. */
export class Waiting {
  /** @internal */
  previous: Waiting | null = null;
  /** @internal */
  next: Waiting | null = null;

  /** @internal */
  constructor(readonly call: Expiring, readonly deadline: number) {}
}

/**
 * Watches calls that did not end at once, and other things that have all the same time.
 *
 * To set and clear a timer for every call would cost more than most of them do. As all have the
 * same time, the oldest is the first to run out: one timer, for it, is enough, and it is not
 * touched when a call ends in time.
 *
 * They form a list by their own links. A `Map` would do, but leaves a trail of its outgrown tables
 * behind it, which keep whatever was in them from the young generation's collector: calls that
 * wait would cost a quarter more processor time.
 */
export class Deadlines {
  readonly #timeout: number;
  readonly #timers: Timers;
  #oldest: Waiting | null = null;
  #newest: Waiting | null = null;
  #cancel: (() => void) | null = null;
  /** Those for other times that end with this one. */
  readonly #others: Deadlines[] = [];
  readonly #byTimeout = new Map<number, Deadlines>();

  /**
   * @param timeout How long a call may take, in milliseconds.
   * @param timers Where time comes from.
   */
  constructor(timeout: number, timers: Timers = systemTimers) {
    this.#timeout = timeout;
    this.#timers = timers;
  }

  /**
   * Starts the time of a call.
   *
   * @param call The call.
   * @returns Its place, for {@linkcode remove}.
   */
  add(call: Expiring): Waiting {
    const waiting = new Waiting(call, this.#timers.now() + this.#timeout);
    waiting.previous = this.#newest;
    if (this.#newest === null) this.#oldest = waiting;
    else this.#newest.next = waiting;
    this.#newest = waiting;
    if (this.#cancel === null) this.#arm(this.#timeout);
    return waiting;
  }

  /**
   * The call has ended. To say so twice is to say it once.
   *
   * @param waiting Its place.
   */
  remove(waiting: Waiting): void {
    const { previous, next } = waiting;
    if (previous !== null) previous.next = next;
    else if (this.#oldest === waiting) this.#oldest = next;
    if (next !== null) next.previous = previous;
    else if (this.#newest === waiting) this.#newest = previous;
    waiting.previous = waiting.next = null;
  }

  /** Lets the oldest run out of time now, if there is one. */
  expireOldest(): void {
    const oldest = this.#oldest;
    if (oldest === null) return;
    this.remove(oldest);
    oldest.call.expire(this.#timeout);
  }

  /**
   * The deadlines for another time, the same for all who ask for it.
   *
   * @param timeout In milliseconds.
   */
  lasting(timeout: number): Deadlines {
    const known = this.#byTimeout.get(timeout);
    if (known !== undefined) return known;
    const made = this.apart(timeout);
    this.#byTimeout.set(timeout, made);
    return made;
  }

  /**
   * Deadlines that nobody else adds to, and that are closed with these.
   *
   * @param timeout In milliseconds.
   */
  apart(timeout: number): Deadlines {
    const made = new Deadlines(timeout, this.#timers);
    this.#others.push(made);
    return made;
  }

  /** Stops the timers and forgets all; for the end of the runner. */
  close(): void {
    this.#cancel?.();
    this.#cancel = null;
    while (this.#oldest !== null) this.remove(this.#oldest);
    for (const other of this.#others) other.close();
  }

  #arm(ms: number): void {
    this.#cancel = this.#timers.after(ms, () => this.#tick());
  }

  #tick(): void {
    this.#cancel = null;
    const now = this.#timers.now();
    while (this.#oldest !== null && this.#oldest.deadline <= now) this.expireOldest();
    if (this.#oldest !== null && this.#cancel === null) this.#arm(this.#oldest.deadline - now);
  }
}
