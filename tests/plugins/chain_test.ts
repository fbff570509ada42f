import assert from "node:assert/strict";

import { PluginError } from "../../plugins/chain.ts";
import { definePlugin, type HookResult, stop } from "../../plugins/mod.ts";
import { Registry } from "../../plugins/registry.ts";
import {
  chainOf,
  configured,
  FakeHost,
  onRequest,
  onResponse,
  requestMessage,
  responseMessage,
  rewriteOf,
  stopOf,
  text,
  texts,
} from "./_calls.ts";

Deno.test("chain runs plugins in their order, and each sees what those before it did", async () => {
  const chain = await chainOf(
    onRequest(({ request }) => request.headers.append("x-order", "1")),
    onRequest(async ({ request }) => request.headers.append("x-order", await Promise.resolve("2"))),
    onRequest(({ request }) => request.headers.append("x-order", "3")),
  );
  const reply = await chain.request(requestMessage(), new FakeHost());
  assert.deepEqual(texts(rewriteOf(reply).headers), [["x-order", "1, 2, 3"]]);
});

Deno.test("chain of no plugin changes nothing, and asks nothing", async () => {
  const host = new FakeHost();
  const chain = await chainOf();
  assert.deepEqual(chain.request(requestMessage({ id: 5, path: "/%41" }), host), {
    id: 5,
    action: null,
  });
  assert.deepEqual(host.questions, []);
});

Deno.test("chain ends at the first answer", async () => {
  let ran = 0;
  const chain = await chainOf(
    onRequest(() => {}),
    onRequest(() => stop("no", { status: 403 })),
    onRequest(() => void ran++),
  );
  const reply = await chain.request(requestMessage({ id: 5 }), new FakeHost());
  assert.equal(reply.id, 5);
  assert.equal(stopOf(reply).status, 403);
  assert.equal(ran, 0);
});

Deno.test("chain forgets edits of the request when it ends with an answer", async () => {
  const chain = await chainOf(
    onRequest(({ request }) => request.headers.set("x-a", "1")),
    onRequest(() => stop("no")),
  );
  const { headers } = stopOf(await chain.request(requestMessage(), new FakeHost()));
  assert.deepEqual(headers, []);
});

Deno.test("chain gives no promise as long as no hook does", async () => {
  const edit = await chainOf(onRequest(({ request }) => request.headers.set("x-a", "1")));
  assert(!(edit.request(requestMessage(), new FakeHost()) instanceof Promise));
  const answer = await chainOf(onRequest(() => stop("no")));
  assert(!(answer.request(requestMessage(), new FakeHost()) instanceof Promise));
  const response = await chainOf(onResponse(({ response }) => response.setBody("x")));
  assert(!(response.response(responseMessage(), new FakeHost()) instanceof Promise));
});

Deno.test("chain waits for a hook that gives a promise, or anything like one", async () => {
  const host = new FakeHost();
  const chain = await chainOf(
    onRequest(async () => await Promise.resolve(), "first"),
    onRequest(() => thenable(stop("late")), "second"),
  );
  const reply = chain.request(requestMessage(), host);
  assert(reply instanceof Promise);
  assert.equal(text(stopOf(await reply).body ?? ""), "late");
  assert.deepEqual(host.waits, ["first onRequest", "second onRequest"]);
});

/** A promise that is none of ours. */
function thenable<Value>(value: Value): Promise<Value> {
  const promise = Promise.resolve(value);
  return {
    then: promise.then.bind(promise),
    catch: promise.catch.bind(promise),
    finally: promise.finally.bind(promise),
    [Symbol.toStringTag]: "Thenable",
  };
}

Deno.test("chain runs a plugin as often as the route names it, each with its configuration", async () => {
  const plugin = definePlugin({
    name: "add",
    config: (raw) => String(raw),
    onRequest: ({ config, request }) => request.query.append("q", config),
  });
  const chain = await new Registry([plugin]).prepare([
    { name: "add", value: '"one"' },
    { name: "add", value: '"two"' },
  ]);
  const host = new FakeHost();
  const reply = await chain.request(requestMessage(), host);
  assert.deepEqual(texts(rewriteOf(reply).args), [["q", "one"], ["q", "two"]]);
});

Deno.test("chain passes over plugins without a hook for the phase", async () => {
  let ran = "";
  const chain = await chainOf(
    onResponse(() => void (ran += "response")),
    onRequest(() => void (ran += "request")),
  );
  await chain.request(requestMessage(), new FakeHost());
  assert.equal(ran, "request");
  await chain.response(responseMessage(), new FakeHost());
  assert.equal(ran, "requestresponse");
});

/** Hooks that fail, with what is said of it. */
const FAILURES: [() => HookResult | Promise<HookResult>, RegExp][] = [
  [() => {
    throw new Error("boom");
  }, /boom/],
  [async () => await Promise.reject(new Error("boom")), /boom/],
  [() => {
    // deno-lint-ignore no-throw-literal -- plugins do
    throw "text";
  }, /threw text/],
  [() => {
    // deno-lint-ignore no-throw-literal -- plugins do
    throw null;
  }, /threw null/],
  [untyped(null), /it returned null/],
  [untyped(403), /it returned a number/],
  [untyped("no"), /it returned a string/],
  [untyped(false), /it returned a boolean/],
  [untyped([]), /it returned an array/],
  [untyped({ status: 403 }), /it returned an object/],
  [untyped(Promise.resolve(null)), /it returned null/],
  [() => Response.error(), /Response\.error\(\)/],
];

/** A hook in JavaScript, which no compiler keeps from returning nonsense. */
function untyped(result: unknown): () => HookResult {
  return new Function("result", "return () => result")(result);
}

Deno.test("chain fails closed when a hook throws or returns nonsense, naming plugin and phase", async () => {
  for (const [hook, expected] of FAILURES) {
    let ran = 0;
    const chain = await chainOf(
      definePlugin({ name: "guard", onRequest: hook, onResponse: hook }),
      definePlugin({ name: "next", onRequest: () => void ran++, onResponse: () => void ran++ }),
    );
    const calls = [
      ["onRequest", () => chain.request(requestMessage(), new FakeHost())],
      ["onResponse", () => chain.response(responseMessage(), new FakeHost())],
    ] as const;
    for (const [phase, call] of calls) {
      await assert.rejects(async () => await call(), (error) => {
        assert(error instanceof PluginError);
        assert.equal(error.plugin, "guard");
        assert.equal(error.phase, phase);
        assert.match(error.message, new RegExp(`^${phase} of the plugin "guard" failed: `));
        assert.match(error.message, expected);
        return true;
      });
    }
    assert.equal(ran, 0, "the plugin behind one that failed has run");
  }
});

Deno.test("chain goes on after a failure where the plugin declared it, and logs it", async () => {
  for (const [hook, expected] of FAILURES) {
    const host = new FakeHost();
    const chain = await chainOf(
      definePlugin({ name: "counter", onError: "continue", onRequest: hook }),
      onRequest(() => stop("next"), "next"),
    );
    const reply = await chain.request(requestMessage(), host);
    assert.equal(text(stopOf(reply).body ?? ""), "next");
    assert.equal(host.lines.length, 1);
    const [line] = host.lines;
    assert.equal(line?.level, "error");
    assert.equal(line.plugin, "counter");
    assert.match(line.message, expected);
    assert.match(line.message, /going on, as its onError says/);
  }
});

Deno.test("chain takes a Response, given at once or later", async () => {
  for (
    const hook of [
      () => Response.json({ a: 1 }, { status: 418 }),
      async () => await Promise.resolve(Response.json({ a: 1 }, { status: 418 })),
    ]
  ) {
    const chain = await chainOf(onRequest(hook));
    const action = stopOf(await chain.request(requestMessage(), new FakeHost()));
    assert.equal(action.status, 418);
    assert.deepEqual(texts(action.headers), [["content-type", "application/json"]]);
    assert.equal(text(action.body ?? ""), '{"a":1}');
  }
});

Deno.test("chain adds to an answer what earlier plugins added to the response", async () => {
  const chain = await chainOf(
    onRequest(({ responseHeaders }) => {
      responseHeaders.set("x-trace", "5");
      responseHeaders.set("content-type", "text/html");
      responseHeaders.append("set-cookie", "a=1");
      responseHeaders.append("vary", "x-a");
      responseHeaders.append("vary", "x-b");
    }),
    onRequest(() => stop({ error: "no" }, { headers: [["set-cookie", "b=2"], ["x-own", "6"]] })),
  );
  const { headers } = stopOf(await chain.request(requestMessage(), new FakeHost()));
  assert.deepEqual(texts(headers), [
    ["x-trace", "5"],
    ["set-cookie", "a=1"],
    ["vary", "x-a"],
    ["vary", "x-b"],
    ["set-cookie", "b=2"],
    ["x-own", "6"],
    ["content-type", "application/json"],
  ]);
});

Deno.test("chain leaves an answer as it was made, for the next request", async () => {
  const closed = stop("closed", { headers: { "x-own": "1" } });
  const chain = await chainOf(
    onRequest(({ request, responseHeaders }) => responseHeaders.set("x-path", request.path)),
    onRequest(() => closed),
  );
  for (const path of ["/a", "/b"]) {
    const reply = await chain.request(requestMessage({ path }), new FakeHost());
    assert.deepEqual(texts(stopOf(reply).headers), [["x-path", path], ["x-own", "1"]]);
  }
  assert.deepEqual(texts(closed.headers), [["x-own", "1"]]);
});

Deno.test("chain runs no hook once the call has ended, whatever the hook before it says", async () => {
  const settled: [string, () => HookResult | Promise<HookResult>][] = [
    ["nothing", () => {}],
    ["an answer", () => stop("late")],
    ["a failure", () => Promise.reject(new Error("aborted"))],
  ];
  for (const onError of ["fail", "continue"] as const) {
    for (const [what, result] of settled) {
      const host = new FakeHost();
      let ran = 0;
      const late = Promise.withResolvers<void>();
      const chain = await chainOf(
        definePlugin({
          name: "slow",
          onError,
          onRequest: async () => {
            await late.promise;
            return await result();
          },
        }),
        onRequest(() => void ran++),
      );
      const reply = chain.request(requestMessage(), host);
      host.giveUp();
      late.resolve();
      await assert.rejects(async () => await reply, PluginError, `${what}, ${onError}`);
      assert.equal(ran, 0, `a hook ran after ${what} that came too late, onError ${onError}`);
    }
  }
});

Deno.test("chain reads a returned body no longer than its call lasts", async () => {
  for (const phase of ["request", "response"] as const) {
    const [begun, cancelled] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const source = { pull: () => begun.resolve(), cancel: () => cancelled.resolve() };
    const silent = () => new Response(new ReadableStream(source, { highWaterMark: 0 }));
    const chain = await chainOf(
      definePlugin({ name: "silent", onRequest: silent, onResponse: silent }),
    );
    const host = new FakeHost();
    const reply = phase === "request"
      ? chain.request(requestMessage(), host)
      : chain.response(responseMessage(), host);
    await begun.promise;
    host.giveUp();
    await assert.rejects(async () => await reply, { message: /"silent" failed: too late/ });
    await cancelled.promise;
  }
});

Deno.test("chain refuses a returned body that no frame can hold, and names who returned it", async () => {
  const chunk = new Uint8Array(1_000_000);
  const endless = () =>
    new Response(new ReadableStream({ pull: (controller) => controller.enqueue(chunk) }));
  const chain = await chainOf(onResponse(endless, "endless"));
  await assert.rejects(async () => await chain.response(responseMessage(), new FakeHost()), {
    name: "PluginError",
    message: /^onResponse of the plugin "endless" failed: Cannot answer .* 16777152 bytes/,
  });
});

Deno.test("context is shared by the plugins of one call, not by calls", async () => {
  const seen: unknown[] = [];
  const chain = await chainOf(
    onRequest(({ state }) => {
      seen.push(state.get("user"));
      state.set("user", "jack");
    }),
    onRequest(({ state }) => void seen.push(state.get("user"))),
  );
  await chain.request(requestMessage(), new FakeHost());
  await chain.request(requestMessage(), new FakeHost());
  assert.deepEqual(seen, [undefined, "jack", undefined, "jack"]);
});

Deno.test("context has id, signal, configuration and a log of the plugin", async () => {
  const host = new FakeHost();
  const plugin = definePlugin({
    name: "context",
    onRequest({ id, signal, config, log }) {
      assert.equal(id, 4_294_967_295);
      assert.equal(signal, host.signal);
      assert.deepEqual(config, { a: 1 });
      log.warn("look", { at: "this" });
    },
  });
  const chain = await configured(plugin, { a: 1 });
  await chain.request(requestMessage({ id: 4_294_967_295 }), host);
  assert.deepEqual(host.lines, [
    { level: "warn", plugin: "context", message: "look", fields: { at: "this" } },
  ]);
});

Deno.test("context.variables gives a value for each name, and its functions can be taken apart", async () => {
  const host = new FakeHost({ variables: { host: "h", empty: "" } });
  const chain = await chainOf(onRequest(async ({ variable, variables }) => {
    assert.deepEqual(await variables("host", "empty", "absent"), {
      host: "h",
      empty: "",
      absent: null,
    });
    assert.equal(await variable("host"), "h");
  }));
  await chain.request(requestMessage(), host);
  assert.deepEqual(host.questions, ["host", "empty", "absent"]);
});
