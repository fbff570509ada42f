import assert from "node:assert/strict";

import { z } from "zod";

import { definePlugin } from "../../plugins/mod.ts";

const nothing = () => {};

Deno.test("definePlugin gives a plugin with its name and phases", () => {
  const both = definePlugin({ name: "both", onRequest: nothing, onResponse: nothing });
  assert.equal(both.name, "both");
  assert.deepEqual(both.phases, ["request", "response"]);
  assert.deepEqual(definePlugin({ name: "a", onRequest: nothing }).phases, ["request"]);
  assert.deepEqual(definePlugin({ name: "a", onResponse: nothing }).phases, ["response"]);
});

Deno.test("definePlugin refuses a name that no route can use", () => {
  for (const name of ["", "x".repeat(129)]) {
    assert.throws(() => definePlugin({ name, onRequest: nothing }), {
      name: "TypeError",
      message: /1 to 128 characters/,
    });
  }
  assert.equal(definePlugin({ name: "x".repeat(128), onRequest: nothing }).name.length, 128);
});

Deno.test("definePlugin refuses a plugin without a hook", () => {
  assert.throws(() => definePlugin({ name: "idle" }), {
    name: "TypeError",
    message: /"idle".*neither onRequest nor onResponse/,
  });
});

Deno.test("plugin.configure validates at once where the validator does", async () => {
  const plugin = definePlugin({
    name: "strict",
    config: z.object({ rate: z.number() }),
    onRequest: nothing,
  });
  assert(!(plugin.configure({ rate: 1 }) instanceof Promise));
  assert.throws(() => plugin.configure({}), { name: "ConfigError" });

  const waiting = definePlugin({
    name: "waiting",
    config: (raw) => Promise.resolve(raw),
    onRequest: nothing,
  });
  const step = waiting.configure({});
  assert(step instanceof Promise);
  assert.equal((await step).plugin, "waiting");
});

Deno.test("plugin.configure makes a step with the hooks that there are", async () => {
  const step = await definePlugin({ name: "a", onError: "continue", onResponse: nothing })
    .configure({});
  assert.equal(step.plugin, "a");
  assert.equal(step.onError, "continue");
  assert.equal(step.onRequest, null);
  assert.notEqual(step.onResponse, null);
});

Deno.test("plugin.configure fails closed unless the plugin says otherwise", async () => {
  assert.equal(
    (await definePlugin({ name: "a", onRequest: nothing }).configure({})).onError,
    "fail",
  );
});

Deno.test("definePlugin refuses an onError that is misspelt: it would let requests through", () => {
  const definition = JSON.parse('{"name":"guard","onError":"Fail"}');
  assert.throws(() => definePlugin({ ...definition, onRequest: () => {} }), {
    name: "TypeError",
    message: /its onError is "Fail"/,
  });
});

Deno.test("definePlugin refuses a timeout that no timer can keep", () => {
  for (const timeout of [0, -1, 0.5, NaN, Infinity, 2 ** 31, JSON.parse('"200"')]) {
    assert.throws(() => definePlugin({ name: "guard", timeout, onRequest: () => {} }), {
      name: "TypeError",
      message: /"guard": its timeout is .*, and must be 1 to 2147483647 milliseconds/,
    });
  }
  for (const timeout of [1, 2 ** 31 - 1]) {
    assert.equal(definePlugin({ name: "a", timeout, onRequest: nothing }).name, "a");
  }
});

Deno.test("definePlugin refuses hooks that are not functions, and names them", () => {
  for (const hook of ["onRequest", "onResponse", "start", "stop"]) {
    const definition = { name: "guard", onRequest: () => {}, [hook]: JSON.parse('"no"') };
    assert.throws(() => definePlugin(definition), {
      name: "TypeError",
      message: `Cannot define the plugin "guard": its ${hook} must be a function`,
    });
  }
});

Deno.test("plugin.start and stop run what the plugin declares, and wait where it does", async () => {
  const ran: string[] = [];
  const plugin = definePlugin({
    name: "holds",
    start: () => void ran.push("start"),
    stop: async () => void ran.push(await Promise.resolve("stop")),
    onRequest: nothing,
  });
  assert.deepEqual(ran, []);
  assert.equal(plugin.start(), undefined);
  await plugin.stop();
  assert.deepEqual(ran, ["start", "stop"]);
});

Deno.test("plugin.start and stop do nothing where the plugin has none", () => {
  const plugin = definePlugin({ name: "plain", onRequest: nothing });
  assert.equal(plugin.start(), undefined);
  assert.equal(plugin.stop(), undefined);
});
