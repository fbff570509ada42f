import assert from "node:assert/strict";

import { definePlugin } from "../../plugins/mod.ts";
import { Registry } from "../../plugins/registry.ts";
import { FakeHost, onRequest, requestMessage, rewriteOf, texts } from "./_calls.ts";

const secret = definePlugin({
  name: "secret",
  config: (raw) => {
    if (typeof raw !== "object") throw new Error("expected an object");
    return raw;
  },
  onRequest: ({ request }) => request.headers.append("x-ran", "secret"),
});
const other = onRequest(({ request }) => request.headers.append("x-ran", "other"), "other");

Deno.test("registry knows its plugins in their order", () => {
  assert.deepEqual(new Registry([secret, other]).plugins, [secret, other]);
});

Deno.test("registry refuses two plugins of the same name", () => {
  assert.throws(() => new Registry([other, secret, onRequest(() => {}, "other")]), {
    name: "TypeError",
    message: 'Cannot register the plugin "other" twice: rename one of them',
  });
});

Deno.test("registry.prepare makes a chain in the order of the route", async () => {
  const chain = await new Registry([secret, other]).prepare([
    { name: "other", value: "" },
    { name: "secret", value: "{}" },
    { name: "other", value: "{}" },
  ]);
  const reply = await chain.request(requestMessage(), new FakeHost());
  assert.deepEqual(texts(rewriteOf(reply).headers), [["x-ran", "other, secret, other"]]);
});

Deno.test("registry.prepare refuses a plugin that it does not know, and says which it has", async () => {
  await assert.rejects(new Registry([secret, other]).prepare([{ name: "sey", value: "" }]), {
    name: "ConfigError",
    message: 'plugin "sey": not known; this runner has secret, other',
  });
  await assert.rejects(new Registry([]).prepare([{ name: "a\nb", value: "" }]), {
    message: 'plugin "a\\nb": not known; this runner has none',
  });
});

Deno.test("registry.prepare names the plugin whose configuration is wrong, not what is in it", async () => {
  const registry = new Registry([secret, other]);
  await assert.rejects(
    registry.prepare([{ name: "other", value: "" }, { name: "secret", value: "hunter2" }]),
    {
      name: "ConfigError",
      message: 'plugin "secret": the configuration is not valid JSON (7 characters)',
    },
  );
  await assert.rejects(registry.prepare([{ name: "secret", value: "5" }]), {
    name: "ConfigError",
    message: 'plugin "secret": expected an object',
  });
});

Deno.test("registry.prepare waits for a configuration that takes time", async () => {
  const slow = definePlugin({
    name: "slow",
    config: async (raw) => await Promise.resolve(raw),
    onRequest: ({ config, request }) => request.headers.set("x-config", JSON.stringify(config)),
  });
  const chain = await new Registry([slow]).prepare([{ name: "slow", value: "[1]" }]);
  const reply = await chain.request(requestMessage(), new FakeHost());
  assert.deepEqual(texts(rewriteOf(reply).headers), [["x-config", "[1]"]]);
});

Deno.test("registry.get finds a plugin by its name", () => {
  const registry = new Registry([secret, other]);
  assert.equal(registry.get("other"), other);
  assert.equal(registry.get("toString"), undefined);
});

Deno.test("registry.bind keeps the steps of plugins that are the same as before", async () => {
  const conf = [{ name: "secret", value: "{}" }, { name: "other", value: "{}" }];
  const before = await new Registry([secret, other]).bind(conf);
  const newer = onRequest(() => {}, "other");
  const after = await new Registry([newer, secret]).bind(conf, before);
  assert.equal(after[0], before[0]);
  assert.equal(after[1]?.plugin, newer);
  assert.notEqual(after[1].step, before[1]?.step);
});
