import assert from "node:assert/strict";

import { testPlugin } from "@apisix-deno/plugin-runner/testing";

import plugin from "./geo_gate.ts";

const denying = testPlugin(plugin, { config: { deny: ["KP", "XX"] } });
const allowing = testPlugin(plugin, { config: { allow: ["NZ"] } });

/** The variables that nginx has for a client of a country. */
function from(country: string | null) {
  return { vars: { geoip2_data_country_code: country } };
}

Deno.test("a denied country is refused, others pass with their country", async () => {
  const refused = await denying.request("/", from("KP"));
  assert.equal(refused.status, 403);
  assert.deepEqual(refused.json(), { error: "not available in your country" });
  const passed = await denying.request("/", from("NZ"));
  assert.equal(passed.upstream.headers.get("x-country"), "NZ");
});

Deno.test("only allowed countries pass, in any case", async () => {
  assert.equal((await allowing.request("/", from("nz"))).upstream.headers.get("x-country"), "NZ");
  assert.equal((await allowing.request("/", from("KP"))).status, 403);
});

Deno.test("a client whose country is not known is refused", async () => {
  for (const country of [null, "", "-", "\n", "NZ,KP"]) {
    assert.equal((await denying.request("/", from(country))).status, 403, `${country}`);
  }
});

Deno.test("a client whose country is not known passes where the route says so", async () => {
  const lenient = testPlugin(plugin, { config: { deny: ["KP"], unknown: "allow" } });
  const { upstream } = await lenient.request("/", from(null));
  assert.equal(upstream.headers.get("x-country"), "ZZ");
});

Deno.test("what the client says of its country does not count", async () => {
  const headers = { "x-country": "NZ" };
  const passed = await denying.request("/", { headers, ...from("AU") });
  assert.deepEqual(passed.upstream.headers.getAll("x-country"), ["AU"]);
  assert.equal((await denying.request("/", { headers, ...from("KP") })).status, 403);
});

Deno.test("another variable can be named", async () => {
  const route = testPlugin(plugin, { config: { allow: ["NZ"], variable: "http_cf_ipcountry" } });
  const headers = { "cf-ipcountry": "NZ" };
  assert.equal((await route.request("/", { headers })).stopped, false);
});

Deno.test("a configuration that says nothing, or both, is refused", async () => {
  for (const config of [{}, { allow: ["NZ"], deny: ["KP"] }]) {
    await assert.rejects(testPlugin(plugin, { config }).request("/"), /give either allow or deny/);
  }
  await assert.rejects(
    testPlugin(plugin, { config: { deny: ["Korea"] } }).request("/"),
    /deny\.0: two capital letters/,
  );
});
