/**
 * The conformance checklist, items 39 to 55: ExtraInfo and HTTPRespCall (protocol.md §13.1). Left
 * out, as they are not about us, or only APISIX can see them:
 *
 * - 41 (a runner that closes the connection in the middle: ours does not);
 * - 42 (RespBody inside of HTTPReqCall: there, no plugin can ask for it);
 * - 51, 52 (the upstream failed: the runner is not called);
 * - 54 (the query of the upstream's request);
 * - 55 (nobody listens).
 */

import assert from "node:assert/strict";

import { applyResponse } from "../../runner/apisix/apply.ts";
import type { RoutePlugin } from "../../runner/apisix/client.ts";
import type { HttpResponse } from "../../runner/apisix/http.ts";
import {
  answers,
  entries,
  jsonOf,
  pairs,
  requested,
  responded,
  rewriteOf,
  stopOf,
  textOf,
  use,
} from "./_peer.ts";
import { sharedRunners, type TestRunner } from "./_runner.ts";

const test = sharedRunners({ program: "test-runner" });

const NAMES = ["server_addr", "remote_addr", "route_id", "arg_x"];
const KNOWN = answers({
  server_addr: "127.0.0.1",
  remote_addr: "127.0.0.1",
  route_id: "1",
  arg_x: "",
  request_method: "GET",
});
const VALUES = ["127.0.0.1", "127.0.0.1", "1", ""];

const UPSTREAM: HttpResponse = {
  status: 200,
  headers: [["Content-Type", "text/html"], ["X-Same", "one"], ["x-same", "two"]],
  body: new TextEncoder().encode("from upstream"),
};

/** What the client gets of the upstream's response, and whether its body was asked for. */
async function delivered(
  runner: TestRunner,
  plugins: readonly RoutePlugin[],
  upstream: Partial<HttpResponse> = {},
): Promise<HttpResponse> {
  const whole = { ...UPSTREAM, ...upstream };
  const reply = await responded(runner, plugins, {
    status: whole.status,
    headers: entries(whole.headers),
  }, answers({ request_method: "GET" }, { response: whole.body }));
  return applyResponse(whole, reply);
}

for (const [how, oneByOne] of [["in a row", true], ["all at once", false]] as const) {
  test(`13.1 #39 four variables are asked ${how}, then the client is answered`, async (runner) => {
    const plugin = use("variables", { names: NAMES, oneByOne });
    assert.deepEqual(jsonOf(stopOf(await requested(runner, [plugin], {}, KNOWN))), VALUES);
  });

  test(`13.1 #43 four variables are asked ${how} in the response phase`, async (runner) => {
    const plugin = use("variables", { names: NAMES, oneByOne });
    assert.deepEqual(jsonOf(await responded(runner, [plugin], {}, KNOWN)), VALUES);
  });
}

test("13.1 #40 an unknown variable is absent, and the request goes on", async (runner) => {
  const plugin = use("variables", { names: ["nonsense", "arg_x"] });
  assert.deepEqual(jsonOf(stopOf(await requested(runner, [plugin], {}, KNOWN))), [null, ""]);
  // "%" in a path makes the runner ask for a variable by itself (§7.1).
  const plugins = [use("rewrite", { body: "new" })];
  const reply = await requested(runner, plugins, { path: "/%20" }, answers({}));
  assert.equal(textOf(rewriteOf(reply)), "new");
});

test("13.1 #44 the upstream's whole body is read, and the client still gets it", async (runner) => {
  const body = new Uint8Array(100_000).map((_, i) => i % 251);
  const reply = await responded(
    runner,
    [use("read-body", { of: "response" })],
    {},
    answers({}, { response: body }),
  );
  assert.equal(textOf(reply), body.toHex());
  const filter = { regex: "no such text", scope: "once", replace: "" };
  const response = await delivered(runner, [use("response-rewrite", { filters: [filter] })]);
  assert.deepEqual(response.body, UPSTREAM.body);
});

test("13.1 #45 the request body is read in both phases as it was sent, or absent", async (runner) => {
  for (const text of ["123", "foo=bar", '{"a":1}\n']) {
    const request = new TextEncoder().encode(text);
    const answer = answers({}, { request });
    const early = await requested(runner, [use("read-body")], { method: 2 }, answer);
    assert.equal(textOf(stopOf(early)), request.toHex());
    assert.equal(textOf(await responded(runner, [use("read-body")], {}, answer)), request.toHex());
  }
  const none = answers({});
  assert.equal(textOf(stopOf(await requested(runner, [use("read-body")], {}, none))), "nothing");
  assert.equal(textOf(await responded(runner, [use("read-body")], {}, none)), "nothing");
});

test("13.1 #46 status and headers of the upstream arrive", async (runner) => {
  const reply = await responded(runner, [use("inspect")], {
    id: 0,
    status: 200,
    headers: entries(UPSTREAM.headers),
  });
  assert.deepEqual(jsonOf(reply), {
    id: 0,
    status: 200,
    headers: [["content-type", "text/html"], ["x-same", "one"], ["x-same", "two"]],
  });
});

test("13.1 #47 a new body alone leaves the status", async (runner) => {
  const response = await delivered(runner, [use("response-rewrite", { body: "new body" })]);
  assert.equal(response.status, 200);
  assert.equal(textOf(response), "new body");
});

test("13.1 #48 changed headers come with the upstream's others and its body", async (runner) => {
  const headers = [["X-Runner", "Deno"], ["Content-Type", "application/json"]];
  const response = await delivered(runner, [use("edit", { headers })]);
  assert.deepEqual(response.headers, [
    ["content-type", "application/json"],
    ["x-same", "one"],
    ["x-same", "two"],
    ["x-runner", "Deno"],
  ]);
  assert.deepEqual(response.body, UPSTREAM.body);
});

test("13.1 #49 both values of a repeated header reach the client", async (runner) => {
  const headers = [["x-same", "three"], ["x-same", "four"]];
  const response = await delivered(runner, [use("edit", { headers })]);
  const values = response.headers.filter(([name]) => name === "x-same").map(([, value]) => value);
  assert.deepEqual(values, ["three", "four"]);
});

test("13.1 #50 a new status alone is sent alone", async (runner) => {
  const reply = await responded(runner, [use("response-rewrite", { status: 304 })], {}, KNOWN);
  assert.equal(reply.status, 304);
  assert.equal(applyResponse(UPSTREAM, reply).body.length, 0);
});

test("13.1 #53 a response that nothing changes passes as it is, all headers in it", async (runner) => {
  const headers: HttpResponse["headers"] = [
    ["Content-Type", "text/html"],
    ["Content-Encoding", "br"],
    ["Location", "/elsewhere"],
    ["Transfer-Encoding", "chunked"],
  ];
  const reply = await responded(runner, [use("look")], {
    status: 301,
    headers: entries(headers),
  }, KNOWN);
  assert.deepEqual({ status: reply.status, body: reply.body }, { status: 0, body: null });
  assert.deepEqual(pairs(reply.headers), headers.slice(0, 3));
});
