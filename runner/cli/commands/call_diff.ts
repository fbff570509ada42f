/**
 * What differs between two lists of lines.
 *
 * @module
 */

/** A line, and where it is: in both lists, or in one. */
export interface DiffLine {
  /** In both, only before, only after. */
  readonly change: "same" | "removed" | "added";
  /** The line. */
  readonly text: string;
}

/** Above so many comparisons the lines between what is the same are not compared one by one. */
const MAX_COMPARISONS = 1_000_000;

/**
 * The shortest way from one list of lines to another.
 *
 * @param before The lines before.
 * @param after The lines after.
 * @returns All lines, in order; where lines are replaced, the removed ones come first.
 *
 * @example
 * ```ts
 * import { diffLines } from "./call_diff.ts";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(diffLines(["a", "b"], ["a", "c"]), [
 *   { change: "same", text: "a" },
 *   { change: "removed", text: "b" },
 *   { change: "added", text: "c" },
 * ]);
 * ```
 */
export function diffLines(before: readonly string[], after: readonly string[]): DiffLine[] {
  let head = 0;
  const shorter = Math.min(before.length, after.length);
  while (head < shorter && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  return [
    ...marked("same", before.slice(0, head)),
    ...between(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...marked("same", before.slice(before.length - tail)),
  ];
}

function between(before: readonly string[], after: readonly string[]): DiffLine[] {
  if (before.length * after.length > MAX_COMPARISONS) {
    return [...marked("removed", before), ...marked("added", after)];
  }
  const lengths = commonLengths(before, after);
  const lines: DiffLine[] = [];
  let added: DiffLine[] = [];
  for (let i = 0, j = 0; i < before.length || j < after.length;) {
    const [old, now] = [before[i], after[j]];
    if (old !== undefined && old === now) {
      lines.push(...added, { change: "same", text: old });
      added = [];
      i++;
      j++;
    } else if (
      now === undefined || old !== undefined && at(lengths, i + 1, j) >= at(lengths, i, j + 1)
    ) {
      lines.push({ change: "removed", text: old ?? "" });
      i++;
    } else {
      added.push({ change: "added", text: now });
      j++;
    }
  }
  return [...lines, ...added];
}

/** How many lines the rests of both lists have in common, from each place on. */
function commonLengths(before: readonly string[], after: readonly string[]): number[][] {
  const lengths = Array.from(
    { length: before.length + 1 },
    () => new Array<number>(after.length + 1).fill(0),
  );
  for (let i = before.length - 1; i >= 0; i--) {
    const row = lengths[i] ?? [];
    for (let j = after.length - 1; j >= 0; j--) {
      row[j] = before[i] === after[j]
        ? at(lengths, i + 1, j + 1) + 1
        : Math.max(at(lengths, i + 1, j), at(lengths, i, j + 1));
    }
  }
  return lengths;
}

function at(lengths: readonly (readonly number[])[], i: number, j: number): number {
  return lengths[i]?.[j] ?? 0;
}

function marked(change: DiffLine["change"], lines: readonly string[]): DiffLine[] {
  return lines.map((text) => ({ change, text }));
}
