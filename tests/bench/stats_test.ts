import assert from "node:assert/strict";

import { bestRatio, ratios, shown, spread } from "../../bench/stats.ts";

Deno.test("spread gives the median and the middle half", () => {
  assert.deepEqual(spread([5, 1, 4, 2, 3]), { median: 3, low: 2, high: 4 });
});

Deno.test("ratios are taken round by round, so that what disturbs both sides does not show", () => {
  assert.deepEqual(ratios([10, 5, 20], [20, 10, 40]), { median: 0.5, low: 0.5, high: 0.5 });
});

Deno.test("shown gives a ratio with its spread, and none when the rounds disagree", () => {
  assert.equal(shown({ median: 0.5, low: 0.48, high: 0.51 }), "0.50 (0.48-0.51)");
  assert.equal(shown({ median: 0.5, low: 0.3, high: 0.51 }), "the rounds disagree");
  assert.equal(shown(spread([])), "the rounds disagree");
});

Deno.test("bestRatio compares the rounds that were disturbed least", () => {
  const rates = [10, 49, 50, 48, 3, 20];
  assert.equal(bestRatio(rates, [100, 99, 98, 30, 20, 10], "highest"), 49 / 99);
  assert.equal(bestRatio([9, 4, 4.1, 4.2], [2, 2.1, 2.2, 8], "lowest"), 4.1 / 2.1);
});

Deno.test("bestRatio gives none where not even the best rounds agree", () => {
  assert.equal(bestRatio([10, 20, 50], [100, 99, 98], "highest"), null);
  assert.equal(bestRatio([100, 99, 98], [10, 20, 50], "lowest"), null);
  assert.equal(bestRatio([], [], "highest"), null);
});
