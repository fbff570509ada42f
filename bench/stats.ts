/**
 * Medians and ratios of measurements on a noisy machine.
 *
 * @module
 */

/** The middle of some numbers, and the range in which the middle half of them lies. */
export interface Spread {
  /** The median. */
  readonly median: number;
  /** The first quartile. */
  readonly low: number;
  /** The third quartile. */
  readonly high: number;
}

/** A ratio whose middle half spreads wider than this part of its median says nothing. */
const MAX_SPREAD = 0.25;

/**
 * Median and quartiles.
 *
 * @param values At least one number.
 */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number) => sorted[Math.round(part * (sorted.length - 1))] ?? NaN;
  return { median: at(0.5), low: at(0.25), high: at(0.75) };
}

/**
 * Ratios of two series, round by round: what disturbs a round disturbs both of its sides.
 *
 * @param values One number a round.
 * @param base One number a round.
 * @returns The spread of the ratios.
 */
export function ratios(values: readonly number[], base: readonly number[]): Spread {
  return spread(values.map((value, round) => value / (base[round] ?? NaN)));
}

/**
 * A ratio for people, or the refusal to give one.
 *
 * @param ratio Its spread over the rounds.
 */
export function shown({ median, low, high }: Spread): string {
  if (!(high - low <= MAX_SPREAD * median)) return "the rounds disagree";
  return `${median.toFixed(2)} (${low.toFixed(2)}-${high.toFixed(2)})`;
}
