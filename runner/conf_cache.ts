/**
 * Prepared configurations, by token (protocol.md §6.2, §6.3).
 *
 * @module
 */

/** An unused entry is freed within this part of its lifetime behind the end of it. */
const SWEEPS_PER_LIFETIME = 16;

/** One prepared configuration. */
interface Entry<Value> {
  readonly token: number;
  readonly key: string;
  readonly value: Value;
  usedAt: number;
}

/** What a cache is made of; the defaults are those of production. */
export interface ConfCacheOptions {
  /**
   * How long APISIX may keep a token, in seconds: `APISIX_CONF_EXPIRE_TIME`. Entries live twice as
   * long after their last use, since a worker can take a token over shortly before it expires and
   * then use it for as long again (protocol.md §6.3).
   */
  readonly expireSeconds: number;
  /** A clock in milliseconds that never goes back. */
  readonly now?: () => number;
  /** Gives a random u32. */
  readonly random?: () => number;
}

/**
 * Gives each configuration a token and finds it again.
 *
 * Tokens are random, so that one which an earlier runner gave out is not taken for another
 * configuration of this one (protocol.md §1.8): it is unknown, and APISIX prepares again.
 *
 * @example
 * ```ts
 * import { ConfCache } from "./conf_cache.ts";
 * import assert from "node:assert/strict";
 *
 * const cache = new ConfCache<string>({ expireSeconds: 3600 });
 * const { token } = cache.prepare("route#1", () => "its chain");
 * assert.equal(cache.get(token), "its chain");
 * assert.equal(cache.prepare("route#1", () => "another").token, token);
 * ```
 */
export class ConfCache<Value> {
  readonly #byToken = new Map<number, Entry<Value>>();
  readonly #byKey = new Map<string, Entry<Value>>();
  readonly #lifetime: number;
  readonly #now: () => number;
  readonly #random: () => number;
  /** The time of the last sweep: near enough for every use, where asking costs 100 ns a call. */
  #time: number;

  /** @param options How long entries live. */
  constructor({ expireSeconds, now, random }: ConfCacheOptions) {
    this.#lifetime = 2 * expireSeconds * 1000;
    this.#now = now ?? (() => performance.now());
    this.#random = random ?? randomU32;
    this.#time = this.#now();
  }

  /** How many configurations are held. */
  get size(): number {
    return this.#byToken.size;
  }

  /** How often {@linkcode sweep} is to be called, in milliseconds. */
  get sweepEvery(): number {
    return this.#lifetime / SWEEPS_PER_LIFETIME;
  }

  /** The values of all configurations that are held, those that come while one looks included. */
  *values(): IterableIterator<Value> {
    for (const { value } of this.#byToken.values()) yield value;
  }

  /**
   * The token of a configuration: the same as before for the same key.
   *
   * @param key What makes the configuration the same: APISIX's key and the content.
   * @param make Makes the value of a new entry.
   * @returns The token, 1 to 2^32 - 1, and the value.
   */
  prepare(key: string, make: () => Value): { readonly token: number; readonly value: Value } {
    const known = this.#byKey.get(key);
    if (known !== undefined) {
      known.usedAt = this.#time;
      return known;
    }
    const entry = { token: this.#freeToken(), key, value: make(), usedAt: this.#time };
    this.#byToken.set(entry.token, entry);
    this.#byKey.set(key, entry);
    return entry;
  }

  /**
   * Finds a configuration, which thereby counts as used.
   *
   * @param token What APISIX sent.
   * @returns The value, or `undefined` when the token is not known, or not any more.
   */
  get(token: number): Value | undefined {
    const entry = this.#byToken.get(token);
    if (entry === undefined) return undefined;
    entry.usedAt = this.#time;
    return entry.value;
  }

  /** Frees what was not used for too long. */
  sweep(): void {
    this.#time = this.#now();
    // A use counts from the sweep before it, so one interval more makes up for that.
    const allowed = this.#lifetime + this.sweepEvery;
    for (const entry of this.#byToken.values()) {
      if (this.#time - entry.usedAt > allowed) this.#remove(entry);
    }
  }

  #remove(entry: Entry<Value>): void {
    this.#byToken.delete(entry.token);
    this.#byKey.delete(entry.key);
  }

  /** 0 cannot be told from "absent" on the wire. */
  #freeToken(): number {
    for (;;) {
      const token = this.#random();
      if (token !== 0 && !this.#byToken.has(token)) return token;
    }
  }
}

function randomU32(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
}
