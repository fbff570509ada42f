import assert from "node:assert/strict";

import { stop, stopFromResponse, type StopReply } from "../../plugins/stop.ts";
import { text, texts, utf8 } from "./_calls.ts";

/** Somebody who waits as long as it takes. */
const PATIENT = new AbortController();

function textOf({ body }: StopReply): string | null {
  return body === null ? null : text(body);
}

Deno.test("stop answers 200 with a text, and leaves its type to APISIX", () => {
  const reply = stop("hello");
  assert.equal(reply.status, 200);
  assert.deepEqual(reply.headers, []);
  assert.equal(textOf(reply), "hello");
});

Deno.test("stop sends bytes as they are", () => {
  assert.deepEqual(stop(Uint8Array.of(0xff, 0)).body, Uint8Array.of(0xff, 0));
});

Deno.test("stop sends other values as JSON, with its type unless told otherwise", () => {
  const json = stop({ error: "forbidden" }, { status: 403 });
  assert.equal(textOf(json), '{"error":"forbidden"}');
  assert.deepEqual(texts(json.headers), [["content-type", "application/json"]]);
  const problem = stop([], { headers: { "Content-Type": "application/problem+json" } });
  assert.deepEqual(texts(problem.headers), [["content-type", "application/problem+json"]]);
});

Deno.test("stop has no body for null, and none for an empty one, which is the same on the wire", () => {
  assert.equal(stop(null).body, null);
  assert.equal(stop("").body, null);
  assert.equal(stop(new Uint8Array()).body, null);
  assert.deepEqual(stop(null).headers, []);
});

Deno.test("stop takes a status from 200 to 999", () => {
  for (const status of [200, 204, 404, 599, 999]) assert.equal(stop("", { status }).status, status);
  for (const status of [0, 99, 101, 199, 1000, 200.5, NaN, -200, Infinity]) {
    assert.throws(() => stop("", { status }), { name: "RangeError", message: /200 to 999/ });
  }
});

Deno.test("stop takes headers as an object, as pairs, and as Headers", () => {
  const expected = [["x-a", "1"], ["x-b", "2"]];
  assert.deepEqual(texts(stop("", { headers: { "X-A": "1", "x-b": "2" } }).headers), expected);
  assert.deepEqual(texts(stop("", { headers: [["X-A", "1"], ["x-b", "2"]] }).headers), expected);
  const headers = new Headers({ "X-A": "1", "x-b": "2" });
  assert.deepEqual(texts(stop("", { headers }).headers), expected);
});

Deno.test("stop sends a repeated header as often as it is given", () => {
  const { headers } = stop("", { headers: [["Set-Cookie", "a=1"], ["set-cookie", "b=2"]] });
  assert.deepEqual(texts(headers), [["set-cookie", "a=1"], ["set-cookie", "b=2"]]);
});

Deno.test("stop leaves out headers of one hop and the length, which APISIX sets itself", () => {
  const { headers } = stop("hello", {
    headers: {
      "content-length": "99",
      "connection": "close",
      "transfer-encoding": "chunked",
      "x-kept": "1",
    },
  });
  assert.deepEqual(texts(headers), [["x-kept", "1"]]);
});

Deno.test("stop refuses headers that are not legal", () => {
  assert.throws(() => stop("", { headers: { "a b": "1" } }), TypeError);
  assert.throws(() => stop("", { headers: { "x-a": "1\r\nx-b: 2" } }), TypeError);
  assert.throws(() => stop("", { headers: [["x-a\n", "1"]] }), TypeError);
});

Deno.test("stop copies the body, so that the answer can be used again", () => {
  const bytes = utf8("abc");
  const reply = stop(bytes);
  bytes.fill(0);
  assert.equal(textOf(reply), "abc");
});

Deno.test("stopFromResponse takes status, headers and body of a Response", async () => {
  const response = Response.json({ error: "forbidden" }, { status: 403 });
  response.headers.append("set-cookie", "a=1");
  response.headers.append("set-cookie", "b=2");
  response.headers.set("content-length", "99");
  const reply = await stopFromResponse(response, PATIENT);
  assert.equal(reply.status, 403);
  assert.equal(textOf(reply), '{"error":"forbidden"}');
  assert.deepEqual(texts(reply.headers), [
    ["content-type", "application/json"],
    ["set-cookie", "a=1"],
    ["set-cookie", "b=2"],
  ]);
});

Deno.test("stopFromResponse takes a Response without a body", async () => {
  const reply = await stopFromResponse(Response.redirect("https://example.com/"), PATIENT);
  assert.equal(reply.status, 302);
  assert.equal(reply.body, null);
  assert.deepEqual(texts(reply.headers), [["location", "https://example.com/"]]);
});

Deno.test("stopFromResponse reads a body that is streamed", async () => {
  const stream = ReadableStream.from([utf8("one "), utf8("two")]);
  assert.equal(textOf(await stopFromResponse(new Response(stream), PATIENT)), "one two");
});

Deno.test("stopFromResponse keeps the bytes of header values", async () => {
  // The Fetch API shows each byte of a value as one character: this is a fetched "ü" in UTF-8.
  const response = new Response("", { headers: { "x-name": "\u00c3\u00bc" } });
  const reply = await stopFromResponse(response, PATIENT);
  const value = reply.headers.find(({ name }) => name === "x-name")?.value;
  assert.deepEqual(value, utf8("ü"));
});

Deno.test("stopFromResponse refuses an error, and a body that was read before", async () => {
  await assert.rejects(stopFromResponse(Response.error(), PATIENT), /Response\.error\(\)/);
  const response = new Response("hello");
  await response.text();
  await assert.rejects(stopFromResponse(response, PATIENT), {
    name: "TypeError",
    message: /clone\(\)/,
  });
});
