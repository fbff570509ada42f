/**
 * Limits how many requests each consumer may send.
 *
 * Each consumer has a bucket of `burst` tokens, which fills by `rate` tokens a second; a request
 * takes one. Who has none left gets 429, and is told when to come back.
 *
 * APISIX knows the consumer when its own plugins (key-auth, jwt-auth, …) have run: so this one
 * belongs behind them, into ext-plugin-post-req. The buckets are in the memory of the runner, for
 * one route and one version of its configuration: several nodes of APISIX have a runner each, and
 * so their limits add up; a restart, or a change of the route, fills all buckets.
 *
 *     "key-auth": {},
 *     "ext-plugin-post-req": {
 *       "conf": [{ "name": "consumer-limit", "value": "{\"rate\":5,\"burst\":20}" }]
 *     }
 *
 * @module
 */

import { definePlugin, stop } from "@apisix-deno/plugin-runner";
import { z } from "zod";

/** What came of taking a token: how many are left, or when there will be one. */
export type Taken = { readonly left: number } | { readonly waitSeconds: number };

/** A bucket for each key, and never more than a number of them. */
export class TokenBuckets {
  /** Those that were used last come last. */
  readonly #buckets = new Map<string, { tokens: number; at: number }>();

  constructor(
    readonly rate: number,
    readonly burst: number,
    readonly maxKeys: number,
    readonly now: () => number = () => performance.now() / 1000,
  ) {}

  take(key: string): Taken {
    const now = this.now();
    const { tokens, at } = this.#buckets.get(key) ?? { tokens: this.burst, at: now };
    const filled = Math.min(this.burst, tokens + (now - at) * this.rate);
    const left = filled < 1 ? filled : filled - 1;
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens: left, at: now });
    // The one that was not used for longest is the one that has most likely filled again.
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > this.maxKeys && oldest !== undefined) this.#buckets.delete(oldest);
    return filled < 1 ? { waitSeconds: (1 - filled) / this.rate } : { left };
  }
}

export default definePlugin({
  name: "consumer-limit",

  config: z.strictObject({
    /** Tokens a second. */
    rate: z.number().min(0.001).max(1_000_000),
    /** How many a bucket holds. */
    burst: z.number().int().min(1).max(1_000_000),
    /** How many consumers are remembered. */
    maxConsumers: z.number().int().min(1).max(1_000_000).default(10_000),
  }).transform(({ rate, burst, maxConsumers }) => new TokenBuckets(rate, burst, maxConsumers)),

  async onRequest({ config: buckets, variable, responseHeaders }) {
    const consumer = await variable("consumer_name") ?? "";
    if (consumer === "") {
      throw new Error(
        "Cannot limit a request without a consumer: put this plugin into ext-plugin-post-req, and " +
          "a plugin that authenticates, for example key-auth, on the same route",
      );
    }
    const taken = buckets.take(consumer);
    if ("waitSeconds" in taken) {
      const seconds = Math.ceil(taken.waitSeconds);
      return stop({ error: "too many requests" }, {
        status: 429,
        headers: { "retry-after": `${seconds}` },
      });
    }
    responseHeaders.set("x-ratelimit-limit", `${buckets.burst}`);
    responseHeaders.set("x-ratelimit-remaining", `${Math.floor(taken.left)}`);
  },
});
