/**
 * What authors test their plugins with: `testPlugin`, through its own door.
 */

import assert from "node:assert/strict";
import { z } from "zod";

import { definePlugin, type Plugin, stop } from "../../../mod.ts";
import { bundledPlugins } from "../../../plugins/bundled/mod.ts";
import { CallError, testPlugin } from "../../../runner/apisix/testing.ts";

/** A test that fails when a timer or the like is left behind. */
function test(name: string, fn: () => void | Promise<void>): void {
  Deno.test({ name, fn, sanitizeOps: true, sanitizeResources: true });
}

/** A plugin that does nothing but one thing with a request. */
function onRequest(hook: NonNullable<Parameters<typeof definePlugin>[0]["onRequest"]>): Plugin {
  return definePlugin({ name: "test", onRequest: hook });
}

/** A plugin that does nothing but one thing with a response. */
function onResponse(hook: NonNullable<Parameters<typeof definePlugin>[0]["onResponse"]>): Plugin {
  return definePlugin({ name: "test", onResponse: hook });
}

test("an answer has status, headers and body, as the client gets them", async () => {
  const plugin = onRequest(() =>
    stop({ error: "no" }, {
      status: 403,
      headers: [["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"], ["X-Why", "because"]],
    })
  );
  const outcome = await testPlugin(plugin).request("/");
  assert.equal(outcome.stopped, true);
  assert.equal(outcome.status, 403);
  assert.equal(outcome.headers.get("x-why"), "because");
  assert.equal(outcome.headers.get("Content-Type"), "application/json");
  assert.deepEqual(outcome.headers.getSetCookie(), ["a=1", "b=2"]);
  assert.equal(outcome.text(), '{"error":"no"}');
  assert.deepEqual(outcome.json(), { error: "no" });
  assert.equal(outcome.body.length, 14);
});

test("an answer without a body gets nginx' page, as with APISIX", async () => {
  const outcome = await testPlugin(onRequest(() => stop(null, { status: 401 }))).request("/");
  assert.equal(outcome.headers.get("content-type"), "text/html");
  assert.match(outcome.text(), /<h1>401 Authorization Required<\/h1>/);
});

test("what went on to the upstream has no answer, and says so", async () => {
  const outcome = await testPlugin(onRequest(() => {})).request("/a?b=c", { method: "PUT" });
  assert.equal(outcome.stopped, false);
  assert.equal(outcome.status, null);
  assert.throws(() => outcome.text(), {
    message: "There is no answer for the client: the request went on to the upstream, " +
      "as PUT /a?b=c",
  });
});

test("what a plugin answered has no upstream request, and says so", async () => {
  const outcome = await testPlugin(onRequest(() => stop("go\naway", { status: 403 }))).request("/");
  assert.throws(() => outcome.upstream, {
    message: "There is no request for the upstream: a plugin answered with 403: go",
  });
});

test("a rewrite gives the request that the upstream gets", async () => {
  const plugin = onRequest(async ({ request, responseHeaders }) => {
    request.path = "/new place";
    request.query.set("page", "2");
    request.query.delete("debug");
    request.headers.set("x-new", "Grüße ✓");
    request.headers.delete("cookie");
    request.setBody((await request.text()).toUpperCase());
    responseHeaders.append("vary", "x-new");
  });
  const outcome = await testPlugin(plugin).request("/old?page=1&debug=1&flag", {
    method: "PUT",
    headers: { cookie: "a=1", "X-List": ["one", "two"] },
    body: "hello ß",
  });
  const { upstream } = outcome;
  assert.equal(upstream.method, "PUT");
  assert.equal(upstream.path, "/new place");
  assert.equal(upstream.target, "/new%20place?page=2&flag");
  assert.equal(upstream.query.get("page"), "2");
  assert.equal(upstream.query.has("debug"), false);
  assert.deepEqual([...upstream.headers], [
    ["host", "localhost"],
    ["x-list", "one"],
    ["x-list", "two"],
    ["content-length", "8"],
    ["x-new", "Grüße ✓"],
  ]);
  assert.equal(upstream.text(), "HELLO SS");
  assert.deepEqual([...outcome.headers], [["vary", "x-new"]]);
});

test("what no plugin touches reaches the upstream as it was sent", async () => {
  const target = "/a%2Fb/../%7Ec?x=%20+&&y=&z";
  const { upstream } = await testPlugin(onRequest(() => {})).request(target, {
    headers: [["X-Same", "1"], ["x-same", "2"]],
    body: Uint8Array.of(0, 255),
  });
  assert.equal(upstream.target, target);
  assert.equal(upstream.method, "POST");
  assert.deepEqual(upstream.headers.getAll("X-Same"), ["1", "2"]);
  assert.deepEqual(upstream.body, Uint8Array.of(0, 255));
});

test("the plugin sees the request as APISIX shows it", async () => {
  const plugin = onRequest(async ({ request }) =>
    stop(JSON.stringify({
      method: request.method,
      path: request.path,
      query: [...request.query],
      headers: [...request.headers],
      clientIp: request.clientIp,
      body: await request.json(),
    }))
  );
  const outcome = await testPlugin(plugin).request(
    new URL("http://shop.example:9080/a//b/../c%20d?x=1&y=a%20b#part"),
    { headers: new Headers({ "X-One": "1" }), body: { n: [1, null] }, clientIp: "2001:db8::7" },
  );
  assert.deepEqual(outcome.json(), {
    method: "POST",
    path: "/a/c d",
    query: [["x", "1"], ["y", "a b"]],
    headers: [
      ["host", "shop.example:9080"],
      ["x-one", "1"],
      ["content-type", "application/json"],
      ["content-length", "14"],
    ],
    clientIp: "2001:db8::7",
    body: { n: [1, null] },
  });
});

for (
  const [given, seen] of [
    ["203.0.113.9", "203.0.113.9"],
    ["::1", "::1"],
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["::ffff:192.0.2.7", "::ffff:192.0.2.7"],
    ["unix:", "unix:"],
  ] as const
) {
  test(`the client's address can be ${given}`, async () => {
    const outcome = await testPlugin(onRequest(({ request }) => stop(request.clientIp)))
      .request("/", { clientIp: given });
    assert.equal(outcome.text(), seen);
  });
}

test("variables are those that are given, and those that follow from the request", async () => {
  const names = [
    "consumer_name",
    "request_method",
    "request_uri",
    "uri",
    "args",
    "host",
    "http_x_one",
    "arg_a",
    "arg_flag",
    "arg_none",
    "cookie_session",
    "remote_addr",
    "scheme",
    "nonsense",
    "constructor",
  ];
  const plugin = onRequest(async ({ variables }) => stop(await variables(...names)));
  const outcome = await testPlugin(plugin).request("/a%20b?a=1&flag", {
    headers: { host: "Shop.example:80", "x-one": "eins", cookie: "x=1; session=abc" },
    vars: { consumer_name: "ann", scheme: "https", remote_addr: null },
  });
  assert.deepEqual(outcome.json(), {
    consumer_name: "ann",
    request_method: "GET",
    request_uri: "/a%20b?a=1&flag",
    uri: "/a b",
    args: "a=1&flag",
    host: "shop.example",
    http_x_one: "eins",
    arg_a: "1",
    arg_flag: "true",
    arg_none: null,
    cookie_session: "abc",
    remote_addr: null,
    scheme: "https",
    nonsense: null,
    constructor: null,
  });
});

test("the response phase gives what the client gets", async () => {
  const plugin = onResponse(async ({ response, variable }) => {
    response.status = 201;
    response.headers.delete("x-powered-by");
    response.headers.append("set-cookie", "b=2");
    response.setBody(`${await response.text()}, ${await variable("request_method")}`);
  });
  const response = await testPlugin(plugin).response({
    headers: { "Content-Type": "text/plain", "X-Powered-By": "x", "Set-Cookie": "a=1" },
    body: "hello",
    method: "DELETE",
  });
  assert.equal(response.status, 201);
  assert.deepEqual([...response.headers], [
    ["content-type", "text/plain"],
    ["set-cookie", "a=1"],
    ["set-cookie", "b=2"],
  ]);
  assert.equal(response.text(), "hello, DELETE");
});

test("a response that nothing changes reaches the client as it is", async () => {
  const response = await testPlugin(onResponse(() => {})).response({
    status: 404,
    headers: { location: "/elsewhere" },
    body: { error: "none" },
  });
  assert.equal(response.status, 404);
  assert.deepEqual([...response.headers], [
    ["location", "/elsewhere"],
    ["content-type", "application/json"],
    ["content-length", "16"],
  ]);
  assert.deepEqual(response.json(), { error: "none" });
});

test("nobody gets a body with 204, 304, or in answer to HEAD", async () => {
  const tester = testPlugin(definePlugin({
    name: "test",
    onRequest: () => stop("hello"),
    onResponse: () => {},
  }));
  assert.equal((await tester.request("/", { method: "HEAD" })).text(), "");
  assert.equal((await tester.response({ method: "HEAD", body: "hello" })).text(), "");
  for (const status of [204, 304]) assert.equal((await tester.response({ status })).text(), "");
});

test("both phases of one request share variables, body and store", async () => {
  const tester = testPlugin(definePlugin({
    name: "test",
    async onRequest({ request, shared }) {
      (await shared()).set("path", request.path);
      request.setBody("rewritten");
    },
    async onResponse({ response, requestBody, shared, variable }) {
      const path = (await shared()).get("path");
      const [uri, consumer] = [await variable("request_uri"), await variable("consumer_name")];
      const body = await requestBody.text();
      response.setBody(JSON.stringify({ path, uri, consumer, body }));
    },
  }));
  const request = await tester.request("/one?a=1", { vars: { consumer_name: "ann" } });
  await tester.request("/two");
  assert.deepEqual((await tester.response({ request })).json(), {
    path: "/one",
    uri: "/one?a=1",
    consumer: "ann",
    body: "rewritten",
  });
  // Another request knows nothing of it.
  assert.deepEqual((await tester.response({ vars: { consumer_name: "bob" } })).json(), {
    uri: "/",
    consumer: "bob",
    body: "",
  });
});

test("there is no response to a request that was answered", async () => {
  const tester = testPlugin(onRequest(() => stop("no", { status: 403 })));
  const request = await tester.request("/");
  await assert.rejects(tester.response({ request }), {
    name: "TypeError",
    message: /^Cannot respond to a request that a plugin answered with 403/,
  });
});

test("plugins are run as a chain, each with its configuration", async () => {
  const append = definePlugin({
    name: "append",
    config: z.object({ value: z.string() }),
    onRequest: ({ config, request }) => request.headers.append("x-list", config.value),
  });
  const tester = testPlugin([
    { plugin: append, config: { value: "one" } },
    onRequest(({ request }) => request.headers.append("x-list", "two")),
    { plugin: append, config: { value: "three" } },
  ]);
  const { upstream } = await tester.request("/");
  assert.equal(upstream.headers.get("x-list"), "one, two, three");
});

test("bundled plugins can be tested like all others", async () => {
  const say = bundledPlugins.find(({ name }) => name === "say");
  assert(say !== undefined);
  const outcome = await testPlugin(say, { config: { body: "hello" } }).request("/");
  assert.equal(outcome.text(), "hello");
});

test("a configuration that is refused is an error that says why, every time", async () => {
  const plugin = definePlugin({
    name: "strict",
    config: z.object({ rate: z.number() }),
    onRequest: () => {},
  });
  const tester = testPlugin(plugin, { config: JSON.parse('{"rate":"fast"}') });
  for (let i = 0; i < 2; i++) {
    await assert.rejects(tester.request("/"), {
      name: "CallError",
      message: /^Cannot use a configuration: plugin "strict": .*rate: Invalid input/,
    });
  }
  await assert.rejects(tester.response(), CallError);
});

test("what JSON cannot hold is no configuration", () => {
  assert.throws(() => testPlugin(onRequest(() => {}), { config: () => {} }), {
    name: "TypeError",
    message: 'Cannot configure the plugin "test" with a function: a route holds JSON',
  });
});

test("a hook that fails is an error with the plugin's own behind it", async () => {
  const tester = testPlugin(definePlugin({
    name: "test",
    onRequest: () => {
      throw new RangeError("too far");
    },
    onResponse: () => Promise.reject(new Error("too late")),
  }));
  const error = await tester.request("/").catch((error: unknown) => error);
  assert(error instanceof CallError);
  assert.equal(error.message, 'onRequest of the plugin "test" failed: too far');
  assert(error.cause instanceof Error);
  assert.equal(error.cause.name, "RangeError");
  assert.equal(error.cause.message, "too far");
  assert.match(error.cause.stack ?? "", /testing_test\.ts/);
  await assert.rejects(tester.response(), {
    message: 'onResponse of the plugin "test" failed: too late',
  });
});

test("a failure is that of its own call, when several run at once", async () => {
  const plugin = onRequest(async ({ request }) => {
    await request.bytes();
    if (request.path !== "/fine") throw new Error(request.path);
  });
  const tester = testPlugin(plugin);
  const results = await Promise.allSettled(
    ["/one", "/fine", "/two", "/three"].map((path) => tester.request(path)),
  );
  const messages = results.map((result) =>
    result.status === "rejected" ? result.reason.message.split(": ")[1] : "fine"
  );
  assert.deepEqual(messages, ["/one", "fine", "/two", "/three"]);
});

test("a hook that takes too long is an error that says so", async () => {
  const tester = testPlugin(
    onRequest(({ signal }) =>
      new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()))
    ),
    { callTimeoutMs: 5 },
  );
  await assert.rejects(tester.request("/"), {
    name: "CallError",
    message: 'onRequest of the plugin "test" failed: The call took longer than its deadline of ' +
      "5 ms",
  });
});

test("with onError continue the request goes on, and the log says why", async () => {
  const tester = testPlugin(definePlugin({
    name: "stats",
    onError: "continue",
    onRequest: () => {
      throw new Error("no connection");
    },
  }));
  assert.equal((await tester.request("/")).upstream.path, "/");
  assert.deepEqual(tester.logs.map(({ level, plugin }) => [level, plugin]), [["error", "stats"]]);
  assert.match(tester.logs[0]?.message ?? "", /no connection; going on/);
});

test("the lines of a plugin can be read, and the runner's warnings", async () => {
  const tester = testPlugin(definePlugin({
    name: "test",
    onRequest({ log, responseHeaders }) {
      log.debug("seen", { user: "ann", n: 7 });
      log.warn("odd");
      responseHeaders.set("server", "me");
    },
  }));
  assert.equal(tester.logs.length, 0);
  await tester.request("/");
  const [first, second, third] = tester.logs;
  assert.deepEqual(first, {
    level: "debug",
    message: "seen",
    plugin: "test",
    phase: "onRequest",
    fields: { user: "ann", n: 7 },
  });
  assert.equal(second?.message, "odd");
  assert.match(third?.message ?? "", /APISIX ignores.*: server/);
  assert.equal(tester.logs.length, 3);
});

test("a plugin is started once, and stopped when the tester is closed", async () => {
  const ran: string[] = [];
  const plugin = definePlugin({
    name: "test",
    start: async () => void ran.push(await Promise.resolve("start")),
    stop: () => void ran.push("stop"),
    onRequest: () => void ran.push("call"),
  });
  {
    await using tester = testPlugin(plugin);
    assert.deepEqual(ran, []);
    await Promise.all([tester.request("/"), tester.request("/")]);
  }
  assert.deepEqual(ran, ["start", "call", "call", "stop"]);
});

test("a plugin that cannot start is an error that names it", async () => {
  const tester = testPlugin(definePlugin({
    name: "test",
    start: () => Promise.reject(new Error("no database")),
    onRequest: () => {},
  }));
  await assert.rejects(tester.request("/"), {
    message: 'Cannot start the plugin "test": no database',
  });
});

for (
  const [what, path, input, message] of [
    ["a method that APISIX has no number for", "/", { method: "PURGE" }, /"PURGE".*answers 500/],
    ["a path without a slash", "users", {}, /^Cannot request "users": give a path, like/],
    ["an address that is none", "/", { clientIp: "1.2.3" }, /"1\.2\.3" as a client's address/],
    ["an IPv6 address that is none", "/", { clientIp: "1::2::3" }, /as a client's address/],
    ["a header name that is none", "/", { headers: { "a b": "c" } }, /"a b" as a header name/],
    ["a header value with two lines", "/", { headers: { a: "b\nc" } }, /contains CR, LF/],
  ] as const
) {
  test(`${what} is refused`, async () => {
    await assert.rejects(testPlugin(onRequest(() => {})).request(path, input), {
      name: "TypeError",
      message,
    });
  });
}

test("a status that is none is refused", async () => {
  await assert.rejects(testPlugin(onResponse(() => {})).response({ status: 99 }), RangeError);
});

Deno.test("testPlugin wants the configuration that the plugin's validator takes", async () => {
  const gate = definePlugin({
    name: "gate",
    config: z.object({
      deny: z.array(z.string()).default([]),
      limit: z.string().transform(Number),
    }),
    onRequest: ({ config }) => stop(`${config.limit + config.deny.length}`),
  });
  const tester = testPlugin(gate, { config: { limit: "41", deny: ["a"] } });
  assert.equal((await tester.request("/")).text(), "42");
  // @ts-expect-error -- a text is needed
  void (() => testPlugin(gate, { config: { limit: 41 } }));
  // @ts-expect-error -- there is no such key
  void (() => testPlugin(gate, { config: { limit: "41", allow: [] } }));
});
