import assert from "node:assert/strict";

import { testPlugin } from "@apisix-deno/plugin-runner/testing";

import plugin from "./set_cookie.ts";

Deno.test("several cookies are added, each in a line of its own", async () => {
  const route = testPlugin(plugin, {
    config: {
      cookies: [
        { name: "__Host-seen", value: "1", maxAge: 86400 },
        { name: "theme", value: "dark%20blue", path: "/app", httpOnly: false, sameSite: "Strict" },
      ],
    },
  });
  const outcome = await route.request("/");
  assert.equal(outcome.stopped, false);
  assert.deepEqual(outcome.headers.getSetCookie(), [
    "__Host-seen=1; Path=/; Max-Age=86400; Secure; HttpOnly; SameSite=Lax",
    "theme=dark%20blue; Path=/app; Secure; SameSite=Strict",
  ]);
});

Deno.test("a cookie for a domain, and one that is deleted", async () => {
  const route = testPlugin(plugin, {
    config: {
      cookies: [
        { name: "site", value: "", domain: "example.com", secure: false, httpOnly: false },
        { name: "old", value: "", maxAge: 0 },
      ],
    },
  });
  assert.deepEqual((await route.request("/")).headers.getSetCookie(), [
    "site=; Path=/; Domain=example.com; SameSite=Lax",
    "old=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax",
  ]);
});

Deno.test("what would end a cookie, or begin another header, is refused", async () => {
  for (const value of ["a;b", "a b", 'a"b', "a,b", "a\r\nset-cookie: b", "é"]) {
    const route = testPlugin(plugin, { config: { cookies: [{ name: "a", value }] } });
    await assert.rejects(route.request("/"), /cookies\.0\.value: use encodeURIComponent/, value);
  }
  for (const path of ["/;Domain=example.com", "app", "/\n"]) {
    const route = testPlugin(plugin, { config: { cookies: [{ name: "a", value: "", path }] } });
    await assert.rejects(route.request("/"), /cookies\.0\.path/, path);
  }
});

Deno.test("cookies that browsers would drop are refused", async () => {
  const refused = async (
    cookie: { name: string; path?: string; domain?: string; secure?: boolean; sameSite?: "None" },
    reason: RegExp,
  ) => {
    const route = testPlugin(plugin, { config: { cookies: [{ value: "1", ...cookie }] } });
    await assert.rejects(route.request("/"), reason);
  };
  await refused({ name: "a", sameSite: "None", secure: false }, /sameSite None needs secure/);
  await refused({ name: "__Secure-a", secure: false }, /__Secure- or __Host- needs secure/);
  await refused({ name: "__Host-a", path: "/app" }, /needs the path "\/" and no domain/);
  await refused({ name: "__Host-a", domain: "example.com" }, /needs the path "\/" and no domain/);
});

Deno.test("a route without cookies is refused", async () => {
  await assert.rejects(
    testPlugin(plugin, { config: { cookies: [] } }).request("/"),
    /cookies: name at least one cookie/,
  );
});
