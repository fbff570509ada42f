/**
 * How long the parts of a call can be changed.
 *
 * @module
 */

/** What bounds the time in which something can be changed: a frame, or a call. */
export interface Life {
  /** @throws {Error} When it is over. */
  assertLive(): void;
}
