import assert from "node:assert/strict";

import { testPlugin } from "@apisix-deno/plugin-runner/testing";

import plugin from "./ab_split.ts";

const half = { experiment: "checkout", variants: { old: 1, new: 1 } };
const route = testPlugin(plugin, { config: half });

/** The variant that a visitor gets. */
async function variantOf(visitor: string, tester = route): Promise<string | null> {
  const headers = { cookie: `theme=dark; visitor=${visitor}` };
  const outcome = await tester.request("/", { headers });
  assert.equal(outcome.headers.has("set-cookie"), false);
  return outcome.upstream.headers.get("x-variant");
}

/** How many of some visitors get a variant. */
async function share(variant: string, config: typeof half): Promise<number> {
  const tester = testPlugin(plugin, { config });
  const visitors = Array.from({ length: 300 }, (_, i) => `visitor-${i}`);
  const variants = await Promise.all(visitors.map((visitor) => variantOf(visitor, tester)));
  return variants.filter((found) => found === variant).length / visitors.length;
}

Deno.test("a new client gets a cookie, and with it the same variant from then on", async () => {
  const first = await route.request("/");
  const [cookie = ""] = first.headers.getSetCookie();
  const [, visitor = ""] = /^visitor=([\w-]{36}); Path=\/; .*HttpOnly/.exec(cookie) ?? [];
  const variant = first.upstream.headers.get("x-variant");
  assert(variant === "old" || variant === "new");
  for (let i = 0; i < 3; i++) assert.equal(await variantOf(visitor), variant);
  assert.equal(await variantOf(visitor, testPlugin(plugin, { config: half })), variant);
});

Deno.test("clients are split by weight", async () => {
  assert(Math.abs(await share("new", half) - 0.5) < 0.1);
  assert(Math.abs(await share("new", { ...half, variants: { old: 90, new: 10 } }) - 0.1) < 0.05);
  assert.equal(await share("new", { ...half, variants: { old: 0, new: 1 } }), 1);
});

Deno.test("another experiment splits the same clients anew", async () => {
  const other = testPlugin(plugin, { config: { ...half, experiment: "search" } });
  const moved = await Promise.all(Array.from({ length: 100 }, async (_, i) => {
    return await variantOf(`visitor-${i}`) !== await variantOf(`visitor-${i}`, other);
  }));
  const count = moved.filter(Boolean).length;
  assert(count > 25 && count < 75, `${count}`);
});

Deno.test("a tester names the variant", async () => {
  for (const variant of ["old", "new"]) {
    const outcome = await route.request("/", { headers: { "x-variant": variant } });
    assert.equal(outcome.upstream.headers.get("x-variant"), variant);
    assert.equal(outcome.headers.has("set-cookie"), false);
  }
});

Deno.test("a variant that there is not is replaced", async () => {
  for (const variant of ["beta", "constructor", "old, new", ""]) {
    const { upstream } = await route.request("/", { headers: { "x-variant": variant } });
    assert.match(upstream.headers.get("x-variant") ?? "", /^(old|new)$/);
  }
});

Deno.test("a cookie that we did not make is replaced", async () => {
  for (const value of ["", "short", "x".repeat(65), "x".repeat(8_000), "caf\u00e9-caf\u00e9"]) {
    const outcome = await route.request("/", { headers: { cookie: `visitor=${value}` } });
    assert.equal(outcome.headers.getSetCookie().length, 1, value);
  }
  const other = await route.request("/", { headers: { cookie: "xvisitor=12345678" } });
  assert.equal(other.headers.getSetCookie().length, 1);
});

Deno.test("variants that cannot be picked are refused", async () => {
  const refused = async (variants: Record<string, number>, reason: RegExp) => {
    const config = { experiment: "checkout", variants };
    await assert.rejects(testPlugin(plugin, { config }).request("/"), reason);
  };
  await refused({}, /one must weigh more than 0/);
  await refused({ old: 0 }, /one must weigh more than 0/);
  await refused({ old: -1, new: 2 }, /variants\.old/);
  await refused({ "a b": 1 }, /variants\.a b: Invalid key/);
});
