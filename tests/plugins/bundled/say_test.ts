import assert from "node:assert/strict";

import { say } from "../../../plugins/bundled/say.ts";
import { configured, FakeHost, requestMessage, stopOf, text, texts } from "../_calls.ts";

Deno.test("say answers with its body", async () => {
  const chain = await configured(say, { body: "hello" });
  const action = stopOf(await chain.request(requestMessage(), new FakeHost()));
  assert.equal(action.status, 200);
  assert.deepEqual(texts(action.headers), [["x-resp-a6-runner", "Deno"]]);
  assert.equal(text(action.body ?? ""), "hello");
});

Deno.test("say lets the request go on where there is nothing to say", async () => {
  for (const config of [{}, { body: "" }]) {
    const chain = await configured(say, config);
    const { action } = await chain.request(requestMessage(), new FakeHost());
    assert.equal(action, null);
  }
});

Deno.test("say refuses a body that is not text", async () => {
  await assert.rejects(configured(say, { body: 5 }), {
    name: "ConfigError",
    message: /plugin "say".* body: /,
  });
});
