import assert from "node:assert/strict";

import { z } from "zod";

import type { StandardSchema } from "../../plugins/config.ts";
import { definePlugin } from "../../plugins/mod.ts";

/** Whether two types are the same, `any` and `unknown` told apart from the rest. */
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : false;

/** Compiles only when the two types are the same. */
function sameType<A, B>(_same: Equal<A, B>): void {}

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

Deno.test("definePlugin knows the type of config from a zod schema, in both hooks", () => {
  definePlugin({
    name: "zod",
    config: z.object({
      deny: z.array(z.string()),
      rate: z.number().default(5),
      since: z.string().transform((text) => new Date(text)),
    }),
    onRequest({ config }) {
      sameType<typeof config, { deny: string[]; rate: number; since: Date }>(true);
    },
    onResponse({ config }) {
      sameType<typeof config, { deny: string[]; rate: number; since: Date }>(true);
    },
  });
});

Deno.test("definePlugin knows the type of config from a function, in both hooks", () => {
  definePlugin({
    name: "function",
    config: (raw) => {
      sameType<typeof raw, unknown>(true);
      return { text: String(raw) };
    },
    onRequest({ config }) {
      sameType<typeof config, { text: string }>(true);
    },
    onResponse({ config }) {
      sameType<typeof config, { text: string }>(true);
    },
  });
});

Deno.test("definePlugin knows the type of config from an async function", () => {
  definePlugin({
    name: "async-function",
    config: (raw: unknown) => Promise.resolve([String(raw)]),
    onRequest({ config }) {
      sameType<typeof config, string[]>(true);
    },
  });
});

Deno.test("definePlugin knows the type of config from any Standard Schema", () => {
  const schema: StandardSchema<Map<string, number>> = {
    "~standard": { version: 1, vendor: "test", validate: () => ({ value: new Map() }) },
  };
  definePlugin({
    name: "standard",
    config: schema,
    onResponse({ config }) {
      sameType<typeof config, Map<string, number>>(true);
    },
  });
});

Deno.test("definePlugin gives config as unknown where it is not validated", () => {
  definePlugin({
    name: "raw",
    onRequest({ config }) {
      sameType<typeof config, unknown>(true);
    },
    onResponse({ config }) {
      sameType<typeof config, unknown>(true);
    },
  });
});

Deno.test("context knows the names of the variables that were asked for", () => {
  definePlugin({
    name: "variables",
    async onRequest({ variable, variables }) {
      const one = await variable("host");
      sameType<typeof one, string | null>(true);
      const several = await variables("host", "scheme");
      sameType<
        typeof several,
        { readonly host: string | null; readonly scheme: string | null }
      >(true);
      // @ts-expect-error -- it was not asked for
      several.uri;
    },
  });
});

Deno.test("definePlugin refuses, when compiled, what a hook must not return", () => {
  // @ts-expect-error -- not a Response, not stop(…)
  definePlugin({ name: "number", onRequest: () => 403 });
  // @ts-expect-error -- nothing is undefined, not null
  definePlugin({ name: "null", onRequest: () => null });
  definePlugin({ name: "response", onRequest: async () => await Promise.resolve(new Response()) });
});

Deno.test("definePlugin refuses an onError that is misspelt: it would let requests through", () => {
  const definition = JSON.parse('{"name":"guard","onError":"Fail"}');
  assert.throws(() => definePlugin({ ...definition, onRequest: () => {} }), {
    name: "TypeError",
    message: /its onError is "Fail"/,
  });
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
