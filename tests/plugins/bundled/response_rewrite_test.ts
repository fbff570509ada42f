import assert from "node:assert/strict";

import { responseRewrite } from "../../../plugins/bundled/response_rewrite.ts";
import type { SendableResponse } from "../../../protocol/messages.ts";
import { configured, FakeHost, type Pair, responseMessage, text, texts, utf8 } from "../_calls.ts";

/** What becomes of an upstream's response. */
async function rewritten(
  config: unknown,
  { headers = [], body = utf8("") }: { headers?: Pair[]; body?: Uint8Array<ArrayBuffer> } = {},
  host = new FakeHost({ variables: { request_method: "GET" }, responseBody: body }),
): Promise<SendableResponse> {
  const chain = await configured(responseRewrite, config);
  return await chain.response(responseMessage({ headers }), host);
}

/** The body that filters make of another; `null` when they change nothing. */
async function filtered(body: string, ...filters: object[]): Promise<string | null> {
  const reply = await rewritten({ filters }, { body: utf8(body) });
  return reply.body === null ? null : text(reply.body);
}

Deno.test("response-rewrite marks the response and leaves the rest", async () => {
  const reply = await rewritten({}, { headers: [["Content-Type", "text/html"]] });
  assert.equal(reply.status, 0);
  assert.equal(reply.body, null);
  assert.deepEqual(texts(reply.headers), [
    ["Content-Type", "text/html"],
    ["x-resp-a6-runner", "Deno"],
  ]);
});

Deno.test("response-rewrite sets status, headers and body", async () => {
  const config = {
    status: 201,
    headers: { "X-A": "1", "content-type": "text/plain" },
    body: "new",
  };
  const reply = await rewritten(config, {
    headers: [["Content-Type", "text/html"], ["Content-Length", "3"], ["etag", "x"]],
  });
  assert.equal(reply.status, 201);
  assert.equal(text(reply.body ?? ""), "new");
  assert.deepEqual(texts(reply.headers), [
    ["content-type", "text/plain"],
    ["etag", "x"],
    ["x-resp-a6-runner", "Deno"],
    ["x-a", "1"],
  ]);
});

Deno.test("response-rewrite does not call a new body compressed that is not", async () => {
  const headers: Pair[] = [["Content-Encoding", "gzip"]];
  const reply = await rewritten({ body: "plain" }, { headers });
  assert.deepEqual(texts(reply.headers), [["x-resp-a6-runner", "Deno"]]);
  const told = await rewritten(
    { body: "plain", headers: { "content-encoding": "x-mine" } },
    { headers },
  );
  assert.deepEqual(texts(told.headers)[0], ["content-encoding", "x-mine"]);
});

Deno.test("response-rewrite replaces the first match, or all", async () => {
  const filter = { regex: "a+", replace: "b" };
  assert.equal(await filtered("a aa aaa", { ...filter, scope: "once" }), "b aa aaa");
  assert.equal(await filtered("a aa aaa", { ...filter, scope: "global" }), "b b b");
});

Deno.test("response-rewrite applies filters in their order, and prefers them to a body", async () => {
  const reply = await rewritten({
    body: "unused",
    filters: [
      { regex: "one", scope: "once", replace: "two" },
      { regex: "two", scope: "once", replace: "three" },
    ],
  }, { body: utf8("one") });
  assert.equal(text(reply.body ?? ""), "three");
});

Deno.test("response-rewrite does the same for each response", async () => {
  const chain = await configured(responseRewrite, {
    filters: [{ regex: "a", scope: "global", replace: "b" }],
  });
  for (let i = 0; i < 3; i++) {
    const reply = await chain.response(
      responseMessage(),
      new FakeHost({ responseBody: utf8("xaya") }),
    );
    assert.equal(text(reply.body ?? ""), "xbyb");
  }
});

Deno.test("response-rewrite sends no body where no filter matches", async () => {
  const reply = await rewritten(
    { filters: [{ regex: "x", scope: "global", replace: "y" }] },
    { body: utf8("aaa"), headers: [["Content-Length", "3"]] },
  );
  assert.equal(reply.body, null);
  assert.deepEqual(texts(reply.headers)[0], ["Content-Length", "3"]);
});

Deno.test("response-rewrite takes the flags that Go writes in front", async () => {
  assert.equal(await filtered("HELLO", { regex: "(?i)hello", scope: "once", replace: "x" }), "x");
  assert.equal(await filtered("a\nb", { regex: "(?s)a.b", scope: "once", replace: "x" }), "x");
  assert.equal(await filtered("a\nb", { regex: "(?m)^b", scope: "once", replace: "x" }), "a\nx");
});

Deno.test("response-rewrite takes escapes that mean nothing to JavaScript", async () => {
  assert.equal(await filtered("a-b", { regex: "a\\-b", scope: "once", replace: "x" }), "x");
});

Deno.test("response-rewrite fills groups into the replacement, as Go does", async () => {
  const cases: [string, string, string][] = [
    ["(a)(b)?", "[$1]", "[a]"],
    ["(a)(b)?", "[$2]", "[]"],
    ["(a)(b)?", "[$9]", "[]"],
    ["(a)", "[$0]", "[a]"],
    ["(a)", "[$$1]", "[$1]"],
    ["(a)", "[${1}1]", "[a1]"],
    // A name is as long as it can be: this is the group called "1x".
    ["(a)", "[$1x]", "[]"],
    ["(?P<first>a)", "[$first|${first}s|$other]", "[a|as|]"],
    ["a", "[$ 5 ${]", "[$ 5 ${]"],
    // What JavaScript would take for the match, or what is beside it.
    ["a", "[$&$`$']", "[$&$`$']"],
  ];
  for (const [regex, replace, expected] of cases) {
    assert.equal(await filtered("a", { regex, scope: "once", replace }), expected, replace);
  }
});

Deno.test("response-rewrite keeps the bytes of a body that is not text", async () => {
  const reply = await rewritten(
    { filters: [{ regex: "a", scope: "global", replace: "b" }] },
    { body: Uint8Array.of(0xff, 0x61, 0xc3, 0x61) },
  );
  assert.deepEqual(reply.body, Uint8Array.of(0xff, 0x62, 0xc3, 0x62));
});

Deno.test("response-rewrite keeps a byte order mark", async () => {
  assert.equal(
    await filtered("\ufeffa", { regex: "a", scope: "once", replace: "b" }),
    "\ufeffb",
  );
});

Deno.test("response-rewrite does not filter a compressed body, and says so", async () => {
  const host = new FakeHost({ variables: { request_method: "GET" } });
  const reply = await rewritten(
    { filters: [{ regex: "a", scope: "once", replace: "b" }] },
    { headers: [["content-encoding", "gzip"]] },
    host,
  );
  assert.equal(reply.body, null);
  assert.match(host.lines[0]?.message ?? "", /encoded as gzip/);
  assert(!host.questions.includes("respBody"));
});

Deno.test("response-rewrite refuses what it cannot do", async () => {
  const wrong: [object, RegExp][] = [
    [{ status: 100 }, /status: /],
    [{ headers: { a: 1 } }, /headers\.a: /],
    [{ filters: [{ regex: "(", scope: "once", replace: "" }] }, /filters\.0\.regex: /],
    [{ filters: [{ regex: "a", scope: "twice", replace: "" }] }, /filters\.0\.scope: /],
    [{ filters: [{ regex: "a", scope: "once" }] }, /filters\.0\.replace: /],
  ];
  for (const [config, message] of wrong) {
    await assert.rejects(configured(responseRewrite, config), { name: "ConfigError", message });
  }
});
