import assert from "node:assert/strict";

import { testPlugin } from "@apisix-deno/plugin-runner/testing";

import plugin from "./redact.ts";

const route = testPlugin(plugin, { config: { fields: ["iban", "birthday"] } });
const json = { "content-type": "application/json" };

Deno.test("fields are hidden wherever they are, whatever is in them", async () => {
  const response = await route.response({
    status: 201,
    headers: { etag: '"1"', "x-kept": "1" },
    body: { name: "Ann", iban: "DE02", cards: [{ iban: { old: "DE03" } }, { birthday: null }] },
  });
  assert.equal(response.status, 201);
  assert.deepEqual(response.json(), {
    name: "Ann",
    iban: "***",
    cards: [{ iban: "***" }, { birthday: "***" }],
  });
  assert.equal(response.headers.get("content-type"), "application/json");
  assert.equal(response.headers.get("x-kept"), "1");
  assert.equal(response.headers.has("etag"), false);
});

Deno.test("names that are escaped, and names that come twice, are hidden", async () => {
  const body = '{"ib\\u0061n":"DE02","iban":"DE03","iban":"DE04"}';
  assert.equal((await route.response({ headers: json, body })).text(), '{"iban":"***"}');
});

Deno.test("numbers keep their digits", async () => {
  const body = '{"id":12345678901234567890,"sum":1.10,"zero":-0,"iban":1e400}';
  const response = await route.response({ headers: json, body });
  assert.equal(response.text(), '{"id":12345678901234567890,"sum":1.10,"zero":-0,"iban":"***"}');
});

Deno.test("a response without such fields stays as it is, byte for byte", async () => {
  const body = ' { "name": "Ann",\n "n": 1.0 }';
  const response = await route.response({ headers: { ...json, etag: '"1"' }, body });
  assert.equal(response.text(), body);
  assert.equal(response.headers.get("etag"), '"1"');
});

Deno.test("a response without a body passes", async () => {
  assert.equal((await route.response({ status: 204 })).status, 204);
  assert.equal((await route.response({ status: 302, headers: { location: "/" } })).status, 302);
});

Deno.test("what cannot be read is not let out", async () => {
  const deep = "[".repeat(100_000) + "]".repeat(100_000);
  const bodies = ['{"iban":"DE02"', Uint8Array.of(0x1f, 0x8b, 0x08), "\u0000", `{"iban":${deep}}`];
  for (const body of bodies) {
    const response = await route.response({ headers: json, body });
    assert.equal(response.status, 502);
    assert.deepEqual(response.json(), { error: "the response cannot be shown" });
  }
  assert.match(route.logs.at(-1)?.message ?? "", /cannot redact a response/);
});

Deno.test("other types are not let out unless the route says so", async () => {
  const page = { headers: { "content-type": "text/html" }, body: "<p>DE02</p>" };
  assert.equal((await route.response(page)).status, 502);
  assert.equal((await route.response({ body: '{"iban":"DE02"}' })).status, 502);
  const lenient = testPlugin(plugin, { config: { fields: ["iban"], others: "pass" } });
  assert.equal((await lenient.response(page)).text(), "<p>DE02</p>");
});

Deno.test("problem documents and their kind are JSON, too", async () => {
  for (const type of ["application/problem+json", "Application/JSON;charset=utf-8", "text/json"]) {
    const response = await route.response({
      headers: { "content-type": type },
      body: '{"iban":"DE02"}',
    });
    assert.equal(response.text(), '{"iban":"***"}', type);
  }
});

Deno.test("the upstream is asked for a whole body that is not compressed", async () => {
  const headers = { "accept-encoding": "gzip", range: "bytes=0-9", accept: "application/json" };
  const { upstream } = await route.request("/", { headers });
  assert.deepEqual([...upstream.headers.keys()], ["host", "accept"]);
});

Deno.test("a route that names no field is refused", async () => {
  await assert.rejects(
    testPlugin(plugin, { config: { fields: [] } }).request("/"),
    /fields: name at least one field/,
  );
});
