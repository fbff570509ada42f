import assert from "node:assert/strict";

import fc from "fast-check";

import { checkedPath, percentDecode } from "../../plugins/path.ts";
import { text, utf8 } from "./_calls.ts";

function decoded(path: string): string {
  return text(percentDecode(utf8(path)));
}

Deno.test("percentDecode replaces escapes, in either case", () => {
  assert.equal(decoded("/a%20b%2Fc%2fd"), "/a b/c/d");
  assert.equal(decoded("/%E6%97%A5"), "/日");
  assert.equal(decoded(""), "");
});

Deno.test("percentDecode leaves alone what is not an escape", () => {
  for (const path of ["/%", "/%4", "/%zz", "/%4g", "/a+b", "/100%"]) {
    assert.equal(decoded(path), path);
  }
  assert.equal(decoded("/%%41"), "/%A");
});

Deno.test("percentDecode decodes once, not until nothing is left to decode", () => {
  assert.equal(decoded("/%2541"), "/%41");
});

Deno.test("percentDecode gives bytes, whether they are text or not", () => {
  assert.deepEqual([...percentDecode(utf8("/%ff%00"))], [0x2f, 0xff, 0]);
});

Deno.test("percentDecode undoes encodeURIComponent", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (path) => {
    assert.equal(decoded(encodeURIComponent(path)), path);
  }));
});

Deno.test("checkedPath refuses what APISIX would answer with 502", () => {
  for (const path of ["", "foo", "http://x/"]) {
    assert.throws(() => checkedPath(path, "/"), { name: "TypeError", message: /start with "\/"/ });
  }
});

Deno.test("checkedPath refuses a query, and says where arguments go", () => {
  assert.throws(() => checkedPath("/a?b=1", "/a"), {
    name: "TypeError",
    message: /"%3F".*request\.query/,
  });
});

Deno.test("checkedPath leaves a question mark that was part of the path", () => {
  assert.equal(checkedPath("/v2/what?", "/what?"), "/v2/what?");
});
