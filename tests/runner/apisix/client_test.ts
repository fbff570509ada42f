/** The worker of APISIX that tools and tests play: when it connects, prepares and repeats. */

import assert from "node:assert/strict";

import { definePlugin, stop } from "../../../mod.ts";
import { ErrorCode } from "../../../protocol/errors.ts";
import { ApisixClient } from "../../../runner/apisix/client.ts";
import { RunnerError } from "../../../runner/apisix/exchange.ts";
import type { HttpRequest } from "../../../runner/apisix/http.ts";
import { MemoryRunner } from "../../../runner/apisix/memory_runner.ts";

const plugin = definePlugin({
  name: "path",
  async onRequest({ request, variable }) {
    if (request.path === "/fail") throw new Error("no");
    return stop(`${request.path} ${await variable("consumer_name")}`);
  },
});

const route = {
  plugins: [{ name: "path", value: "{}" }],
  variables: { consumer_name: "ann" },
};

function get(target: string): HttpRequest {
  return { method: "GET", target, headers: [], body: new Uint8Array(), clientIp: "127.0.0.1" };
}

/** A worker, the runner that it talks to, and how often it has connected. */
class Worker {
  connections = 0;
  runner = new MemoryRunner({ plugins: [plugin] });
  readonly apisix = new ApisixClient(() => {
    this.connections++;
    return this.runner.connect();
  });

  /** What the client gets. */
  async text(target: string): Promise<string> {
    const result = await this.apisix.request(route, get(target));
    assert(result.type === "stopped");
    return new TextDecoder().decode(result.response.body);
  }
}

Deno.test("a route is prepared once, and connections are used again", async () => {
  const worker = new Worker();
  assert.equal(await worker.text("/one"), "/one ann");
  assert.equal(worker.connections, 2);
  assert.equal(await worker.text("/two"), "/two ann");
  assert.equal(worker.connections, 2);
});

Deno.test("calls run at once, on connections of their own, and wait for one PrepareConf", async () => {
  const worker = new Worker();
  const targets = Array.from({ length: 5 }, (_, i) => `/${i}`);
  const texts = await Promise.all(targets.map((target) => worker.text(target)));
  assert.deepEqual(texts, targets.map((target) => `${target} ann`));
  assert.equal(worker.connections, 6);
  await Promise.all(targets.map((target) => worker.text(target)));
  assert.equal(worker.connections, 6);
});

Deno.test("a runner that does not know the token is asked to prepare again", async () => {
  const worker = new Worker();
  await worker.text("/one");
  worker.apisix.close();
  worker.runner = new MemoryRunner({ plugins: [plugin] });
  assert.equal(await worker.text("/two"), "/two ann");
});

Deno.test("an error has its code, and the number of its call", async () => {
  const worker = new Worker();
  await worker.text("/one");
  const error = await worker.text("/fail").catch((error: unknown) => error);
  assert(error instanceof RunnerError);
  assert.equal(error.code, ErrorCode.SERVICE_UNAVAILABLE);
  assert.equal(error.callId, 1);
  // It can go on: the connection is not used again, as with APISIX.
  assert.equal(await worker.text("/two"), "/two ann");
});
