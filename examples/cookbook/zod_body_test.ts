import assert from "node:assert/strict";

import { testPlugin } from "@apisix-deno/plugin-runner/testing";

import plugin from "./zod_body.ts";

const route = testPlugin(plugin, { config: { maxBytes: 4_000 } });
const json = { "content-type": "application/json" };
const order = { email: "ann@example.com", items: [{ sku: "AB-7", count: 2 }] };

/** The problem that the client gets. */
async function problem(body: string | Uint8Array, headers: Record<string, string> = json) {
  const outcome = await route.request("/orders", { method: "POST", body, headers });
  assert.equal(outcome.headers.get("content-type"), "application/problem+json");
  const document = Object(outcome.json());
  assert.equal(document.status, outcome.status);
  return document;
}

Deno.test("the upstream gets what was validated, with what was missing", async () => {
  const body = { ...order, items: [{ sku: "AB-7" }], note: "  by noon " };
  const { upstream } = await route.request("/orders", { body });
  assert.deepEqual(upstream.json(), {
    email: "ann@example.com",
    items: [{ sku: "AB-7", count: 1 }],
    note: "by noon",
  });
});

Deno.test("of two members with one name the upstream sees the one that was validated", async () => {
  const body = '{"email":"x","email":"ann@example.com","items":[{"sku":"AB-7","count":2}]}';
  const { upstream } = await route.request("/orders", { body, headers: json });
  assert.equal(upstream.text(), JSON.stringify(order));
});

Deno.test("the client learns what is wrong, and where", async () => {
  const wrong = { email: "ann", items: [{ sku: "ab", count: 0 }], "a/b~": 1 };
  const { title, errors } = await problem(JSON.stringify(wrong));
  assert.equal(title, "The order is not valid");
  assert.deepEqual(errors.map(({ pointer }: { pointer: string }) => pointer), [
    "/email",
    "/items/0/sku",
    "/items/0/count",
    "",
  ]);
  assert.match(errors[1].detail, /two capital letters/);
  assert.match(errors[3].detail, /Unrecognized key: "a\/b~"/);
});

Deno.test("a value that is no object, and a missing one, are refused", async () => {
  for (const body of ["null", "[]", "7", '"text"']) assert.equal((await problem(body)).status, 422);
  const none = await route.request("/orders", { method: "POST", headers: json });
  assert.equal(none.status, 400);
});

Deno.test("many mistakes do not make a long answer", async () => {
  const items = Array.from({ length: 50 }, () => ({ sku: "x", count: -1 }));
  const { errors } = await problem(JSON.stringify({ ...order, items }));
  assert.equal(errors.length, 10);
});

Deno.test("what is not JSON in UTF-8 is refused", async () => {
  for (const body of ["{", "a=1", "\ufeff{}", "[".repeat(3_000)]) {
    assert.equal((await problem(body)).status, 400, body);
  }
  assert.equal((await problem(Uint8Array.of(0x22, 0xff, 0x22))).status, 400);
});

Deno.test("another type, and what is too large, is refused", async () => {
  assert.equal((await problem("{}", { "content-type": "text/plain" })).status, 415);
  const large = " ".repeat(4_001);
  assert.equal((await problem(large)).status, 413);
  assert.equal((await problem(large, { ...json, "transfer-encoding": "chunked" })).status, 413);
});

Deno.test("members that every object has are unknown, too", async () => {
  const body = `{"__proto__":{"admin":true},${JSON.stringify(order).slice(1)}`;
  const { errors } = await problem(body);
  assert.deepEqual(errors, [{ pointer: "", detail: 'Unrecognized key: "__proto__"' }]);
});
