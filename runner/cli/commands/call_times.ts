/**
 * How long calls took.
 *
 * @module
 */

/** What matters of many times, in milliseconds. */
export interface Times {
  /** The shortest. */
  readonly min: number;
  /** Half of them are no longer. */
  readonly median: number;
  /** 99 of 100 are no longer. */
  readonly p99: number;
}

/**
 * Sums up times.
 *
 * @param times At least one, in any order.
 * @returns For each the time of a call that was made.
 *
 * @example
 * ```ts
 * import { timesOf } from "./call_times.ts";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(timesOf([3, 1, 2]), { min: 1, median: 2, p99: 3 });
 * ```
 */
export function timesOf(times: readonly number[]): Times {
  const sorted = Float64Array.from(times).sort();
  const rank = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
  return { min: sorted[0] ?? 0, median: rank(0.5), p99: rank(0.99) };
}

/**
 * A time for people.
 *
 * @param ms Milliseconds.
 * @returns For example `0.014 ms`, `1.25 ms`, `12.5 ms` or `1250 ms`.
 */
export function timeText(ms: number): string {
  const digits = ms < 0.1 ? 3 : ms < 10 ? 2 : ms < 100 ? 1 : 0;
  return `${ms.toFixed(digits)} ms`;
}
