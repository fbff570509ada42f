/**
 * The conformance checklist, items 19 to 38: what HTTPReqCall says, and the two answers to it
 * (protocol.md §13.1). What an answer comes to is worked out as APISIX does it (§8). Left out, as
 * only APISIX can see them:
 *
 * - 23 (its header cache is not stale: the frame is that of 19);
 * - 27 (its logging plugins run for stopped requests);
 * - 29 and 31 as far as they are about what proxy-rewrite did before.
 */

import assert from "node:assert/strict";

import { decodeHTTPReqCallResp } from "../../protocol/decode_reply.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { applyRewrite, applyStop } from "../../runner/apisix/apply.ts";
import type { RoutePlugin } from "../../runner/apisix/client.ts";
import { type HttpRequest, parsedArgs } from "../../runner/apisix/http.ts";
import { VECTORS } from "../protocol/_vectors.ts";
import {
  answers,
  entries,
  jsonOf,
  pairs,
  Peer,
  prepared,
  refusedWith,
  requested,
  rewriteOf,
  stopOf,
  textOf,
  use,
  withToken,
} from "./_peer.ts";
import { sharedRunners, type TestRunner } from "./_runner.ts";

const test = sharedRunners({ program: "test-runner" });

/** What the plugin `inspect` answers for a frame that APISIX made. */
async function inspected(runner: TestRunner, vector: string): Promise<unknown> {
  const found = VECTORS.find(({ name }) => name === vector);
  assert(found !== undefined);
  using peer = await Peer.connect(runner);
  const frame = withToken(found.frame, await prepared(runner, [use("inspect")]));
  return jsonOf(
    stopOf(decodeHTTPReqCallResp(await peer.call(frame, answers({ upstream_uri: "" })))),
  );
}

/** What the upstream gets when a request passes the plugins. */
async function passed(
  runner: TestRunner,
  plugins: readonly RoutePlugin[],
  request: Partial<HttpRequest>,
) {
  const whole: HttpRequest = {
    method: "GET",
    target: "/hello",
    headers: [["Host", "localhost"]],
    body: new Uint8Array(),
    clientIp: "127.0.0.1",
    ...request,
  };
  const reply = await requested(runner, plugins, {
    path: whole.target.split("?")[0] ?? "",
    args: entries(parsedArgs(whole.target)),
    headers: entries(whole.headers.map(([name, value]) => [name.toLowerCase(), value])),
  }, answers({ upstream_uri: "" }));
  return applyRewrite(whole, rewriteOf(reply));
}

test("13.1 #19 every part of a PUT request arrives as APISIX sends it", async (runner) => {
  assert.deepEqual(await inspected(runner, "http_req_call_put_args_multi"), {
    id: 55,
    method: "PUT",
    path: "/hello",
    clientIp: "127.0.0.1",
    query: { xx: ["y", "z"], y: [""], z: null },
    headers: [
      ["connection", "close"],
      ["host", "localhost"],
      ["x-req", "foo"],
      ["x-req", "bar"],
      ["x-resp", "cat"],
    ],
  });
});

test("13.1 #20 the address of an IPv6 client arrives", async (runner) => {
  const loopback = new Uint8Array(16);
  loopback[15] = 1;
  const reply = await requested(runner, [use("inspect")], { srcIp: loopback });
  assert.match(textOf(stopOf(reply)), /"clientIp":"::1"/);
  assert.match(JSON.stringify(await inspected(runner, "http_req_call_ipv6_post")), /2001:db8::1/);
});

test("13.1 #21 #22 what proxy-rewrite made of host, path and query arrives", async (runner) => {
  const reply = await requested(runner, [use("inspect")], {
    path: "/xxx",
    args: entries([["x", "z"]]),
    headers: entries([["host", "test.com"]]),
  });
  assert.deepEqual(jsonOf(stopOf(reply)), {
    id: 1,
    method: "GET",
    path: "/xxx",
    clientIp: "127.0.0.1",
    query: { x: ["z"] },
    headers: [["host", "test.com"]],
  });
});

test("13.1 #24 status, headers and body of an answer reach the client", async (runner) => {
  const config = { status: 405, size: 3, headers: [["X-Resp", "foo"], ["X-Req", "bar"]] };
  const response = applyStop(stopOf(await requested(runner, [use("answer", config)])));
  assert.equal(response.status, 405);
  assert.equal(textOf(response), "xxx");
  assert.deepEqual(response.headers, [
    ["x-resp", "foo"],
    ["x-req", "bar"],
    ["content-type", "text/plain; charset=utf-8"],
  ]);
});

test("13.1 #25 an answer without a status says 200, which old versions need", async (runner) => {
  const stop = stopOf(await requested(runner, [use("say", { body: "cat" })]));
  assert.equal(stop.status, 200);
  assert.equal(textOf(stop), "cat");
});

test("13.1 #26 both values of a repeated header of an answer are sent, in order", async (runner) => {
  const headers = [["X-Same", "one"], ["X-Same", "two"]];
  const stop = stopOf(await requested(runner, [use("answer", { headers })]));
  assert.deepEqual(pairs(stop.headers), [["x-same", "one"], ["x-same", "two"]]);
});

test("13.1 #28 path and headers are changed, the others are left alone", async (runner) => {
  const { request } = await passed(runner, [
    use("edit", {
      path: "/uri",
      headers: [["X-Delete", null], ["X-Change", "bar"], ["X-Add", "bar"]],
    }),
  ], { headers: [["Host", "localhost"], ["X-Change", "foo"], ["X-Delete", "foo"]] });
  assert.equal(request.target, "/uri");
  assert.deepEqual(request.headers, [
    ["Host", "localhost"],
    ["x-change", "bar"],
    ["x-add", "bar"],
  ]);
});

test("13.1 #29 the host can be changed, under its name in any case", async (runner) => {
  for (const name of ["host", "Host"]) {
    const { request } = await passed(runner, [use("edit", { headers: [[name, "127.0.0.1"]] })], {});
    assert.deepEqual(request.headers, [["host", "127.0.0.1"]]);
  }
});

const ARGS = [["a", "foo"], ["d", null], ["c", "bar"], ["a", "bar"]];

test("13.1 #30 arguments are set, added and deleted together with the path", async (runner) => {
  const { request } = await passed(runner, [use("edit", { path: "/uri", query: ARGS })], {
    target: "/hello?c=foo&d=bar",
  });
  const [path, query] = request.target.split("?");
  assert.equal(path, "/uri");
  assert.deepEqual(query?.split("&").toSorted(), ["a=bar", "a=foo", "c=bar"]);
  assert(query.indexOf("a=foo") < query.indexOf("a=bar"));
});

test("13.1 #31 arguments that nobody mentions are kept", async (runner) => {
  const { request } = await passed(runner, [use("edit", { path: "/uri", query: ARGS })], {
    target: "/xxx?x=z",
  });
  const { searchParams } = new URL(request.target, "http://localhost");
  assert.equal(searchParams.get("x"), "z");
  assert.deepEqual(searchParams.getAll("a"), ["foo", "bar"]);
});

test("13.1 #32 arguments alone leave the path as it was", async (runner) => {
  const { request } = await passed(runner, [use("edit", { query: ARGS })], {});
  const { pathname, searchParams } = new URL(request.target, "http://localhost");
  assert.equal(pathname, "/hello");
  assert.deepEqual([...searchParams], [["a", "foo"], ["a", "bar"], ["c", "bar"]]);
});

test("13.1 #33 a query cannot be smuggled into the path: the call fails", async (runner) => {
  const from = runner.stderr.length;
  const plugin = use("edit", { path: "/plugin_proxy_rewrite_args?a=2" });
  await refusedWith(ErrorCode.SERVICE_UNAVAILABLE, requested(runner, [plugin]));
  assert.match(await runner.line(/ ERROR .*edit/, from), /"\?\\?" would be sent as/);
});

test("13.1 #34 a path alone keeps the query, and makes no lone question mark", async (runner) => {
  const plugins = [use("edit", { path: "/uri" })];
  const { request } = await passed(runner, plugins, { target: "/hello?c=foo&d=bar" });
  assert.equal(request.target, "/uri?c=foo&d=bar");
  // Before 3.16 only an args entry keeps the query, and a lone "?" is left without one (§8.2).
  const withQuery = await requested(runner, plugins, { args: entries([["c", "foo"]]) });
  assert.deepEqual(pairs(rewriteOf(withQuery).args).map(([, value]) => value), [null]);
  assert.deepEqual(rewriteOf(await requested(runner, plugins)).args, []);
  assert.equal((await passed(runner, plugins, {})).request.target, "/uri");
});

test("13.1 #35 headers for the response go along, and a useless one is warned of", async (runner) => {
  const from = runner.stderr.length;
  const { responseHeaders } = await passed(runner, [
    use("edit", {
      responseHeaders: [["X-Resp", "foo"], ["X-Req", "bar"], ["Content-Type", "text/html"]],
    }),
  ], {});
  assert.deepEqual(responseHeaders, [["x-resp", "foo"], ["x-req", "bar"]]);
  assert.match(await runner.line(/ WARN /, from), /content-type/);
});

test("13.1 #36 both values of a repeated header for the response go along", async (runner) => {
  const { respHeaders } = rewriteOf(
    await requested(runner, [
      use("edit", { responseHeaders: [["X-Same", "one"], ["X-Same", "two"]] }),
    ]),
  );
  assert.deepEqual(pairs(respHeaders), [["x-same", "one"], ["x-same", "two"]]);
});

test("13.1 #37 a new request body reaches the upstream byte for byte", async (runner) => {
  const { request } = await passed(
    runner,
    [use("request-body-rewrite", { new_body: "abc\n" })],
    {},
  );
  assert.deepEqual(request.body, Uint8Array.of(0x61, 0x62, 0x63, 0x0a));
});

test("13.1 #38 a plugin that changes nothing leaves the reply without an action", async (runner) => {
  assert.deepEqual(await requested(runner, [use("look")], { id: 5 }), { id: 5, action: null });
});
