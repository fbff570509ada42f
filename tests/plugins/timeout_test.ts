import assert from "node:assert/strict";

import { PluginError } from "../../plugins/chain.ts";
import {
  definePlugin,
  type HookResult,
  type Plugin,
  type RequestContext,
  type ResponseContext,
  stop,
} from "../../plugins/mod.ts";
import {
  chainOf,
  FakeHost,
  onRequest,
  onResponse,
  requestMessage,
  responseMessage,
  rewriteOf,
  stopOf,
  text,
  texts,
  utf8,
} from "./_calls.ts";

/** A hook that waits until the test lets it go on, and may then do something too late. */
class SlowHook<Context> {
  readonly #begun = Promise.withResolvers<void>();
  readonly #released = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #before: (context: Context) => unknown;
  readonly #after: (context: Context) => unknown;

  constructor(
    { before = () => {}, after = () => {} }: {
      before?: (context: Context) => unknown;
      after?: (context: Context) => unknown;
    } = {},
  ) {
    this.#before = before;
    this.#after = after;
  }

  /** Settles when the hook waits. */
  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  readonly run = async (context: Context): Promise<void> => {
    await this.#before(context);
    this.#begun.resolve();
    await this.#released.promise;
    try {
      await this.#after(context);
    } finally {
      this.#ended.resolve();
    }
  };

  /** Lets the hook go on, and waits for its end. */
  async release(): Promise<void> {
    this.#released.resolve();
    await this.#ended.promise;
  }
}

/** A plugin with a timeout that lets the others go on. */
function patient(onRequest: (context: RequestContext) => Promise<void>): Plugin {
  return definePlugin({ name: "slow", timeout: 200, onError: "continue", onRequest });
}

Deno.test("timeout fails a hook that takes longer, naming plugin, phase and milliseconds", async () => {
  const never = () => new Promise<void>(() => {});
  const chain = await chainOf(
    definePlugin({ name: "slow", timeout: 200, onRequest: never, onResponse: never }),
    definePlugin({ name: "next", onRequest: () => stop("ran"), onResponse: () => stop("ran") }),
  );
  for (const phase of ["onRequest", "onResponse"] as const) {
    const host = new FakeHost();
    const reply = phase === "onRequest"
      ? chain.request(requestMessage(), host)
      : chain.response(responseMessage(), host);
    assert.deepEqual([...host.watched.values()], [200]);
    host.expire();
    await assert.rejects(async () => await reply, (error) => {
      assert(error instanceof PluginError);
      assert.equal(error.plugin, "slow");
      assert.equal(error.phase, phase);
      assert.equal(
        error.message,
        `${phase} of the plugin "slow" failed: it took longer than its 200 ms`,
      );
      return true;
    });
  }
});

Deno.test("timeout lets the next hook run where onError says so, and logs it", async () => {
  const host = new FakeHost();
  const chain = await chainOf(
    patient(() => new Promise(() => {})),
    onRequest(() => stop("next"), "next"),
  );
  const reply = chain.request(requestMessage(), host);
  host.expire();
  assert.equal(text(stopOf(await reply).body ?? ""), "next");
  const [line] = host.lines;
  assert.equal(line?.level, "error");
  assert.equal(line.plugin, "slow");
  assert.equal(
    line.message,
    'onRequest of the plugin "slow" failed: it took longer than its 200 ms; going on, as its ' +
      "onError says",
  );
});

Deno.test("timeout costs nothing where no promise is returned, or none is declared", async () => {
  const host = new FakeHost();
  const chain = await chainOf(
    definePlugin({ name: "quick", timeout: 200, onRequest: () => {} }),
    onRequest(async () => await Promise.resolve(), "unlimited"),
  );
  let watches = 0;
  host.watch = () => (watches++, () => {});
  await chain.request(requestMessage(), host);
  assert.equal(watches, 0);
});

Deno.test("timeout is not watched any more when the hook has ended, however it ended", async () => {
  const ends: (() => Promise<HookResult>)[] = [
    () => Promise.resolve(),
    () => Promise.resolve(stop("answer")),
    () => Promise.resolve(new Response("answer")),
    () => Promise.reject(new Error("boom")),
  ];
  for (const onRequest of ends) {
    const host = new FakeHost();
    const plugin = definePlugin({ name: "timed", timeout: 200, onError: "continue", onRequest });
    const reply = (await chainOf(plugin)).request(requestMessage(), host);
    assert.equal(host.watched.size, 1);
    await reply;
    assert.equal(host.watched.size, 0);
  }
});

Deno.test("timeout keeps what the hook did in time, and nothing that it does later", async () => {
  const refused: string[] = [];
  const slow = new SlowHook<RequestContext>({
    before({ request, responseHeaders, state }) {
      request.headers.set("x-in-time", "1");
      request.query.set("in-time", "1");
      responseHeaders.set("x-in-time", "1");
      state.set("in-time", 1);
    },
    after({ request, responseHeaders, state }) {
      const edits: [string, () => void][] = [
        ["headers.set", () => request.headers.set("x-late", "1")],
        ["headers.delete", () => request.headers.delete("x-next")],
        ["query.set", () => request.query.set("late", "1")],
        ["path", () => request.path = "/late"],
        ["setBody", () => request.setBody("late")],
        ["responseHeaders", () => responseHeaders.set("x-late", "1")],
      ];
      for (const [what, edit] of edits) {
        assert.throws(edit, {
          message: "Cannot change the call: the hook was given up, as it took longer than its " +
            "200 ms",
        });
        refused.push(what);
      }
      state.set("late", 1);
      // To look is no harm as long as the call lasts.
      assert.equal(request.path, "/a");
    },
  });
  const seen: unknown[] = [];
  const chain = await chainOf(
    patient(slow.run),
    onRequest(async ({ request, state }) => {
      await slow.release();
      seen.push(request.headers.get("x-in-time"), state.get("in-time"), state.get("late"));
      request.headers.set("x-next", "2");
    }, "next"),
  );
  const host = new FakeHost();
  const reply = chain.request(requestMessage({ path: "/a" }), host);
  await slow.begun;
  host.expire();
  const { path, headers, args, respHeaders, body } = rewriteOf(await reply);
  assert.equal(refused.length, 6);
  assert.deepEqual(seen, ["1", 1, undefined]);
  assert.deepEqual(texts(headers), [["x-in-time", "1"], ["x-next", "2"]]);
  assert.deepEqual(texts(args), [["in-time", "1"]]);
  assert.deepEqual(texts(respHeaders), [["x-in-time", "1"]]);
  assert.equal(path, null);
  assert.equal(body, null);
});

Deno.test("timeout keeps path and body that were set in time", async () => {
  const slow = new SlowHook<RequestContext>({
    before({ request }) {
      request.path = "/set";
      request.setBody("set");
    },
  });
  const chain = await chainOf(
    patient(slow.run),
    onRequest(async ({ request }) => {
      assert.equal(request.path, "/set");
      assert.equal(await request.text(), "set");
    }, "next"),
  );
  const host = new FakeHost();
  const reply = chain.request(requestMessage({ path: "/a" }), host);
  await slow.begun;
  host.expire();
  const { path, body } = rewriteOf(await reply);
  assert.equal(path, "/set");
  assert.equal(text(body ?? ""), "set");
});

Deno.test("timeout keeps what was found out of the path, and whose response headers are ignored", async () => {
  const slow = new SlowHook<RequestContext>({
    before: ({ responseHeaders }) => responseHeaders.set("location", "/"),
  });
  let path = "";
  const chain = await chainOf(
    patient(slow.run),
    onRequest(({ request }) => void (path = request.path)),
  );
  const host = new FakeHost({ variables: { upstream_uri: "/a%20b" } });
  const reply = chain.request(requestMessage({ path: "/a%20b" }), host);
  await slow.begun;
  host.expire();
  await reply;
  assert.equal(path, "/a b");
  assert.match(host.warnings.join(), /"slow" sets response headers that APISIX ignores.*location/);
});

Deno.test("timeout keeps a response as the hook left it in time", async () => {
  let refused = 0;
  const slow = new SlowHook<ResponseContext>({
    before({ response }) {
      response.status = 201;
      response.headers.set("x-in-time", "1");
    },
    after({ response }) {
      const edits = [
        () => response.status = 500,
        () => response.headers.delete("content-type"),
        () => response.setBody("late"),
      ];
      for (const edit of edits) {
        assert.throws(edit, /Cannot change the call/);
        refused++;
      }
    },
  });
  const chain = await chainOf(
    definePlugin({ name: "slow", timeout: 200, onError: "continue", onResponse: slow.run }),
    onResponse(() => slow.release(), "next"),
  );
  const host = new FakeHost({ probeHead: false });
  const reply = chain.response(responseMessage({ headers: [["content-type", "text/html"]] }), host);
  await slow.begun;
  host.expire();
  const { status, headers, body } = await reply;
  assert.equal(refused, 3);
  assert.equal(status, 201);
  assert.deepEqual(texts(headers), [["content-type", "text/html"], ["x-in-time", "1"]]);
  assert.equal(body, null);
});

Deno.test("timeout does not lose that the upstream's body is empty", async () => {
  // Without a body on either side APISIX would ask the upstream again (protocol.md §10.4).
  const answered = Promise.withResolvers<void>();
  const host = new FakeHost({
    variables: { request_method: "GET" },
    responseBody: new Uint8Array(),
    before: (what) => what === "respBody" ? answered.promise : undefined,
  });
  const chain = await chainOf(definePlugin({
    name: "slow",
    timeout: 200,
    onError: "continue",
    onResponse: async ({ response }) => void await response.bytes(),
  }));
  const reply = chain.response(responseMessage(), host);
  host.expire();
  answered.resolve();
  assert.equal((await reply).body?.length, 1);
  assert.deepEqual(host.questions.filter((what) => what === "respBody"), ["respBody"]);
});

Deno.test("timeout aborts the signal of the hook, and of no other", async () => {
  const signals: AbortSignal[] = [];
  const chain = await chainOf(
    definePlugin({
      name: "before",
      timeout: 200,
      onRequest: async ({ signal }) => {
        signals.push(signal);
        await Promise.resolve();
      },
    }),
    patient(({ signal }) => {
      signals.push(signal);
      return new Promise(() => {});
    }),
    definePlugin({
      name: "next",
      timeout: 200,
      onRequest: ({ signal }) => void signals.push(signal),
    }),
    onRequest(({ signal }) => void signals.push(signal), "unlimited"),
  );
  const host = new FakeHost();
  const reply = chain.request(requestMessage(), host);
  while (signals.length < 2) await Promise.resolve();
  host.expire();
  await reply;
  assert.deepEqual(signals.map(({ aborted }) => aborted), [false, true, false, false]);
  assert.equal(signals[1]?.reason.name, "TimeoutError");
  host.giveUp();
  assert.deepEqual(signals.map(({ aborted }) => aborted), [true, true, true, true]);
});

Deno.test("timeout gives a signal that has aborted to a hook that looks too late", async () => {
  let late: AbortSignal | null = null;
  const slow = new SlowHook<RequestContext>({ after: ({ signal }) => late = signal });
  const host = new FakeHost();
  const reply = (await chainOf(patient(slow.run))).request(requestMessage(), host);
  await slow.begun;
  host.expire();
  await reply;
  await slow.release();
  assert.equal(AbortSignal.any(late === null ? [] : [late]).aborted, true);
});

Deno.test("timeout takes the call out of the hook's hands before its signal aborts", async () => {
  const tried: string[] = [];
  const chain = await chainOf(patient(({ signal, request }) => {
    signal.addEventListener("abort", () => {
      assert.throws(() => request.headers.set("x-late", "1"), /Cannot change the call/);
      tried.push("abort");
    });
    return new Promise(() => {});
  }));
  const host = new FakeHost();
  const reply = chain.request(requestMessage(), host);
  host.expire();
  assert.equal((await reply).action, null);
  assert.deepEqual(tried, ["abort"]);
});

Deno.test("timeout lets a hook that is too late ask APISIX no more", async () => {
  const slow = new SlowHook<RequestContext>({
    async after({ request, variable, shared }) {
      await assert.rejects(variable("late"), { name: "TimeoutError" });
      await assert.rejects(request.text(), { name: "TimeoutError" });
      await assert.rejects(shared(), { name: "TimeoutError" });
    },
  });
  const host = new FakeHost();
  const chain = await chainOf(patient(slow.run), onRequest(() => slow.release(), "next"));
  const reply = chain.request(requestMessage(), host);
  await slow.begun;
  host.expire();
  await reply;
  assert.deepEqual(host.questions, []);
});

Deno.test("timeout keeps answers that came in time for the hooks behind", async () => {
  const slow = new SlowHook<RequestContext>({ before: ({ variable }) => variable("host") });
  const host = new FakeHost({ variables: { host: "h" } });
  const chain = await chainOf(
    patient(slow.run),
    onRequest(async ({ variable }) => assert.equal(await variable("host"), "h"), "next"),
  );
  const reply = chain.request(requestMessage(), host);
  await slow.begun;
  host.expire();
  await reply;
  assert.deepEqual(host.questions, ["host"]);
});

Deno.test("timeout cuts a hook off from what the phases share, but keeps what it put there", async () => {
  const stores: Map<string, unknown>[] = [];
  const slow = new SlowHook<RequestContext>({
    before: async ({ shared }) => {
      const store = await shared();
      store.set("in-time", 1);
      stores.push(store);
    },
    after: () => stores[0]?.set("late", 1),
  });
  const host = new FakeHost({ variables: { request_id: "r" } });
  const chain = await chainOf(
    patient(slow.run),
    onRequest(async ({ shared }) => {
      await slow.release();
      assert.deepEqual([...await shared()], [["in-time", 1]]);
    }, "next"),
  );
  const reply = chain.request(requestMessage(), host);
  await slow.begun;
  host.expire();
  await reply;
  assert.deepEqual([...host.shared.of("r").keys()], ["in-time"]);
});

Deno.test("timeout makes nothing of what a hook returns or throws too late", async () => {
  const results: (() => HookResult)[] = [
    () => stop("late"),
    () => {
      throw new Error("late");
    },
  ];
  for (const result of results) {
    const late = Promise.withResolvers<void>();
    const chain = await chainOf(definePlugin({
      name: "slow",
      timeout: 200,
      onError: "continue",
      onRequest: () => late.promise.then(result),
    }));
    const host = new FakeHost();
    const reply = chain.request(requestMessage(), host);
    host.expire();
    late.resolve();
    assert.equal((await reply).action, null);
    assert.equal(host.lines.length, 1);
  }
});

Deno.test("timeout includes the body of a returned Response, and lets go of it", async () => {
  const cancelled: unknown[] = [];
  const body = () => new ReadableStream({ cancel: (reason) => void cancelled.push(reason.name) });
  for (const wait of [false, true]) {
    const chain = await chainOf(
      definePlugin({
        name: "slow",
        timeout: 200,
        onError: "continue",
        onRequest: () => wait ? Promise.resolve(new Response(body())) : new Response(body()),
      }),
      onRequest(() => stop("next"), "next"),
    );
    const host = new FakeHost();
    const reply = chain.request(requestMessage(), host);
    // The hook's promise has settled by then, and its body is waited for.
    await new Promise((resolve) => setTimeout(resolve, 0));
    host.expire();
    assert.equal(text(stopOf(await reply).body ?? ""), "next");
  }
  assert.deepEqual(cancelled, ["TimeoutError", "TimeoutError"]);
});

Deno.test("chain lets go of a Response that comes too late", async () => {
  for (const timeout of [200, undefined]) {
    const cancelled = Promise.withResolvers<void>();
    const late = Promise.withResolvers<Response>();
    const chain = await chainOf(definePlugin({
      name: "slow",
      ...(timeout === undefined ? {} : { timeout }),
      onRequest: () => late.promise,
    }));
    const host = new FakeHost();
    const reply = chain.request(requestMessage(), host);
    if (timeout === undefined) host.giveUp();
    else host.expire();
    late.resolve(new Response(new ReadableStream({ cancel: () => cancelled.resolve() })));
    await assert.rejects(async () => await reply, PluginError);
    await cancelled.promise;
  }
});

Deno.test("timeout leaves bytes that were asked for to who asked", async () => {
  const answered = Promise.withResolvers<void>();
  const host = new FakeHost({
    requestBody: utf8("body"),
    before: (what) => what === "reqBody" ? answered.promise : undefined,
  });
  const chain = await chainOf(
    patient(async ({ request }) => {
      await request.text();
      request.setBody("late");
    }),
    onRequest(async ({ request }) => assert.equal(await request.text(), "body"), "next"),
  );
  const reply = chain.request(requestMessage(), host);
  host.expire();
  answered.resolve();
  assert.equal((await reply).action, null);
  assert.deepEqual(host.questions, ["reqBody"]);
});
