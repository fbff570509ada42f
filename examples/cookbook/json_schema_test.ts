import assert from "node:assert/strict";

import { testPlugin } from "@apisix-deno/plugin-runner/testing";

import plugin from "./json_schema.ts";

const schema = {
  type: "object",
  required: ["sku", "count"],
  properties: {
    sku: { type: "string", pattern: "^[A-Z]{2}-[0-9]+$" },
    count: { type: "integer", minimum: 1, maximum: 100 },
    tags: { type: "array", items: { type: "string" }, maxItems: 3 },
  },
  additionalProperties: false,
};
const route = testPlugin(plugin, { config: { schema, maxBytes: 200 } });
const json = { "content-type": "application/json" };

/** What the client gets for a body that is not let through. */
async function refusal(body: string | Uint8Array, headers: Record<string, string> = json) {
  const outcome = await route.request("/orders", { method: "POST", body, headers });
  return { status: outcome.status, ...Object(outcome.json()) };
}

Deno.test("a body that fits goes on as it came", async () => {
  const body = ' { "count": 2,\n"sku": "AB-7", "tags": ["caf\u00e9"] }';
  const headers = { "content-type": "application/json; charset=utf-8" };
  const { upstream } = await route.request("/orders", { body, headers });
  assert.equal(upstream.text(), body);
});

Deno.test("the client learns what is wrong, and where", async () => {
  const wrong: [unknown, string, RegExp][] = [
    [{ sku: "AB-7" }, "", /required property 'count'/],
    [{ sku: "7", count: 1 }, "/sku", /must match pattern/],
    [{ sku: "AB-7", count: 0 }, "/count", /must be >= 1/],
    [{ sku: "AB-7", count: 1, tags: ["a", 1] }, "/tags/1", /must be string/],
    [{ sku: "AB-7", count: 1, admin: true }, "", /additional properties/],
    [[], "", /must be object/],
    [null, "", /must be object/],
  ];
  for (const [value, at, message] of wrong) {
    const refused = await refusal(JSON.stringify(value));
    assert.equal(refused.status, 422);
    assert.equal(refused.at, at);
    assert.match(refused.error, message);
  }
});

Deno.test("no body, and what is not JSON in UTF-8, is refused", async () => {
  const none = await route.request("/orders", { method: "POST", headers: json });
  assert.equal(none.status, 400);
  for (const body of ["", "{", "sku=1", "\ufeff{}", '{"sku":"AB-7","count":NaN}']) {
    if (body !== "") assert.equal((await refusal(body)).status, 400, body);
  }
  const invalid = Uint8Array.of(...new TextEncoder().encode('{"sku":"'), 0xff, 0x22, 0x7d);
  assert.equal((await refusal(invalid)).status, 400);
});

Deno.test("another type is refused", async () => {
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/jsonx"]) {
    assert.equal((await refusal("{}", { "content-type": type })).status, 415);
  }
  assert.equal((await route.request("/orders")).status, 415);
});

Deno.test("a body that is too large is refused, whether its length was told or not", async () => {
  const body = " ".repeat(201);
  assert.equal((await refusal(body)).status, 413);
  assert.equal((await refusal(body, { ...json, "transfer-encoding": "chunked" })).status, 413);
});

Deno.test("what every object has does not count as a member", async () => {
  const strict = testPlugin(plugin, {
    config: { schema: { type: "object", required: ["constructor"] } },
  });
  assert.equal((await strict.request("/", { body: {} })).status, 422);
  assert.equal((await strict.request("/", { body: { constructor: 1 } })).stopped, false);
});

Deno.test("a schema that refers to itself bears any depth", async () => {
  const tree = testPlugin(plugin, { config: { schema: { type: "array", items: { $ref: "#" } } } });
  assert.equal((await tree.request("/", { body: [[], [[]]] })).stopped, false);
  const body = "[".repeat(200_000) + "]".repeat(200_000);
  assert.equal((await tree.request("/", { body, headers: json })).status, 400);
});

Deno.test("schemas that cannot work are refused when the route is prepared", async () => {
  const refused = async (schema: Record<string, unknown>, reason: RegExp) => {
    await assert.rejects(testPlugin(plugin, { config: { schema } }).request("/"), reason);
  };
  await refused({ type: "objekt" }, /schema: .*data\/type must be equal to one of/);
  await refused({ requird: ["sku"] }, /schema: .*unknown keyword: "requird"/);
  await refused({ type: "string", format: "email" }, /schema: .*unknown format "email"/);
  await refused({ $ref: "https://example.com/schema" }, /schema: .*can't resolve reference/);
  await refused({ $async: true, type: "object" }, /schema: .*\$async is not possible here/);
});

Deno.test("two routes can have schemas with the same $id", async () => {
  const $id = "https://example.com/order";
  const one = testPlugin(plugin, { config: { schema: { $id, type: "object" } } });
  const other = testPlugin(plugin, { config: { schema: { $id, type: "array" } } });
  assert.equal((await one.request("/", { body: {} })).stopped, false);
  assert.equal((await other.request("/", { body: {} })).status, 422);
});
