import assert from "node:assert/strict";

import { decodedPath, encodedTarget, parsedArgs, queryOf } from "../../../runner/apisix/http.ts";

Deno.test("a path is decoded, cleaned up, and loses its query, as with nginx", () => {
  const cases = [
    ["/", "/"],
    ["/a%20b%2Fc//d/../e?x=/..", "/a b/c/e"],
    ["/a/./b/", "/a/b/"],
    ["/a/b/..", "/a/"],
    ["/..", "/"],
    ["/a/.../b..c/.d", "/a/.../b..c/.d"],
    ["/%zz%4", "/%zz%4"],
    ["/%E2%9C%93", "/✓"],
    ["//", "/"],
  ] as const;
  for (const [target, path] of cases) assert.equal(decodedPath(target), path, target);
});

Deno.test("arguments keep their order, and whether they have a value", () => {
  assert.deepEqual(parsedArgs("/?xx=y&xx=z&&y=&&z&=v&a=b=c&a%20b=c+d%zz"), [
    ["xx", "y"],
    ["xx", "z"],
    ["y", ""],
    ["z", null],
    ["a", "b=c"],
    ["a b", "c d%zz"],
  ]);
  assert.deepEqual(parsedArgs("/a"), []);
  assert.deepEqual(parsedArgs("/a?"), []);
});

Deno.test("a query is what follows the first question mark, if anything does", () => {
  assert.equal(queryOf("/a?b=c?d"), "b=c?d");
  assert.equal(queryOf("/a?"), null);
  assert.equal(queryOf("/a"), null);
});

Deno.test("a target is encoded as APISIX does it", () => {
  assert.equal(
    encodedTarget('/a b?"✓', [["x", "1 2"], ["y", ""], ["z", null]]),
    [
      "/a%20b%3F%22%E2%9C%93?x=1%202&y=&z",
    ].join(),
  );
});
