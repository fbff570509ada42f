import assert from "node:assert/strict";
import { join } from "node:path";

import { bundledPlugins, definePlugin, serve, type ServeOptions, stop } from "../../mod.ts";
import { ApisixClient } from "../../runner/apisix/client.ts";
import { until } from "../e2e/_until.ts";
import { Files, plugin } from "../plugins/_files.ts";

/** What a plugin of a runner answers to `GET /`. */
async function answer(address: string, name: string): Promise<string> {
  const path = address.slice("unix:".length);
  const apisix = new ApisixClient(() => Deno.connect({ transport: "unix", path }));
  try {
    const result = await apisix.request(
      { plugins: [{ name, value: "{}" }] },
      {
        method: "GET",
        target: "/",
        headers: [],
        body: new Uint8Array(),
        clientIp: "127.0.0.1",
      },
    );
    assert(result.type === "stopped");
    return new TextDecoder().decode(result.response.body);
  } finally {
    apisix.close();
  }
}

function options(files: Files, more: Partial<ServeOptions>): ServeOptions {
  return {
    plugins: bundledPlugins,
    listen: `unix:${join(files.path, "runner.sock")}`,
    logFile: join(files.path, "log"),
    ...more,
  };
}

Deno.test("serve takes plugins of files, and takes them up when they change", async () => {
  await using files = await Files.make({
    "plugins/a.ts": plugin("a", "onRequest: () => stop('old')"),
  });
  const pluginPaths = [join(files.path, "plugins")];
  const runner = await serve(options(files, { pluginPaths, watch: true }));
  assert.equal(await answer(runner.address, "a"), "old");
  await files.write("plugins/a.ts", plugin("a", "onRequest: () => stop('new')"));
  await until(async () => await answer(runner.address, "a") === "new", "The new answer");
  await runner.shutdown();
  await runner.finished();
});

Deno.test("serve starts its plugins before it listens, and stops them after it has ended", async () => {
  await using files = await Files.make();
  const socket = join(files.path, "runner.sock");
  const journal: string[] = [];
  const isThere = () => Deno.lstat(socket).then(() => true, () => false);
  const note = async (what: string) => void journal.push(`${what} ${await isThere()}`);
  const plugins = [definePlugin({
    name: "noted",
    start: () => note("start"),
    stop: () => note("stop"),
    onRequest: () => stop("answer"),
  })];
  const runner = await serve(options(files, { plugins }));
  assert.equal(await answer(runner.address, "noted"), "answer");
  await runner.shutdown();
  assert.deepEqual(journal, ["start false", "stop false"]);
});

Deno.test("serve stops its plugins when it cannot listen", async () => {
  await using files = await Files.make({ "runner.sock": "not a socket" });
  const journal: string[] = [];
  const plugins = [definePlugin({
    name: "noted",
    start: () => void journal.push("start"),
    stop: () => void journal.push("stop"),
    onRequest() {},
  })];
  await assert.rejects(serve(options(files, { plugins })), { name: "StartError" });
  assert.deepEqual(journal, ["start", "stop"]);
});

Deno.test("serve rejects when a plugin file cannot be loaded, unless it is to go on", async () => {
  await using files = await Files.make({ "plugins/a.ts": "(" });
  const pluginPaths = [join(files.path, "plugins")];
  await assert.rejects(serve(options(files, { pluginPaths })), {
    name: "StartError",
    message: /^Cannot load .*a\.ts:1:2: syntax error/,
  });
  const runner = await serve(options(files, { pluginPaths, keepGoing: true }));
  await runner.shutdown();
  assert.match(await Deno.readTextFile(join(files.path, "log")), / ERROR Cannot load .*a\.ts:1:2/);
});
