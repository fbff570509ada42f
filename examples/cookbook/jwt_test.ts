import assert from "node:assert/strict";

import { type PluginTester, testPlugin } from "@apisix-deno/plugin-runner/testing";
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";

import plugin from "./jwt.ts";

const SECRET = "a secret of thirty-two bytes, or more";
const claims = { issuer: "https://id.example", audience: "shop" };
const route = testPlugin(plugin, { config: { secret: SECRET, ...claims } });
const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });

/** Claims by name; `undefined` for one that is left out. */
type Claims = Readonly<Record<string, unknown>>;

/** Good claims; what is given replaces some. */
function payload(changes: Claims = {}): Claims {
  const now = Math.floor(Date.now() / 1000);
  return { sub: "ann", iss: claims.issuer, aud: claims.audience, exp: now + 60, ...changes };
}

function hs256(changes: Claims = {}, secret = SECRET): Promise<string> {
  return new SignJWT(payload(changes)).setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode(secret));
}

function bearer(token: string) {
  return { headers: { authorization: `Bearer ${token}` } };
}

/** A route whose keys a server hands out while a test runs. */
async function withKeys(
  answer: () => Response | Promise<Response>,
  run: (route: PluginTester) => Promise<void>,
): Promise<void> {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, answer);
  try {
    const jwks = `http://127.0.0.1:${server.addr.port}/keys`;
    await run(testPlugin(plugin, { config: { jwks, ...claims } }));
  } finally {
    await server.shutdown();
  }
}

async function keys(): Promise<Response> {
  return Response.json({ keys: [{ ...await exportJWK(publicKey), kid: "1", alg: "ES256" }] });
}

function es256(kid = "1"): Promise<string> {
  return new SignJWT(payload()).setProtectedHeader({ alg: "ES256", kid }).sign(privateKey);
}

Deno.test("a valid token passes, and the upstream learns whose it is", async () => {
  const token = await hs256();
  const headers = { authorization: `bearer ${token}`, "x-user": "root" };
  const { upstream } = await route.request("/", { headers });
  assert.deepEqual(upstream.headers.getAll("x-user"), ["ann"]);
});

Deno.test("without a token the client learns that it needs one", async () => {
  const outcome = await route.request("/");
  assert.equal(outcome.status, 401);
  assert.equal(outcome.headers.get("www-authenticate"), 'Bearer realm="api"');
});

Deno.test("wrong claims are refused", async () => {
  const wrong: Claims[] = [
    { exp: Math.floor(Date.now() / 1000) - 60 },
    { exp: undefined },
    { nbf: Math.floor(Date.now() / 1000) + 60 },
    { iss: "https://evil.example" },
    { iss: undefined },
    { aud: "bank" },
    { aud: undefined },
    { sub: undefined },
    { sub: "ann\r\nx-admin: 1" },
  ];
  for (const changes of wrong) {
    const outcome = await route.request("/", bearer(await hs256(changes)));
    assert.equal(outcome.status, 401, JSON.stringify(changes));
    assert.match(outcome.headers.get("www-authenticate") ?? "", /error="invalid_token"/);
  }
});

Deno.test("what is not signed with the secret is refused", async () => {
  const [header = "", body = "", signature = ""] = (await hs256()).split(".");
  const forged = [
    await hs256({}, "another secret of thirty-two bytes!!"),
    new UnsecuredJWT(payload()).encode(),
    await es256(),
    `${header}.${btoa(JSON.stringify(payload({ sub: "root" })))}.${signature}`,
    `${header}.${body}.`,
    `${header}.${body}`,
    "x",
    "x".repeat(8_000),
    "",
  ];
  for (const token of forged) {
    assert.equal((await route.request("/", bearer(token))).status, 401, token);
  }
});

Deno.test("two tokens, or another scheme, are refused", async () => {
  const token = await hs256();
  for (const authorization of [`Bearer ${token}, Bearer ${token}`, `Basic ${token}`, token]) {
    assert.equal((await route.request("/", { headers: { authorization } })).status, 401);
  }
});

Deno.test("a token is verified with the issuer's keys", async () => {
  await withKeys(keys, async (route) => {
    const { upstream } = await route.request("/", bearer(await es256()));
    assert.equal(upstream.headers.get("x-user"), "ann");
    assert.equal((await route.request("/", bearer(await es256("2")))).status, 401);
  });
});

Deno.test("a public key does not serve as a secret", async () => {
  await withKeys(keys, async (route) => {
    const token = await hs256({}, await exportSPKI(publicKey));
    assert.equal((await route.request("/", bearer(token))).status, 401);
  });
});

Deno.test("keys that cannot be fetched close the route", async () => {
  await withKeys(() => new Response("busy", { status: 500 }), async (route) => {
    await assert.rejects(route.request("/", bearer(await es256())), /Expected 200 OK/);
  });
});

Deno.test("a configuration that is not safe is refused", async () => {
  const refused = async (config: object, reason: RegExp) => {
    await assert.rejects(
      testPlugin(plugin, { config: { ...claims, ...config } }).request("/"),
      reason,
    );
  };
  await refused({}, /give either secret or jwks/);
  await refused({ secret: SECRET, jwks: "https://id.example/keys" }, /give either secret or jwks/);
  await refused({ secret: "short" }, /secret: HS256 needs at least 32 bytes/);
  await refused({ jwks: "http://id.example/keys" }, /jwks: an https URL is needed/);
  await refused({ secret: SECRET, issuer: "" }, /issuer/);
});
