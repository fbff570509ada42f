import assert from "node:assert/strict";

import { requestBodyRewrite } from "../../../plugins/bundled/request_body_rewrite.ts";
import { configured, FakeHost, requestMessage, rewriteOf, text } from "../_calls.ts";

Deno.test("request-body-rewrite replaces the body", async () => {
  const chain = await configured(requestBodyRewrite, { new_body: "größer" });
  const { body, ...rest } = rewriteOf(await chain.request(requestMessage(), new FakeHost()));
  assert.equal(text(body ?? ""), "größer");
  assert.deepEqual(rest, { type: "rewrite", path: null, headers: [], args: [], respHeaders: [] });
});

Deno.test("request-body-rewrite refuses an empty body, which APISIX cannot send", async () => {
  for (const config of [{}, { new_body: "" }, { new_body: 5 }]) {
    await assert.rejects(configured(requestBodyRewrite, config), {
      name: "ConfigError",
      message: /new_body: /,
    });
  }
});
