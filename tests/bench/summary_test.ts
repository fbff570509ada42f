import assert from "node:assert/strict";

import { withSection } from "../../bench/summary.ts";

const DOCUMENT = "before\n<!-- begin a -->\n\nold\n\n<!-- end a -->\nafter\n";

Deno.test("withSection replaces what is between the marks, and nothing else", () => {
  const expected = "before\n<!-- begin a -->\n\nnew\n\n<!-- end a -->\nafter\n";
  assert.equal(withSection(DOCUMENT, "a", "new"), expected);
  assert.equal(withSection(expected, "a", "new"), expected);
});

Deno.test("withSection does not write where there is no such section", () => {
  assert.throws(() => withSection(DOCUMENT, "b", "new"), { message: /no section "b"/ });
});
