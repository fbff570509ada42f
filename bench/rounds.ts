/**
 * Pairs of bursts, over several rounds in a new order each time.
 *
 * @module
 */

import { type Burst, burst, type Load } from "./measure.ts";

/** What is compared: a burst, and directly before it one of what it is compared with. */
export interface Pair {
  /** What the result is found under. */
  readonly name: string;
  /** What is measured. */
  readonly load: Load;
  /** What it is compared with; `null` where the measured is the limit itself. */
  readonly base: Load | null;
}

/** The bursts of one pair, one of each a round. */
export interface Measured {
  /** Those of what was measured. */
  readonly bursts: readonly Burst[];
  /** Those of what it is compared with, taken directly before. */
  readonly bases: readonly Burst[];
}

/** How many times as long the bursts are that do not count. */
const WARM_UP = 3;

/**
 * Measures pairs. What disturbs the machine for longer than a burst disturbs both of a pair, and
 * the order changes from round to round, so that nothing is always measured behind the same.
 *
 * @param pairs What to measure.
 * @param rounds How many bursts of each.
 * @returns The bursts by the names of the pairs.
 */
export async function measure(
  pairs: readonly Pair[],
  rounds: number,
): Promise<Map<string, Measured>> {
  const results = new Map(pairs.map(({ name }) =>
    [name, { bursts: [], bases: [] }] as [
      string,
      { bursts: Burst[]; bases: Burst[] },
    ]
  ));
  // The first round is for the compilers inside the servers, and does not count.
  for (let round = 0; round <= rounds; round++) {
    const factor = round === 0 ? WARM_UP : 1;
    for (const { name, load, base } of shuffled(pairs)) {
      const long = (one: Load) => ({ ...one, milliseconds: factor * one.milliseconds });
      const other = base === null ? null : await burst(long(base));
      const own = await burst(long(load));
      if (round === 0) continue;
      results.get(name)?.bursts.push(own);
      results.get(name)?.bases.push(other ?? own);
    }
    console.error(`round ${round} of ${rounds}`);
  }
  return results;
}

function shuffled<Item>(items: readonly Item[]): Item[] {
  return items.map((item) => ({ item, order: Math.random() }))
    .toSorted((a, b) => a.order - b.order).map(({ item }) => item);
}
