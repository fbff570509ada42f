/**
 * The example as its comment says: compiled, started as APISIX starts it, and called.
 */

import assert from "node:assert/strict";
import { join } from "node:path";

import { ApisixClient } from "../../runner/apisix/client.ts";
import type { HttpRequest } from "../../runner/apisix/http.ts";
import { compile } from "../../tests/e2e/_compile.ts";
import { TestRunner } from "../../tests/e2e/_runner.ts";

const route = {
  plugins: [{ name: "api-key", value: JSON.stringify({ keys: { "key-1": "Ann" } }) }],
};

function get(...headers: readonly (readonly [string, string])[]): HttpRequest {
  return {
    method: "GET",
    target: "/hello",
    headers: [["Host", "localhost"], ...headers],
    body: new Uint8Array(),
    clientIp: "127.0.0.1",
  };
}

Deno.test("the compiled custom build lets only requests with a known key pass", async () => {
  const folder = await Deno.makeTempDir({ prefix: "deno-runner-build-" });
  try {
    const executable = join(folder, "my-runner");
    await compile("examples/custom-build/main.ts", executable);
    await using runner = await TestRunner.start({ kind: "binary", executable });
    const apisix = new ApisixClient(() => runner.connect());
    for (const request of [get(), get(["X-Api-Key", "no"]), get(["X-Api-Key", "constructor"])]) {
      const refused = await apisix.request(route, request);
      assert(refused.type === "stopped");
      assert.equal(refused.response.status, 401);
    }
    const passed = await apisix.request(route, get(["X-Api-Key", "key-1"]));
    assert(passed.type === "passed");
    assert.deepEqual(passed.request.headers, [["Host", "localhost"], ["x-owner", "Ann"]]);
    // The bundled plugins are in it as well.
    const say = { plugins: [{ name: "say", value: '{"body":"hello"}' }] };
    assert.equal((await apisix.request(say, get())).type, "stopped");
    apisix.close();
    assert.equal((await runner.stop()).code, 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
