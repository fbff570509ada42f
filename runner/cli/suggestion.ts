/**
 * The word that somebody may have meant.
 *
 * @module
 */

/**
 * The end of an error message about a word that is not known.
 *
 * @param word The word.
 * @param known The words that are.
 * @returns `: did you mean …?` with the nearest of them; nothing when none is near.
 *
 * @example
 * ```ts
 * import { didYouMean } from "./suggestion.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(didYouMean("docter", ["doctor", "check"]), ": did you mean doctor?");
 * assert.equal(didYouMean("stop", ["doctor", "check"]), "");
 * ```
 */
export function didYouMean(word: string, known: readonly string[]): string {
  const found = nearest(word, known);
  return found === null ? "" : `: did you mean ${found}?`;
}

/**
 * The nearest of some words: one that begins with the word, or one that few typing errors make.
 *
 * @param word The word.
 * @param known Those to choose from.
 * @returns The nearest; `null` when none is near.
 */
export function nearest(word: string, known: readonly string[]): string | null {
  const wanted = word.toLowerCase();
  const [begun, ...others] = known.filter((one) => one.toLowerCase().startsWith(wanted));
  if (begun !== undefined && others.length === 0 && letters(wanted) >= 2) return begun;
  let best: string | null = null;
  // A third of the letters may be wrong: more, and every short word is near every other.
  let least = Math.floor(letters(wanted) / 3) + 1;
  for (const one of known) {
    const distance = errorsBetween(wanted, one.toLowerCase());
    if (distance < least) [best, least] = [one, distance];
  }
  return best;
}

/** How many letters count: the dashes of a flag do not. */
function letters(word: string): number {
  return word.replace(/^-+/, "").length;
}

/** How many letters are wrong, missing, too many, or swapped with their neighbour. */
function errorsBetween(from: string, to: string): number {
  let older: number[] = [];
  let old = Array.from({ length: to.length + 1 }, (_, j) => j);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const wrong = from[i - 1] === to[j - 1] ? 0 : 1;
      let errors = Math.min(at(old, j) + 1, at(row, j - 1) + 1, at(old, j - 1) + wrong);
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]) {
        errors = Math.min(errors, at(older, j - 2) + 1);
      }
      row.push(errors);
    }
    [older, old] = [old, row];
  }
  return at(old, to.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity;
}
