/**
 * Waiting for the end of calls.
 *
 * @module
 */

/** Counts calls that did not end at once. */
export class PendingCalls {
  #count = 0;
  #ended: PromiseWithResolvers<void> | null = null;

  /** A call has begun. */
  begin(): void {
    this.#count++;
  }

  /** A call has ended. */
  end(): void {
    this.#count--;
    if (this.#count === 0) this.#ended?.resolve();
  }

  /** Settles when all have ended. None may begin any more. */
  ended(): Promise<void> {
    this.#ended ??= Promise.withResolvers();
    if (this.#count === 0) this.#ended.resolve();
    return this.#ended.promise;
  }
}
