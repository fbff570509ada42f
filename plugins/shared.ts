/**
 * What the phases of one request share.
 *
 * APISIX runs the request and the response phase in calls of their own, with nothing in common but
 * nginx' variables. `request_id` is the one that tells requests apart: 16 random bytes, made by
 * nginx once for each client request, in hexadecimal digits. No client chooses it; the header
 * `x-request-id` is another thing.
 *
 * @module
 */

/** Gives the phases of a request their store. */
export interface Shared {
  /**
   * The store of a request: the same for all who ask while it lives.
   *
   * @param requestId What tells the request from others; not empty.
   */
  of(requestId: string): Map<string, unknown>;
  /**
   * Puts a copy in the place of a store, so that who holds the old one changes nothing any more.
   *
   * @param requestId What tells the request from others; not empty.
   */
  replace(requestId: string): void;
}

/** Keeps things in the order in which they are added, and lets each expire after the same time. */
export interface Expiry<Place> {
  /** Puts something behind all others, and starts its time. */
  add(entry: { expire(): void }): Place;
  /** Takes it out again. */
  remove(place: Place): void;
  /** Lets the first expire now. */
  expireOldest(): void;
}

/** How long a store lives after its last use, in milliseconds: longer than APISIX waits. */
export const SHARED_LIFETIME_MS = 120_000;

/** How many stores there are at most: a thousand requests a second for ten seconds. */
const MAX_STORES = 10_000;

/** What the stores are made of. */
export interface SharedStoresOptions<Place> {
  /** Says when a store has not been used for too long. */
  readonly expiry: Expiry<Place>;
  /** How many there are at most, 10 000 when absent; those go first that were not used longest. */
  readonly maxStores?: number;
}

/** A store, and its place among the others. */
interface Entry<Place> {
  values: Map<string, unknown>;
  place: Place;
  readonly expire: () => void;
}

/** The stores of all requests: bounded in number, and each in time. */
export class SharedStores<Place> implements Shared {
  readonly #entries = new Map<string, Entry<Place>>();
  readonly #expiry: Expiry<Place>;
  readonly #maxStores: number;

  /** @param options When stores go. */
  constructor({ expiry, maxStores = MAX_STORES }: SharedStoresOptions<Place>) {
    this.#expiry = expiry;
    this.#maxStores = maxStores;
  }

  /** How many stores there are. */
  get size(): number {
    return this.#entries.size;
  }

  of(requestId: string): Map<string, unknown> {
    const entry = this.#entries.get(requestId);
    if (entry === undefined) return this.#open(requestId);
    this.#expiry.remove(entry.place);
    entry.place = this.#expiry.add(entry);
    return entry.values;
  }

  replace(requestId: string): void {
    const entry = this.#entries.get(requestId);
    if (entry !== undefined) entry.values = new Map(entry.values);
  }

  #open(requestId: string): Map<string, unknown> {
    if (this.#entries.size >= this.#maxStores) this.#expiry.expireOldest();
    const values = new Map<string, unknown>();
    const expire = () => void this.#entries.delete(requestId);
    this.#entries.set(requestId, { values, expire, place: this.#expiry.add({ expire }) });
    return values;
  }
}
