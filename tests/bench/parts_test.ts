import assert from "node:assert/strict";

import { compared } from "../../bench/parts.ts";

/** What is said of a part whose runs took so long, now and before. */
function verdict(now: readonly [number, number], before: readonly [number, number]): string {
  const times = ([low, high]: readonly [number, number]) => ({ part: { low, high } });
  return compared(times(now), times(before)).split("\n").at(-1)?.split(" | ").at(-1) ?? "";
}

Deno.test("compared says what became better or worse", () => {
  assert.equal(verdict([2, 2.1], [1, 1.1]), "worse: +100 % |");
  assert.equal(verdict([0.5, 0.6], [1, 1.1]), "better: -50 % |");
});

Deno.test("compared takes for noise what overlaps, and what is small", () => {
  assert.equal(verdict([1.5, 2.5], [1, 1.6]), "same |");
  assert.equal(verdict([1.1, 1.12], [1, 1.01]), "same |");
});

Deno.test("compared knows a part that is new", () => {
  assert.match(compared({ part: { low: 1, high: 1 } }, {}), /\| new \|$/);
});
