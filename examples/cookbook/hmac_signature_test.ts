import assert from "node:assert/strict";
import { createHmac } from "node:crypto";

import { testPlugin } from "@apisix-deno/plugin-runner/testing";

import plugin from "./hmac_signature.ts";

const SECRET = "6d3c3a1fd4e84f0e9d1f8a52c7b06e95";
const route = testPlugin(plugin, {
  config: { keys: { shop: SECRET }, windowSeconds: 60, maxBytes: 1000 },
});

/** What is signed. */
interface Signed {
  readonly method?: string;
  readonly target?: string;
  /** How old the signature is, in seconds. */
  readonly age?: number;
  readonly body?: string | Uint8Array;
  readonly secret?: string;
}

/** The headers of a signature. */
function sign({ method = "POST", target = "/orders", age = 0, body = "", secret }: Signed = {}) {
  const date = String(Math.floor(Date.now() / 1000) - age);
  const signature = createHmac("sha256", secret ?? SECRET)
    .update(`${method}\n${target}\n${date}\n`).update(body).digest("hex");
  return { "x-key-id": "shop", "x-date": date, "x-signature": signature };
}

Deno.test("a signed request passes, with the key's id", async () => {
  const body = '{"n":1}';
  const target = "/orders/caf%C3%A9?b=2&a&a=%20";
  const { upstream } = await route.request(target, { body, headers: sign({ target, body }) });
  assert.equal(upstream.target, target);
  assert.equal(upstream.text(), body);
  assert.equal(upstream.headers.get("x-key-id"), "shop");
  assert.equal(upstream.headers.has("x-signature"), false);
});

Deno.test("a request without a body can be signed, and one whose body is not text", async () => {
  const get = await route.request("/orders", { headers: sign({ method: "GET" }) });
  assert.equal(get.stopped, false);
  const body = Uint8Array.of(0xff, 0x00, 0x0a);
  assert.equal((await route.request("/orders", { body, headers: sign({ body }) })).stopped, false);
});

Deno.test("each part that was changed on the way is noticed", async () => {
  const headers = sign({ body: "12" });
  const post = { method: "POST", body: "12", headers };
  assert.equal((await route.request("/orders", post)).stopped, false);
  const changed = [
    route.request("/orders", { ...post, method: "PUT" }),
    route.request("/orders?all=1", post),
    route.request("/%6frders", post),
    route.request("/orders", { ...post, body: "13" }),
    route.request("/orders", { method: "POST", headers }),
    route.request("/orders", {
      ...post,
      headers: { ...headers, "x-date": String(Number(headers["x-date"]) + 1) },
    }),
  ];
  for (const outcome of await Promise.all(changed)) {
    assert.equal(outcome.status, 401);
    assert.deepEqual(outcome.json(), { error: "the signature is missing or not valid" });
  }
});

Deno.test("an old signature is refused, and one from the future", async () => {
  for (const age of [70, -70, 1e9]) {
    const outcome = await route.request("/orders", { method: "POST", headers: sign({ age }) });
    assert.equal(outcome.status, 401, `${age}`);
  }
  for (const age of [50, -50]) {
    const outcome = await route.request("/orders", { method: "POST", headers: sign({ age }) });
    assert.equal(outcome.stopped, false, `${age}`);
  }
});

Deno.test("other keys, and what is no signature, are refused", async () => {
  const good = sign();
  const wrong: Record<string, string>[] = [
    {},
    sign({ secret: "another secret of thirty-two bytes" }),
    { ...good, "x-key-id": "bank" },
    { ...good, "x-key-id": "constructor" },
    { ...good, "x-date": "now" },
    { ...good, "x-date": "" },
    { ...good, "x-signature": "" },
    { ...good, "x-signature": good["x-signature"].slice(2) },
    { ...good, "x-signature": "z".repeat(64) },
    { ...good, "x-signature": "0".repeat(8_000) },
  ];
  for (const headers of wrong) {
    const outcome = await route.request("/orders", { method: "POST", headers });
    assert.equal(outcome.status, 401, JSON.stringify(headers));
  }
});

Deno.test("a body that is too large is refused, whether its length was told or not", async () => {
  const body = "x".repeat(1001);
  const headers = sign({ body });
  assert.equal((await route.request("/orders", { body, headers })).status, 413);
  const chunked = { ...headers, "transfer-encoding": "chunked" };
  assert.equal((await route.request("/orders", { body, headers: chunked })).status, 413);
});

Deno.test("short secrets are refused", async () => {
  const weak = testPlugin(plugin, { config: { keys: { shop: "secret" } } });
  await assert.rejects(weak.request("/"), /keys\.shop: at least 32 characters/);
});
