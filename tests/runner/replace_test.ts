/**
 * `Dispatcher.replace`: other plugins in the place of those that are there, while calls go on.
 */

import assert from "node:assert/strict";

import { definePlugin, type Plugin, stop } from "../../plugins/mod.ts";
import { Registry } from "../../plugins/registry.ts";
import { ConfCache } from "../../runner/conf_cache.ts";
import { Dispatcher, type Peer, type Replaced } from "../../runner/dispatcher.ts";
import type { Preparation } from "../../runner/preparation.ts";
import type { Reply } from "../../runner/reply.ts";
import { onRequest, onResponse, stopOf, text } from "../plugins/_calls.ts";
import { asFrame, CALL_TIMEOUT, prepareFrame, requestFrame, TestRunner, turn } from "./_runner.ts";

const PEER: Peer = {
  ask: () => Promise.reject(new Error("APISIX cannot be asked here")),
  pending() {},
};

function call({ dispatcher }: { readonly dispatcher: Dispatcher }, confToken: number) {
  return dispatcher.dispatch(asFrame(requestFrame({ confToken })), PEER);
}

/** The body of an answer that came at once. */
function body(reply: Reply | Promise<Reply>): string {
  assert(!(reply instanceof Promise));
  assert(reply.type === "httpReqCall", JSON.stringify(reply));
  return text(stopOf(reply.resp).body ?? "");
}

function replace({ dispatcher }: TestRunner, ...plugins: readonly Plugin[]): Promise<Replaced> {
  return dispatcher.replace(new Registry(plugins));
}

/** Whether a promise has settled by now. */
async function hasSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  promise.then(() => settled = true);
  await turn();
  return settled;
}

/** A plugin that answers with its configuration. */
function saying(what: string, config: () => unknown = () => {}): Plugin {
  return definePlugin({
    name: "test",
    config: async (raw) => {
      await config();
      return raw;
    },
    onRequest: ({ config }) => stop(`${what} ${JSON.stringify(config)}`),
  });
}

const UNAVAILABLE: Reply = { type: "error", code: 1 };

Deno.test("replace lets tokens live on, with the new plugins and the same configurations", async () => {
  const runner = new TestRunner(saying("old"));
  const tokens = [
    await runner.prepareConf([["test", "1"]]),
    await runner.prepareConf([["test", "2"]]),
  ];
  await replace(runner, saying("new"));
  // At once: they were validated before.
  assert.deepEqual(tokens.map((token) => body(call(runner, token))), ["new 1", "new 2"]);
  assert.equal(await runner.prepareConf([["test", "1"]]), tokens[0]);
  const third = await runner.prepareConf([["test", "3"]]);
  assert.equal(body(call(runner, third)), "new 3");
  assert.deepEqual(runner.testLog.lines, []);
});

Deno.test("replace serves with the old plugins until the new ones have validated everything", async () => {
  const ready = Promise.withResolvers<void>();
  const runner = new TestRunner(saying("old"));
  const token = await runner.prepare("test");
  const replaced = replace(runner, saying("new", () => ready.promise));
  await turn();
  assert.equal(body(call(runner, token)), "old {}");
  ready.resolve();
  await replaced;
  assert.equal(body(call(runner, token)), "new {}");
});

Deno.test("replace takes along what APISIX prepares meanwhile", async () => {
  const ready = Promise.withResolvers<void>();
  const runner = new TestRunner(saying("old"));
  await runner.prepare("test");
  const replaced = replace(runner, saying("new", () => ready.promise));
  const token = await runner.prepareConf([["test", '"meanwhile"']]);
  assert.equal(body(call(runner, token)), 'old "meanwhile"');
  ready.resolve();
  await replaced;
  const reply = await call(runner, token);
  assert.equal(body(reply), 'new "meanwhile"');
});

Deno.test("replace lets calls wait for a validation that takes too long", async () => {
  const cache = new ConfCache<Preparation>({ expireSeconds: 3600 });
  const { deadlines, testLog: { log } } = new TestRunner();
  const registry = new Registry([saying("old")]);
  const dispatcher = new Dispatcher({
    registry,
    cache,
    deadlines,
    log,
    probeHead: false,
    renewalMs: 1,
  });
  const prepared = dispatcher.dispatch(asFrame(prepareFrame([["test", "1"]])), PEER);
  assert(!(prepared instanceof Promise) && prepared.type === "prepareConf");
  const ready = Promise.withResolvers<void>();
  await dispatcher.replace(new Registry([saying("new", () => ready.promise)]));
  const reply = call({ dispatcher }, prepared.token);
  assert.equal(await hasSettled(Promise.resolve(reply)), false);
  ready.resolve();
  assert.equal(body(await reply), "new 1");
});

Deno.test("replace lets calls that have begun end with the old plugins, and tells when", async () => {
  const goOn = Promise.withResolvers<void>();
  const slow = (what: string) => onRequest(() => goOn.promise.then(() => stop(what)), "slow");
  const runner = new TestRunner(slow("old"));
  const token = await runner.prepare("slow");
  const first = call(runner, token);
  const { callsEnded } = await replace(runner, slow("new"));
  const second = call(runner, token);
  const again = await replace(runner, slow("newest"));
  assert.equal(await hasSettled(callsEnded), false);
  assert.equal(await hasSettled(again.callsEnded), false);
  goOn.resolve();
  assert.equal(body(await first), "old");
  assert.equal(body(await second), "new");
  assert.equal(await hasSettled(callsEnded), true);
  assert.equal(await hasSettled(again.callsEnded), true);
  assert.equal(body(await call(runner, token)), "newest");
});

Deno.test("replace waits for the calls of all plugins before, not of the last ones only", async () => {
  const goOn = Promise.withResolvers<void>();
  const runner = new TestRunner(onRequest(() => goOn.promise, "slow"));
  const token = await runner.prepare("slow");
  const first = call(runner, token);
  await replace(runner, onRequest(() => {}, "slow"));
  const { callsEnded } = await replace(runner, onRequest(() => {}, "slow"));
  assert.equal(await hasSettled(callsEnded), false);
  goOn.resolve();
  await first;
  assert.equal(await hasSettled(callsEnded), true);
});

Deno.test("replace counts calls that are given up or fail as ended", async () => {
  const fails = Promise.withResolvers<void>();
  const runner = new TestRunner(
    onRequest(() => fails.promise, "fails"),
    onRequest(() => new Promise(() => {}), "hangs"),
  );
  const replies = [
    call(runner, await runner.prepare("fails")),
    call(runner, await runner.prepare("hangs")),
  ];
  const { callsEnded } = await replace(runner);
  fails.reject(new Error("no"));
  assert.equal(await hasSettled(callsEnded), false);
  runner.timers.advance(CALL_TIMEOUT);
  assert.deepEqual(await Promise.all(replies), [UNAVAILABLE, UNAVAILABLE]);
  assert.equal(await hasSettled(callsEnded), true);
});

Deno.test("replace has nothing to wait for where all calls end at once", async () => {
  const runner = new TestRunner(saying("old"));
  body(call(runner, await runner.prepare("test")));
  const { callsEnded } = await replace(runner, saying("new"));
  assert.equal(await hasSettled(callsEnded), true);
});

Deno.test("replace closes the routes whose configurations the new plugins refuse", async () => {
  const strict = saying("strict", () => {
    throw new Error("rate is missing");
  });
  const runner = new TestRunner(saying("old"), onRequest(() => stop("other"), "other"));
  const token = await runner.prepare("test");
  const other = await runner.prepare("other");
  await replace(runner, strict, onRequest(() => stop("other"), "other"));
  for (let i = 0; i < 3; i++) assert.deepEqual(await call(runner, token), UNAVAILABLE);
  assert.equal(body(call(runner, other)), "other");
  const [line, ...more] = runner.testLog.at("error");
  assert.deepEqual(more, []);
  assert.match(
    String(line?.message),
    /^Cannot use a configuration: plugin "test": rate is missing/,
  );
  assert.equal(line?.key, "route#1#ext-plugin-pre-req#21");

  // The same problem is not said again, and what is mended works.
  await replace(runner, strict);
  assert.equal(
    runner.testLog.at("error").filter(({ message }) => message === line.message).length,
    1,
  );
  await replace(runner, saying("mended"));
  assert.equal(body(call(runner, token)), "mended {}");
  await replace(runner, strict);
  assert.equal(
    runner.testLog.at("error").filter(({ message }) => message === line.message).length,
    2,
  );
});

Deno.test("replace closes the routes of plugins that are gone", async () => {
  const runner = new TestRunner(saying("old"));
  const token = await runner.prepare("test");
  await replace(runner);
  assert.deepEqual(await call(runner, token), UNAVAILABLE);
  assert.match(String(runner.testLog.at("error")[0]?.message), /plugin "test": not known/);
});

Deno.test("replace opens routes that had to wait for their plugin", async () => {
  const runner = new TestRunner();
  const token = await runner.prepare("test");
  assert.deepEqual(await call(runner, token), UNAVAILABLE);
  await replace(runner, saying("new"));
  assert.equal(body(call(runner, token)), "new {}");
});

Deno.test("replace leaves alone what the unchanged plugins of a route hold", async () => {
  let validated = 0;
  const calls: string[] = [];
  const counting = definePlugin({
    name: "counting",
    config: () => ({ calls: 0, number: ++validated }),
    onRequest({ config }) {
      calls.push(`call ${++config.calls} with ${config.number}`);
    },
  });
  const runner = new TestRunner(counting, saying("old"));
  const alone = await runner.prepare("counting");
  const both = await runner.prepare("counting", "test");
  for (let i = 1; i <= 2; i++) {
    for (const token of [alone, both]) call(runner, token);
    assert.deepEqual(calls.splice(0), [`call ${i} with 1`, `call ${i} with 2`]);
    await replace(runner, counting, saying("new"));
  }
});

Deno.test("replace warns of new code as if the route were new", async () => {
  const runner = new TestRunner(onResponse(() => {}, "test"));
  await runner.prepare("test");
  await replace(runner, onResponse(() => {}, "test"));
  await replace(runner, onRequest(() => {}, "test"));
  const warnings = runner.testLog.at("warn").map(({ message }) => message);
  assert.equal(warnings.length, 2);
  for (const warning of warnings) assert.match(String(warning), /"test" does nothing here/);
});
