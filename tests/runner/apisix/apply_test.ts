/** What APISIX makes of replies, beyond what the conformance checklist says. */

import assert from "node:assert/strict";

import type { Rewrite, Stop } from "../../../protocol/messages.ts";
import { applyResponse, applyRewrite, applyStop } from "../../../runner/apisix/apply.ts";
import type { HttpRequest } from "../../../runner/apisix/http.ts";

const REQUEST: HttpRequest = {
  method: "PUT",
  target: "/a%2Fb?one=1&two=2&one=3&flag",
  headers: [["Host", "localhost"], ["Content-Length", "3"]],
  body: new TextEncoder().encode("abc"),
  clientIp: "127.0.0.1",
};

function rewrite(fields: Partial<Rewrite>): Rewrite {
  return {
    type: "rewrite",
    path: null,
    headers: [],
    args: [],
    respHeaders: [],
    body: null,
    ...fields,
  };
}

function stop(fields: Partial<Stop>): Stop {
  return { type: "stop", status: 200, headers: [], body: null, ...fields };
}

Deno.test("an argument that is replaced keeps its place, a new one comes last", () => {
  const args = [
    { name: "new", value: "n" },
    { name: "one", value: "x" },
    { name: "two", value: null },
    { name: "one", value: "y" },
  ];
  const { request } = applyRewrite(REQUEST, rewrite({ args }));
  assert.equal(request.target, "/a/b?one=x&one=y&flag&new=n");
});

Deno.test("a new path keeps the query, and is encoded", () => {
  const { request } = applyRewrite(REQUEST, rewrite({ path: "/ü" }));
  assert.equal(request.target, "/%C3%BC?one=1&two=2&one=3&flag");
});

Deno.test("a new body has its own length; an empty one changes nothing", () => {
  const body = new TextEncoder().encode("hello");
  const { request } = applyRewrite(REQUEST, rewrite({ body }));
  assert.deepEqual(request.headers, [["Host", "localhost"], ["Content-Length", "5"]]);
  assert.deepEqual(request.body, body);
  assert.deepEqual(applyRewrite(REQUEST, rewrite({ body: new Uint8Array() })).request, REQUEST);

  const chunked = { ...REQUEST, headers: [["transfer-encoding", "chunked"]] as const };
  assert.deepEqual(applyRewrite(chunked, rewrite({ body })).request.headers, [
    ["content-length", "5"],
  ]);
});

Deno.test("an answer without a body becomes nginx' page, where it has one", () => {
  const headers = [{ name: "Content-Type", value: "text/css" }, { name: "X-A", value: "b" }];
  const refused = applyStop(stop({ status: 403, headers, body: new Uint8Array() }));
  assert.deepEqual(refused.headers, [["x-a", "b"], ["content-type", "text/html"]]);
  assert.match(new TextDecoder().decode(refused.body), /<h1>403 Forbidden<\/h1>/);
  for (const status of [0, 200, 204, 304, 418]) {
    const { body } = applyStop(stop({ status }));
    assert.equal(body.length, 0, `${status}`);
  }
});

Deno.test("a status that has no body loses it", () => {
  const upstream = { status: 200, headers: [], body: REQUEST.body };
  const reply = { id: 0, status: 204, headers: [], body: null };
  assert.equal(applyResponse(upstream, reply).body.length, 0);
  assert.equal(applyStop(stop({ status: 304, body: REQUEST.body })).body.length, 0);
});
