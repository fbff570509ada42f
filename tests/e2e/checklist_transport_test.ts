/**
 * The conformance checklist, items 1 to 18: lifecycle, transport and PrepareConf
 * (protocol.md §13.1). Left out, as only APISIX can see them:
 *
 * - 3 (it logs an exit code and starts the runner again), 6 (its shutdown is not blocked by a runner
 *   that ignores SIGTERM), 10 (503 when nobody listens), 18 (allow_degradation);
 * - 8, 9, 14 (its answers to replies that are cut off, or are errors: ours are neither);
 * - 16 (its schema refuses entries without a name or value).
 */

import assert from "node:assert/strict";
import { dirname, join } from "node:path";

import { ErrorCode } from "../../protocol/errors.ts";
import { ApisixClient } from "../../runner/apisix/client.ts";
import type { HttpRequest } from "../../runner/apisix/http.ts";
import {
  jsonOf,
  newKey,
  pairs,
  Peer,
  prepared,
  refusedWith,
  requested,
  rewriteOf,
  stopOf,
  textOf,
  use,
} from "./_peer.ts";
import { sharedRunners, testBoth, TestRunner } from "./_runner.ts";

const program = "test-runner";
const test = sharedRunners({ program });

const GET: HttpRequest = {
  method: "GET",
  target: "/",
  headers: [["Host", "localhost"]],
  body: new Uint8Array(),
  clientIp: "127.0.0.1",
};

test("13.1 #1 plugins see both variables of APISIX, and what is logged arrives", async (runner) => {
  const seen = jsonOf(stopOf(await requested(runner, [use("environment")])));
  assert(typeof seen === "object" && seen !== null && "env" in seen && "cwd" in seen);
  assert(typeof seen.env === "object" && seen.env !== null);
  assert.equal(Reflect.get(seen.env, "APISIX_LISTEN_ADDRESS"), `unix:${runner.path}`);
  assert.equal(Reflect.get(seen.env, "APISIX_CONF_EXPIRE_TIME"), "3600");
  assert.equal(Reflect.get(seen.env, "HOME"), undefined);
  assert.equal(seen.cwd, await Deno.realPath(join(runner.folder, "work")));
  assert.match(await runner.line(/Listening/), new RegExp(`address=unix:${runner.path}`));
});

testBoth("13.1 #2 a variable that nginx is told to keep reaches plugins", async (kind) => {
  await using runner = await TestRunner.start({ kind, program, env: { MY_ENV_VAR: "foo" } });
  const text = textOf(stopOf(await requested(runner, [use("environment")])));
  assert.match(text, /"MY_ENV_VAR":"foo"/);
});

testBoth("13.1 #4 after a restart each plugin of a route is prepared again", async (kind) => {
  const keys = ["pre-req", "post-req", "post-resp"].map((plugin) => newKey(plugin));
  await using first = await TestRunner.start({ kind, program });
  const before = await Promise.all(keys.map((key) => prepared(first, [use("inspect")], key)));
  await first.stop();
  await using second = await TestRunner.start({ kind, program, path: first.path });
  const after = await Promise.all(keys.map((key) => prepared(second, [use("inspect")], key)));
  assert.equal(new Set([...before, ...after]).size, 6);
});

testBoth("13.1 #5 SIGTERM ends a runner on the path that APISIX generates", async (kind) => {
  const folder = await Deno.makeTempDir({ prefix: "deno-runner-e2e-" });
  try {
    const path = join(folder, "conf", `apisix-${Deno.pid}.sock`);
    await Deno.mkdir(dirname(path));
    await using runner = await TestRunner.start({ kind, path });
    using peer = await Peer.connect(runner);
    await peer.prepare([use("say")]);
    peer.close();
    assert.deepEqual((await runner.stop("SIGTERM")).code, 0);
    await assert.rejects(Deno.lstat(path), Deno.errors.NotFound);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

test("13.1 #7 the three plugins of a route are prepared and called in turn", async (runner) => {
  using call = await Peer.connect(runner);
  using prepare = await Peer.connect(runner);
  const plugins = [use("look")];
  for (const plugin of ["pre-req", "post-req"]) {
    const token = await prepare.prepare(plugins, newKey(plugin));
    assert.equal((await call.request(token)).action, null);
  }
  const token = await prepare.prepare(plugins, newKey("post-resp"));
  const { status, body, headers } = await call.response(token);
  assert.deepEqual({ status, body }, { status: 0, body: null });
  assert.deepEqual(pairs(headers), [["Content-Type", "text/html"]]);
  assert.deepEqual(prepare.received, [1, 1, 1]);
  // Type 3: a HEAD request must be told from others (§10.4).
  assert.deepEqual(call.received, [2, 2, 3, 4]);
});

test("13.1 #11 a route without conf gets a token, and its calls change nothing", async (runner) => {
  using peer = await Peer.connect(runner);
  const token = await prepared(runner, null);
  assert.deepEqual(await peer.request(token, { id: 7 }), { id: 7, action: null });
});

test("13.1 #12 plugins run in the order of conf, also the same one twice", async (runner) => {
  const add = (value: string) => use("rewrite", { headers: { append: { "x-order": value } } });
  const { headers } = rewriteOf(await requested(runner, [add("foo"), add("cat"), add("dog")]));
  assert.deepEqual(pairs(headers), [["x-order", "foo, cat, dog"]]);
});

test("13.1 #13 each key has its token, which stays the same for the same content", async (runner) => {
  const plugins = [use("say", { body: "hello" })];
  const keys = [
    "route#1#ext-plugin-pre-req#21",
    "route#1#ext-plugin-pre-req#22",
    "global_rule#1#ext-plugin-post-req#21",
    "route&service&consumer#r1&s1&c1#ext-plugin-pre-req#12&34&56",
  ];
  const tokens = await Promise.all(keys.map((key) => prepared(runner, plugins, key)));
  assert.equal(new Set(tokens).size, keys.length);
  assert.deepEqual(await Promise.all(keys.map((key) => prepared(runner, plugins, key))), tokens);
  // Secrets can change a configuration without a new version (§6.1).
  assert.notEqual(await prepared(runner, [use("say", { body: "bye" })], keys[0]), tokens[0]);
});

test("13.1 #15 a call that is answered with code 2 succeeds once prepared anew", async (runner) => {
  using outer = await Peer.connect(runner);
  await refusedWith(ErrorCode.CONF_TOKEN_NOT_FOUND, outer.request(233));
  outer.close();
  using again = await Peer.connect(runner);
  const token = await prepared(runner, [use("say", { body: "hello" })]);
  assert.equal(textOf(stopOf(await again.request(token))), "hello");
});

test("13.1 #17 a token that one worker prepared serves all workers at once", async (runner) => {
  const token = await prepared(runner, [use("say", { body: "hello" })]);
  const texts = await Promise.all(Array.from({ length: 16 }, async (_, id) => {
    using peer = await Peer.connect(runner);
    const reply = await peer.request(token, { id });
    assert.equal(reply.id, id);
    return textOf(stopOf(reply));
  }));
  assert.deepEqual(texts, Array(16).fill("hello"));
});

testBoth("the client of the tools lives through the restart of its runner", async (kind) => {
  const route = { plugins: [use("say", { body: "hello" })] };
  await using first = await TestRunner.start({ kind });
  const client = new ApisixClient(() => first.connect());
  try {
    assert.equal((await client.request(route, GET)).type, "stopped");
    client.close();
    await first.stop();
    await using _second = await TestRunner.start({ kind, path: first.path });
    assert.equal((await client.request(route, GET)).type, "stopped");
  } finally {
    client.close();
  }
});
