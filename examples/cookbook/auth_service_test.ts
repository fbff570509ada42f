import assert from "node:assert/strict";

import { type PluginTester, testPlugin } from "@apisix-deno/plugin-runner/testing";

import plugin from "./auth_service.ts";

const ann = { authorization: "Bearer ann" };

/** Runs a test with a service of its own. */
async function withService(
  service: (request: Request) => Response | Promise<Response>,
  run: (route: PluginTester) => Promise<void>,
): Promise<void> {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, service);
  try {
    const url = `http://127.0.0.1:${server.addr.port}/check`;
    await run(testPlugin(plugin, { config: { url } }));
  } finally {
    await server.shutdown();
  }
}

Deno.test("the service is asked, and the upstream learns who it is", async () => {
  const service = ({ headers }: Request) => {
    assert.equal(headers.get("authorization"), "Bearer ann");
    assert.equal(headers.get("x-forwarded-method"), "DELETE");
    assert.equal(headers.get("x-forwarded-uri"), "/orders/7?force=1");
    return new Response(null, { status: 204, headers: { "x-user": "ann" } });
  };
  await withService(service, async (route) => {
    const headers = { ...ann, "x-user": "root" };
    const outcome = await route.request("/orders/7?force=1", { method: "DELETE", headers });
    assert.deepEqual(outcome.upstream.headers.getAll("x-user"), ["ann"]);
  });
});

Deno.test("the client cannot say who it is where the service does not", async () => {
  await withService(() => new Response("ok"), async (route) => {
    const { upstream } = await route.request("/", { headers: { ...ann, "x-user": "root" } });
    assert.equal(upstream.headers.has("x-user"), false);
  });
});

Deno.test("the service's refusals go to the client", async () => {
  const service = () =>
    new Response("no", { status: 401, headers: { "www-authenticate": 'Bearer realm="x"' } });
  await withService(service, async (route) => {
    const outcome = await route.request("/", { headers: ann });
    assert.equal(outcome.status, 401);
    assert.equal(outcome.headers.get("www-authenticate"), 'Bearer realm="x"');
  });
  await withService(() => new Response("no", { status: 403 }), async (route) => {
    assert.equal((await route.request("/", { headers: ann })).status, 403);
  });
});

Deno.test("without credentials, or with some that cannot be sent on, nobody is asked", async () => {
  let asked = 0;
  await withService(() => new Response(`${++asked}`), async (route) => {
    assert.equal((await route.request("/")).status, 401);
    assert.equal(
      (await route.request("/", { headers: { authorization: "Bearer 猫" } })).status,
      401,
    );
  });
  assert.equal(asked, 0);
});

Deno.test("any other answer closes the route, a redirect too", async () => {
  for (const status of [201, 302, 404, 500]) {
    const service = ({ url }: Request) =>
      url.endsWith("/login")
        ? new Response("log in, please")
        : new Response(null, { status, headers: { location: "/login" } });
    await withService(service, async (route) => {
      await assert.rejects(route.request("/", { headers: ann }), RegExp(`answered ${status}`));
    });
  }
});

Deno.test("a service that is away closes the route", async () => {
  let away: PluginTester | undefined;
  await withService(() => new Response(), (route) => {
    away = route;
    return Promise.resolve();
  });
  await assert.rejects(async () => await away?.request("/", { headers: ann }), /Cannot ask http/);
});

Deno.test("a service that does not answer in time closes the route, and is let go", async () => {
  const { promise: letGo, resolve } = Promise.withResolvers<void>();
  const service = async ({ signal }: Request) => {
    signal.addEventListener("abort", () => resolve());
    await letGo;
    return new Response();
  };
  await withService(service, async (route) => {
    await assert.rejects(route.request("/", { headers: ann }), /500 ms/);
    await letGo;
  });
});

Deno.test("what is no URL of a service is refused", async () => {
  for (const url of ["auth", "file:///etc/passwd", ""]) {
    await assert.rejects(testPlugin(plugin, { config: { url } }).request("/"), /url: Invalid URL/);
  }
});
