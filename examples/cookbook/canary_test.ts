import assert from "node:assert/strict";

import { testPlugin } from "@apisix-deno/plugin-runner/testing";

import plugin from "./canary.ts";

const paths = { prefix: "/api/", to: "/canary/api/" };
const route = testPlugin(plugin, { config: paths });

Deno.test("who asks for the canary gets it, with all other arguments", async () => {
  const { upstream, headers } = await route.request("/api/users/7?canary=1&sort=name&flag");
  assert.equal(upstream.path, "/canary/api/users/7");
  assert.deepEqual([...upstream.query], [["sort", "name"], ["flag", ""]]);
  assert.equal(headers.get("x-canary"), "1");
});

Deno.test("other requests go where they went", async () => {
  const { upstream, headers } = await route.request("/api/users/7?sort=name&flag");
  assert.equal(upstream.target, "/api/users/7?sort=name&flag");
  assert.equal(headers.has("x-canary"), false);
});

Deno.test("another value, even a first one, is no request for the canary", async () => {
  for (const query of ["canary=0", "canary", "canary=", "canary=0&canary=1", "Canary=1"]) {
    const { upstream } = await route.request(`/api/users?${query}`);
    assert.equal(upstream.path, "/api/users", query);
    assert.equal(upstream.query.has("canary"), false, query);
  }
});

Deno.test("other paths are left alone, also where they look alike", async () => {
  for (const path of ["/", "/apiary/", "/other/api/", "/API/users"]) {
    assert.equal((await route.request(`${path}?canary=1`)).upstream.path, path);
  }
});

Deno.test("paths keep what is encoded in them", async () => {
  const { upstream } = await route.request("/api/caf%C3%A9%20%3F/%25?canary=1");
  assert.equal(upstream.path, "/canary/api/café ?/%");
});

Deno.test("a percentage of the others gets the canary, unless they say no", async () => {
  const all = testPlugin(plugin, { config: { ...paths, percentage: 100 } });
  assert.equal((await all.request("/api/users")).upstream.path, "/canary/api/users");
  assert.equal((await all.request("/api/users?canary=0")).upstream.path, "/api/users");
});

Deno.test("wrong prefixes are refused", async () => {
  const refused = async (config: { prefix: string; to: string }, reason: RegExp) => {
    await assert.rejects(testPlugin(plugin, { config }).request("/"), reason);
  };
  await refused({ prefix: "/api", to: "/canary/" }, /prefix: starts and ends with/);
  await refused({ prefix: "/api/", to: "canary/" }, /to: starts and ends with/);
  await refused({ prefix: "/api/", to: "/api/canary/" }, /to must not begin with prefix/);
});
