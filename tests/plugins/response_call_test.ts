import assert from "node:assert/strict";

import { type ResponseContext, stop } from "../../plugins/mod.ts";
import type { SendableResponse } from "../../protocol/messages.ts";
import {
  chainOf,
  FakeHost,
  onResponse,
  type ResponseFields,
  responseMessage,
  text,
  texts,
  utf8,
} from "./_calls.ts";

type Hook = NonNullable<Parameters<typeof onResponse>[0]>;

/** What APISIX is told when one plugin did something to a response. */
async function replyTo(
  fields: ResponseFields,
  hook: Hook,
  host = new FakeHost({ variables: { request_method: "GET" } }),
): Promise<SendableResponse> {
  return await (await chainOf(onResponse(hook))).response(responseMessage(fields), host);
}

const HTML: ResponseFields = {
  id: 5,
  headers: [["Content-Type", "text/html"], ["Content-Length", "11"], ["X-A", "1"], ["X-A", "2"]],
};

Deno.test("response shows what the upstream sent", async () => {
  const host = new FakeHost({ responseBody: utf8('{"a":1}'), requestBody: utf8("asked") });
  await replyTo({ status: 201, headers: [["X-A", "1"]] }, async ({ response, requestBody }) => {
    assert.equal(response.status, 201);
    assert.equal(response.headers.get("x-a"), "1");
    assert.deepEqual(await response.json(), { a: 1 });
    assert.equal(await requestBody.text(), "asked");
  }, host);
});

Deno.test("response that was only read keeps all headers: without them APISIX drops ten", async () => {
  const reply = await replyTo(HTML, async ({ response }) => {
    await response.bytes();
  });
  assert.deepEqual({ ...reply, headers: texts(reply.headers) }, {
    id: 5,
    status: 0,
    headers: [["Content-Type", "text/html"], ["Content-Length", "11"], ["X-A", "1"], ["X-A", "2"]],
    body: null,
  });
});

Deno.test("response of a chain without a hook keeps all headers too", async () => {
  const chain = await chainOf();
  const reply = await chain.response(responseMessage(HTML), new FakeHost({ probeHead: false }));
  assert.equal(reply.headers.length, 4);
});

Deno.test("response.headers are sent as a whole when one was changed", async () => {
  const reply = await replyTo(HTML, ({ response }) => {
    response.headers.set("x-a", "3");
    response.headers.append("x-b", "4");
  });
  assert.deepEqual(texts(reply.headers), [
    ["Content-Type", "text/html"],
    ["Content-Length", "11"],
    ["x-a", "3"],
    ["x-b", "4"],
  ]);
});

Deno.test("response.headers that were all deleted do not come back", async () => {
  // An empty list would make APISIX copy the upstream's headers (protocol.md §10.4).
  const reply = await replyTo({ headers: [["X-Secret", "1"]] }, ({ response }) => {
    response.headers.delete("x-secret");
  });
  assert.deepEqual(texts(reply.headers), [["content-type", "text/plain; charset=utf-8"]]);
});

Deno.test("response.status is sent only when it was set", async () => {
  assert.equal((await replyTo({ status: 201 }, () => {})).status, 0);
  const reply = await replyTo({ status: 201 }, ({ response }) => {
    response.status = 404;
    assert.equal(response.status, 404);
  });
  assert.equal(reply.status, 404);
});

Deno.test("response.status takes whole numbers from 200 to 999", async () => {
  await replyTo({}, ({ response }) => {
    for (const status of [0, 101, 199, 1000, 200.5, NaN]) {
      assert.throws(() => {
        response.status = status;
      }, { name: "RangeError", message: /200 to 999/ });
    }
    assert.equal(response.status, 200);
  });
});

Deno.test("response.setBody drops the length, which is no longer true", async () => {
  const reply = await replyTo(HTML, ({ response }) => response.setBody("short"));
  assert.equal(text(reply.body ?? ""), "short");
  assert.deepEqual(texts(reply.headers), [
    ["Content-Type", "text/html"],
    ["X-A", "1"],
    ["X-A", "2"],
  ]);
});

Deno.test("response.setBody refuses an empty body, as APISIX would send the upstream's", async () => {
  await replyTo(HTML, ({ response }) => {
    assert.throws(() => response.setBody(""), /empty response body/);
  });
});

Deno.test("response without a body gets one that nobody sees, lest the upstream is asked twice", async () => {
  for (const [status, expected] of [[204, []], [304, [["content-length", "5"]]]] as const) {
    const host = new FakeHost();
    const reply = await replyTo({ status, headers: [["content-length", "5"]] }, () => {}, host);
    assert.equal(reply.status, 0);
    assert.equal(reply.body?.length, 1);
    assert.deepEqual(texts(reply.headers), expected.map(([name, value]) => [name, value]));
    assert.deepEqual(host.questions, []);
  }
});

Deno.test("response that is given a status with a body has no length of nothing", async () => {
  const reply = await replyTo(
    { status: 304, headers: [["content-length", "5"], ["etag", "x"]] },
    ({ response }) => {
      response.status = 200;
    },
  );
  assert.equal(reply.status, 200);
  assert.deepEqual(texts(reply.headers), [["etag", "x"]]);
});

Deno.test("response to HEAD gets a body that nobody sees, and keeps its length", async () => {
  const host = new FakeHost({ variables: { request_method: "HEAD" } });
  const reply = await replyTo(HTML, () => {}, host);
  assert.equal(reply.body?.length, 1);
  assert.deepEqual(texts(reply.headers)[1], ["Content-Length", "11"]);
  assert.deepEqual(host.questions, ["request_method"]);
});

Deno.test("response to HEAD is not probed for where the answer does not matter", async () => {
  const cases: [ResponseFields, Hook][] = [
    [HTML, ({ response }) => response.setBody("x")],
    [{ headers: [["Content-Length", "0"]] }, () => {}],
    [{ status: 204 }, () => {}],
    [HTML, () => stop("x")],
  ];
  for (const [fields, hook] of cases) {
    const host = new FakeHost();
    await replyTo(fields, hook, host);
    assert.deepEqual(host.questions, []);
  }
});

Deno.test("response asks nothing where APISIX is too old for questions", async () => {
  const host = new FakeHost({ probeHead: false });
  const reply = await replyTo(HTML, () => {}, host);
  assert.deepEqual(host.questions, []);
  assert.equal(reply.body, null);
  assert.equal(reply.headers.length, 4);
});

Deno.test("response to HEAD is asked for once, also when a plugin asks as well", async () => {
  const host = new FakeHost({ variables: { request_method: "GET" } });
  await replyTo(HTML, async ({ variable }) => {
    assert.equal(await variable("request_method"), "GET");
  }, host);
  assert.deepEqual(host.questions, ["request_method"]);
});

Deno.test("response is replaced as a whole by a returned Response", async () => {
  const reply = await replyTo(HTML, () => Response.json({ a: 1 }, { status: 503 }));
  assert.equal(reply.id, 5);
  assert.equal(reply.status, 503);
  assert.deepEqual(texts(reply.headers), [["content-type", "application/json"]]);
  assert.equal(text(reply.body ?? ""), '{"a":1}');
});

Deno.test("response is replaced also where the answer has neither headers nor body", async () => {
  // Else the upstream's headers and body would come back (protocol.md §10.4).
  const reply = await replyTo(HTML, () => stop(null, { status: 404 }));
  assert.equal(reply.status, 404);
  assert.deepEqual(texts(reply.headers), [["content-type", "text/plain; charset=utf-8"]]);
  assert.equal(reply.body?.length, 1);
});

Deno.test("response cannot be used when its call has ended", async () => {
  const message = responseMessage(HTML);
  let late: ResponseContext["response"] | null = null;
  const chain = await chainOf(onResponse(({ response }) => {
    late = response;
  }));
  await chain.response(message, new FakeHost({ probeHead: false }));
  message.frame.finish();
  assert.throws(() => late?.headers.get("x-a"), /its call has ended/);
  assert.throws(() => late?.setBody("x"), /its call has ended/);
});

Deno.test("response with a body that proves to be empty is not asked for a second time", async () => {
  const headers: ResponseFields["headers"] = [["Transfer-Encoding", "chunked"]];
  const host = new FakeHost({
    responseBody: new Uint8Array(),
    variables: { request_method: "GET" },
  });
  const reply = await replyTo({ headers }, async ({ response }) => {
    await response.bytes();
  }, host);
  assert.equal(reply.body?.length, 1);
});

Deno.test("response that is sent before its body has come waits for it, lest it proves to be empty", async () => {
  const answered = Promise.withResolvers<void>();
  const host = new FakeHost({
    responseBody: new Uint8Array(),
    variables: { request_method: "GET" },
    before: (what) => what === "respBody" ? answered.promise : undefined,
  });
  const reply = replyTo({}, ({ response }) => void response.bytes(), host);
  answered.resolve();
  assert.equal((await reply).body?.length, 1);
});

Deno.test("response body that is known to be too large is not asked for: the call would fail", async () => {
  const host = new FakeHost({ variables: { request_method: "GET" } });
  const reply = await replyTo(
    { headers: [["Content-Length", "16777189"]] },
    async ({ response }) => {
      await assert.rejects(response.text(), {
        name: "RangeError",
        message: /response body of 16777189 bytes.*content-length/,
      });
    },
    host,
  );
  assert.equal(reply.body, null);
  assert.deepEqual(host.questions, ["request_method"]);
});

Deno.test("response body that is not there is empty, whatever its length would be", async () => {
  const cases: [status: number, method: string, questions: string[]][] = [
    [200, "HEAD", ["request_method", "respBody"]],
    [304, "GET", ["respBody"]],
  ];
  for (const [status, request_method, questions] of cases) {
    const host = new FakeHost({ variables: { request_method }, responseBody: new Uint8Array() });
    const headers: ResponseFields["headers"] = [["content-length", "16777189"]];
    await replyTo({ status, headers }, async ({ response }) => {
      assert.equal(await response.text(), "");
    }, host);
    assert.deepEqual(host.questions, questions);
  }
});

Deno.test("response is not lost with a body that costs the connection without a word", async () => {
  const host = new FakeHost({
    before: () => {
      host.peerGone = true;
      return Promise.reject(new Error("closed"));
    },
    probeHead: false,
  });
  await replyTo({}, async ({ response, requestBody }) => {
    await assert.rejects(response.bytes(), { message: "closed" });
    await assert.rejects(requestBody.bytes(), { message: "closed" });
  }, host);
  assert.equal(host.warnings.length, 2);
  assert.match(host.warnings[0] ?? "", /"test" asked for a response body of unknown length/);
  assert.match(host.warnings[1] ?? "", /"test" asked for a request body of unknown length/);
});
