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

/** So many rounds are taken for undisturbed. */
const BEST = 3;

/** If the best of them spread wider than this part of the very best, none was. */
const MAX_BEST_SPREAD = 0.15;

/**
 * The ratio of the best rounds of two series. What disturbs a burst makes it slower, never quicker:
 * where the best few agree, they are what was to be measured, however noisy the machine.
 *
 * @param values One number a round.
 * @param base One number a round.
 * @param best Whether the highest are the best, as for rates, or the lowest.
 * @returns The ratio of the medians of the best, `null` when those do not agree.
 */
export function bestRatio(
  values: readonly number[],
  base: readonly number[],
  best: "highest" | "lowest",
): number | null {
  const own = bestOf(values, best);
  const other = bestOf(base, best);
  return own === null || other === null ? null : own / other;
}

/**
 * The median of the best few.
 *
 * @param values One number a round.
 * @param best Whether the highest are the best, or the lowest.
 * @returns The median, `null` when the best do not agree.
 */
export function bestOf(values: readonly number[], best: "highest" | "lowest"): number | null {
  const sorted = values.toSorted((a, b) => best === "highest" ? b - a : a - b);
  const [first = NaN] = sorted;
  const chosen = sorted.slice(0, BEST);
  const last = chosen.at(-1) ?? NaN;
  if (!(Math.abs(first - last) <= MAX_BEST_SPREAD * first)) return null;
  return spread(chosen).median;
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
