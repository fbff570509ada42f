import assert from "node:assert/strict";
import { join } from "node:path";

import { definePlugin, type Plugin, serve, stop } from "../../mod.ts";
import { ApisixClient, type Route } from "../../runner/apisix/client.ts";
import type { HttpRequest, HttpResponse } from "../../runner/apisix/http.ts";

/** A runner of some plugins, and APISIX in front of it. */
async function withApisix(
  plugins: readonly Plugin[],
  use: (apisix: ApisixClient) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "deno-runner-phases-" });
  const path = join(folder, "runner.sock");
  const logFile = join(folder, "runner.log");
  const runner = await serve({ plugins, listen: `unix:${path}`, logFile });
  const apisix = new ApisixClient(() => Deno.connect({ transport: "unix", path }));
  try {
    await use(apisix);
  } finally {
    apisix.close();
    await runner.shutdown();
    await Deno.remove(folder, { recursive: true });
  }
}

/** A plugin on a route, for a client request that nginx has given a number. */
function routeOf(name: string, phase: string, request_id: string): Route {
  return {
    plugins: [{ name, value: "{}" }],
    key: `route#1#ext-plugin-${phase}#1`,
    variables: { request_id },
  };
}

function get(target: string): HttpRequest {
  return { method: "GET", target, headers: [], body: new Uint8Array(), clientIp: "127.0.0.1" };
}

const UPSTREAM: HttpResponse = {
  status: 200,
  headers: [["Content-Type", "text/plain"]],
  body: new TextEncoder().encode("hello"),
};

Deno.test("the phases of one request share a store, and requests at the same time do not", async () => {
  const trace = definePlugin({
    name: "trace",
    async onRequest({ request, shared }) {
      const steps = await shared();
      steps.set("steps", `${steps.get("steps") ?? ""}${request.path} `);
    },
    async onResponse({ response, shared }) {
      response.headers.set("x-steps", String((await shared()).get("steps")));
    },
  });
  await withApisix([trace], async (apisix) => {
    for (const phase of ["pre-req", "post-req"]) {
      for (const id of ["a", "b"]) {
        const result = await apisix.request(routeOf("trace", phase, id), get(`/${id}/${phase}`));
        assert.equal(result.type, "passed");
      }
    }
    for (const id of ["a", "b"]) {
      const route = routeOf("trace", "post-resp", id);
      const { headers } = await apisix.response(route, get(`/${id}`), UPSTREAM);
      const steps = headers.find(([name]) => name === "x-steps")?.[1];
      assert.equal(steps, `/${id}/pre-req /${id}/post-req`);
    }
  });
});

Deno.test("a hook that takes longer than its plugin says is skipped, and the request goes on", async () => {
  const slow = definePlugin({
    name: "slow",
    timeout: 1,
    onError: "continue",
    onRequest: ({ signal }) =>
      new Promise((resolve) => {
        signal.addEventListener("abort", () => resolve(stop("late")));
      }),
  });
  await withApisix([slow], async (apisix) => {
    const result = await apisix.request(routeOf("slow", "pre-req", "a"), get("/"));
    assert.equal(result.type, "passed");
  });
});
