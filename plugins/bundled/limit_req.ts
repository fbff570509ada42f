/**
 * `limit-req`: limits the rate of requests. The Go runner's sample of the same name.
 *
 * @module
 */

import { z } from "zod";

import { definePlugin, type Plugin, stop } from "../mod.ts";

/** A bucket that lets requests through at a rate; those that come faster wait, up to a number. */
export class Bucket {
  readonly #rate: number;
  readonly #burst: number;
  readonly #now: () => number;
  /** When the next request may go, in milliseconds of the clock. */
  #next = 0;

  /**
   * @param rate Requests a second, more than 0.
   * @param burst How many requests may wait.
   * @param now A clock in milliseconds that never goes back.
   */
  constructor(rate: number, burst: number, now: () => number = () => performance.now()) {
    this.#rate = rate;
    this.#burst = burst;
    this.#now = now;
  }

  /**
   * Takes a place for one request.
   *
   * @returns How many milliseconds it has to wait; `null` when too many wait already.
   */
  take(): number | null {
    const now = this.#now();
    const wait = Math.max(0, this.#next - now);
    const step = 1000 / this.#rate;
    // A thousandth more than the burst, as sums of steps are rounded.
    if (wait > (this.#burst + 0.001) * step) return null;
    this.#next = now + wait + step;
    return wait;
  }
}

const config = z.object({
  /** Requests a second. */
  rate: z.number().positive(),
  /** How many requests beyond the rate may wait for their turn. */
  burst: z.number().min(0).default(0),
}).transform(({ rate, burst }) => ({ bucket: new Bucket(rate, burst) }));

/** No client waits that long, and no timer either. */
const MAX_WAIT_MS = 60_000;

const TOO_MANY = stop("Too many requests\n", { status: 503 });

/** Delays requests beyond `rate` and answers 503 once `burst` of them wait. */
export const limitReq: Plugin = definePlugin({
  name: "limit-req",
  config,
  onRequest({ config, signal }) {
    const wait = config.bucket.take();
    if (wait === null || wait > MAX_WAIT_MS) return TOO_MANY;
    if (wait > 0) return delay(wait, signal);
  },
});

function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    }, { once: true });
  });
}
