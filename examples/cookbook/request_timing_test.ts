import assert from "node:assert/strict";

import { testPlugin } from "@apisix-deno/plugin-runner/testing";

import plugin from "./request_timing.ts";

const route = testPlugin(plugin);

Deno.test("upstream and client get the same id, and the client the time", async () => {
  const request = await route.request("/");
  const id = request.upstream.headers.get("x-request-id") ?? "";
  assert.match(id, /^[0-9a-f-]{36}$/);
  const response = await route.response({ request, body: "hello" });
  assert.equal(response.headers.get("x-request-id"), id);
  assert.match(response.headers.get("server-timing") ?? "", /^gateway;dur=\d+\.\d$/);
  assert.equal(response.text(), "hello");
});

Deno.test("requests that overlap keep their own ids", async () => {
  const requests = await Promise.all([route.request("/1"), route.request("/2")]);
  for (const request of requests.reverse()) {
    const response = await route.response({ request });
    const id = request.upstream.headers.get("x-request-id");
    assert.equal(response.headers.get("x-request-id"), id);
  }
});

Deno.test("an id of the client's is kept", async () => {
  const headers = { "x-request-id": "trace-0815" };
  const request = await route.request("/", { headers });
  assert.equal(request.upstream.headers.get("x-request-id"), "trace-0815");
  const response = await route.response({ request });
  assert.equal(response.headers.get("x-request-id"), "trace-0815");
});

Deno.test("what does not look like an id is replaced", async () => {
  for (const id of ["", "1", "x".repeat(65), "one, two!", "${jndi:ldap://x}", "caf\u00e9-1234"]) {
    const { upstream } = await route.request("/", { headers: { "x-request-id": id } });
    assert.match(upstream.headers.get("x-request-id") ?? "", /^[0-9a-f-]{36}$/, id);
  }
});

Deno.test("the upstream's own timing stays", async () => {
  const request = await route.request("/");
  const headers = { "server-timing": "db;dur=5" };
  const response = await route.response({ request, headers });
  assert.match(response.headers.get("server-timing") ?? "", /^db;dur=5, gateway;dur=/);
});

Deno.test("a response whose request was forgotten goes out without a time", async () => {
  const response = await route.response({ body: "hello" });
  assert.equal(response.status, 200);
  assert.equal(response.headers.has("server-timing"), false);
  assert.equal(response.text(), "hello");
});

Deno.test("without nginx' request_id the request goes on, with an id", async () => {
  const { upstream } = await route.request("/", { vars: { request_id: null } });
  assert.match(upstream.headers.get("x-request-id") ?? "", /^[0-9a-f-]{36}$/);
  assert.match(route.logs.at(-1)?.message ?? "", /request_id/);
});
