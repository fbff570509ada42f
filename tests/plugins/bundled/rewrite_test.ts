import assert from "node:assert/strict";

import { rewrite } from "../../../plugins/bundled/rewrite.ts";
import { configured, FakeHost, requestMessage, rewriteOf, text, texts } from "../_calls.ts";

Deno.test("rewrite changes path, headers, query, body and response headers", async () => {
  const chain = await configured(rewrite, {
    path: "/new",
    headers: { set: { "x-a": "1" }, append: { "x-b": "2" }, delete: ["x-c"] },
    query: { set: { a: "1" }, append: { b: "2" }, delete: ["c"] },
    body: "new",
    responseHeaders: { set: { vary: "x-a" }, append: { "set-cookie": "a=1" } },
  });
  const action = rewriteOf(
    await chain.request(
      requestMessage({
        path: "/old",
        headers: [["x-b", "0"], ["x-c", "0"], ["x-d", "0"]],
        args: [["b", "0"], ["c"], ["d", "0"]],
      }),
      new FakeHost(),
    ),
  );
  assert.equal(action.path, "/new");
  assert.deepEqual(texts(action.headers), [["x-c", null], ["x-a", "1"], ["x-b", "0, 2"]]);
  assert.deepEqual(texts(action.args), [["c", null], ["a", "1"], ["b", "0"], ["b", "2"]]);
  assert.equal(text(action.body ?? ""), "new");
  assert.deepEqual(texts(action.respHeaders), [["vary", "x-a"], ["set-cookie", "a=1"]]);
});

Deno.test("rewrite deletes before it sets and appends", async () => {
  const chain = await configured(rewrite, { query: { append: { a: "1" }, delete: ["a"] } });
  const reply = await chain.request(requestMessage({ args: [["a", "0"]] }), new FakeHost());
  assert.deepEqual(texts(rewriteOf(reply).args), [["a", "1"]]);
});

Deno.test("rewrite of nothing lets the request go on", async () => {
  const chain = await configured(rewrite, {});
  const { action } = await chain.request(requestMessage(), new FakeHost());
  assert.equal(action, null);
});

Deno.test("rewrite refuses what it cannot do", async () => {
  const wrong: [object, RegExp][] = [
    [{ path: "new" }, /path: /],
    [{ body: "" }, /body: /],
    [{ headers: { set: { a: 1 } } }, /headers\.set\.a: /],
    [{ query: { delete: "a" } }, /query\.delete: /],
  ];
  for (const [config, message] of wrong) {
    await assert.rejects(configured(rewrite, config), { name: "ConfigError", message });
  }
});
