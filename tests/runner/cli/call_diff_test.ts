import assert from "node:assert/strict";
import fc from "fast-check";

import { diffLines } from "../../../runner/cli/commands/call_diff.ts";

/** A diff as one would write it down. */
function written(before: string, after: string): string {
  const sign = { same: " ", removed: "-", added: "+" };
  return diffLines([...before], [...after]).map(({ change, text }) => sign[change] + text).join("");
}

Deno.test("lines that are in both stay, the others are removed and added where they were", () => {
  assert.equal(written("", ""), "");
  assert.equal(written("abc", "abc"), " a b c");
  assert.equal(written("", "ab"), "+a+b");
  assert.equal(written("ab", ""), "-a-b");
  assert.equal(written("abcd", "axd"), " a-b-c+x d");
  assert.equal(written("abc", "abxc"), " a b+x c");
  assert.equal(written("xaybz", "ab"), "-x a-y b-z");
});

Deno.test("a diff leads from one list to the other, whatever they are", () => {
  const lines = fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 12 });
  fc.assert(fc.property(lines, lines, (before, after) => {
    const diff = diffLines(before, after);
    const without = (change: string) =>
      diff.filter((line) => line.change !== change).map(({ text }) => text);
    assert.deepEqual(without("added"), before);
    assert.deepEqual(without("removed"), after);
  }));
});

Deno.test("lists that are too long to be compared are replaced as a whole", () => {
  const list = (name: string) => Array.from({ length: 1100 }, (_, i) => `${name} ${i}`);
  const diff = diffLines(["same", ...list("old"), "same"], ["same", ...list("new"), "same"]);
  assert.equal(diff.length, 2202);
  assert.deepEqual(diff[0], { change: "same", text: "same" });
  assert.equal(diff[1100]?.change, "removed");
  assert.equal(diff[1101]?.change, "added");
});
