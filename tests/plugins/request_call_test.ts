import assert from "node:assert/strict";

import { type RequestContext, stop } from "../../plugins/mod.ts";
import type { HTTPReqCallResp } from "../../protocol/messages.ts";
import {
  chainOf,
  FakeHost,
  onRequest,
  type RequestFields,
  requestMessage,
  rewriteOf,
  text,
  texts,
  utf8,
} from "./_calls.ts";

type Hook = (context: RequestContext) => void | Promise<void>;

/** What APISIX is told when one plugin did something to a request. */
async function replyTo(
  fields: RequestFields,
  hook: Hook,
  host = new FakeHost(),
): Promise<HTTPReqCallResp> {
  return await (await chainOf(onRequest(hook))).request(requestMessage(fields), host);
}

const UNCHANGED = {
  type: "rewrite",
  path: null,
  headers: [],
  args: [],
  respHeaders: [],
  body: null,
};

Deno.test("request shows what APISIX sent", async () => {
  const fields: RequestFields = {
    method: "PUT",
    path: "/a b",
    srcIp: Uint8Array.of(192, 0, 2, 7),
    args: [["q", "1"]],
    headers: [["host", "h"]],
  };
  await replyTo(fields, ({ request }) => {
    assert.equal(request.method, "PUT");
    assert.equal(request.path, "/a b");
    assert.equal(request.clientIp, "192.0.2.7");
    assert.equal(request.query.get("q"), "1");
    assert.equal(request.headers.get("host"), "h");
  });
});

Deno.test("request that was only read goes on unchanged", async () => {
  const host = new FakeHost({ requestBody: utf8("body") });
  const fields: RequestFields = {
    path: "/a",
    args: [["z"]],
    headers: [["x-a", "1"], ["x-a", "2"]],
  };
  const reply = await replyTo(fields, async ({ request, responseHeaders }) => {
    request.headers.get("x-a");
    request.query.get("z");
    responseHeaders.get("x-a");
    assert.equal(await request.text(), "body");
    // To set what is there already is no change either.
    request.path = "/a";
  }, host);
  assert.equal(reply.action, null);
});

Deno.test("request sends only what was changed", async () => {
  const fields: RequestFields = { headers: [["host", "h"], ["x-old", "1"], ["x-kept", "2"]] };
  const reply = await replyTo(fields, ({ request }) => {
    request.headers.delete("x-old");
    request.headers.set("x-new", "3");
  });
  const { headers, ...rest } = rewriteOf(reply);
  assert.deepEqual(texts(headers), [["x-old", null], ["x-new", "3"]]);
  assert.deepEqual({ ...rest, headers: [] }, UNCHANGED);
});

Deno.test("request.path keeps the query, also before APISIX 3.16", async () => {
  // There a path without arguments loses the query (protocol.md §8.2).
  const reply = await replyTo({ path: "/a", args: [["q", "1"]] }, ({ request }) => {
    request.path = "/b";
  });
  const { path, args } = rewriteOf(reply);
  assert.equal(path, "/b");
  assert.deepEqual(texts(args), [["no-such-argument", null]]);
});

Deno.test("request.path keeps the query without deleting an argument that is there", async () => {
  const reply = await replyTo(
    { path: "/a", args: [["no-such-argument"], ["no-such-argument-", "1"]] },
    ({ request }) => {
      request.path = "/b";
    },
  );
  assert.deepEqual(texts(rewriteOf(reply).args), [["no-such-argument--", null]]);
});

Deno.test("request.path of a request without arguments adds none", async () => {
  // Before APISIX 3.16 it would leave a lone question mark.
  for (const args of [[], null]) {
    const reply = await replyTo({ path: "/a", args }, ({ request }) => {
      request.path = "/b";
    });
    assert.deepEqual(rewriteOf(reply), { ...UNCHANGED, path: "/b" });
  }
});

Deno.test("request.path goes together with edited arguments", async () => {
  const host = new FakeHost();
  const reply = await replyTo({ path: "/a", args: [["q", "1"]] }, ({ request }) => {
    request.path = "/b";
    request.query.set("q", "2");
  }, host);
  const { path, args } = rewriteOf(reply);
  assert.equal(path, "/b");
  assert.deepEqual(texts(args), [["q", "2"]]);
  assert.deepEqual(host.questions, []);
});

Deno.test("request.path refuses what APISIX cannot take, and stays as it was", async () => {
  await replyTo({ path: "/a" }, ({ request }) => {
    for (const path of ["", "b", "/b?c=d"]) {
      assert.throws(() => {
        request.path = path;
      }, TypeError);
    }
    assert.equal(request.path, "/a");
  });
});

Deno.test("request.query alone is sent alone when no plugin of APISIX has set an upstream URI", async () => {
  for (const variables of [{}, { upstream_uri: "" }]) {
    const host = new FakeHost({ variables });
    const reply = await replyTo({ path: "/a", args: [["q", "1"]] }, ({ request }) => {
      request.query.delete("q");
    }, host);
    const { args, ...rest } = rewriteOf(reply);
    assert.deepEqual(texts(args), [["q", null]]);
    assert.deepEqual({ ...rest, args: [] }, UNCHANGED);
    assert.deepEqual(host.questions, ["upstream_uri"]);
  }
});

Deno.test("request.query is sent with the path where an upstream URI would win over it", async () => {
  const host = new FakeHost({ variables: { upstream_uri: "/set/by?proxy=rewrite" } });
  const reply = await replyTo({ path: "/set/by", args: [["proxy", "rewrite"]] }, ({ request }) => {
    request.query.set("a", "1");
  }, host);
  const { path, args } = rewriteOf(reply);
  assert.equal(text(path ?? ""), "/set/by");
  assert.deepEqual(texts(args), [["a", "1"]]);
});

Deno.test("request.path is decoded where an earlier plugin has left it encoded", async () => {
  const host = new FakeHost({ variables: { upstream_uri: "/a%20b%3F%25?x=1" } });
  const reply = await replyTo({ path: "/a%20b%3F%25" }, ({ request }) => {
    assert.equal(request.path, "/a b?%");
    request.query.set("q", "1");
  }, host);
  // APISIX encodes it again: to echo it encoded would encode it twice (protocol.md §8.2).
  assert.equal(text(rewriteOf(reply).path ?? ""), "/a b?%");
  assert.deepEqual(host.questions, ["upstream_uri"], "it is asked for once");
});

Deno.test("request.path is left alone where its percent sign is the client's", async () => {
  // The client sent /100%25, which APISIX decoded.
  const host = new FakeHost();
  const reply = await replyTo({ path: "/100%" }, ({ request }) => {
    assert.equal(request.path, "/100%");
  }, host);
  assert.equal(reply.action, null);
  assert.deepEqual(host.questions, ["upstream_uri"]);
});

Deno.test("request.path asks nothing where there is no percent sign", async () => {
  const host = new FakeHost();
  await replyTo({ path: "/a b" }, () => {}, host);
  assert.deepEqual(host.questions, []);
});

Deno.test("request.path that is not text goes on as it came", async () => {
  const host = new FakeHost({ variables: { upstream_uri: "/%FF" } });
  const reply = await replyTo({ path: "/%FF" }, ({ request }) => {
    assert.equal(request.path, "/\ufffd");
    request.query.set("a", "1");
  }, host);
  assert.deepEqual(rewriteOf(reply).path, Uint8Array.of(0x2f, 0xff));
});

Deno.test("request.setBody replaces the body, and later plugins read the new one", async () => {
  const chain = await chainOf(
    onRequest(({ request }) => request.setBody({ a: 1 })),
    onRequest(async ({ request }) => assert.deepEqual(await request.json(), { a: 1 })),
  );
  const host = new FakeHost({ requestBody: utf8("old") });
  const reply = await chain.request(requestMessage(), host);
  assert.equal(text(rewriteOf(reply).body ?? ""), '{"a":1}');
  assert.deepEqual(host.questions, []);
});

Deno.test("request.setBody refuses an empty body", async () => {
  await replyTo({}, ({ request }) => {
    assert.throws(() => request.setBody(""), /empty request body/);
  });
});

Deno.test("responseHeaders are added to the client's response, each value by itself", async () => {
  const host = new FakeHost();
  const reply = await replyTo({}, ({ responseHeaders }) => {
    responseHeaders.append("Set-Cookie", "a=1");
    responseHeaders.append("set-cookie", "b=2");
  }, host);
  assert.deepEqual(texts(rewriteOf(reply).respHeaders), [
    ["set-cookie", "a=1"],
    ["set-cookie", "b=2"],
  ]);
  assert.deepEqual(host.warnings, []);
});

Deno.test("responseHeaders that APISIX drops are warned of", async () => {
  const host = new FakeHost();
  await replyTo({}, ({ responseHeaders }) => {
    responseHeaders.set("Content-Type", "text/html");
    responseHeaders.set("location", "/");
    responseHeaders.set("x-kept", "1");
  }, host);
  assert.deepEqual(host.warnings, [
    'The plugin "test" sets response headers that APISIX ignores when the request goes on: ' +
    "content-type, location. Set them in onResponse, or return a Response",
  ]);
});

Deno.test("request cannot be used when its call has ended", async () => {
  const message = requestMessage({ path: "/a", headers: [["x-a", "1"]] });
  let late: RequestContext["request"] | null = null;
  const chain = await chainOf(onRequest(({ request }) => {
    late = request;
  }));
  await chain.request(message, new FakeHost());
  message.frame.finish();
  assert.throws(() => late?.path, /its call has ended/);
  assert.throws(() => late?.clientIp, /its call has ended/);
  assert.throws(() => late?.setBody("x"), /its call has ended/);
});

Deno.test("responseHeaders that APISIX drops are warned of for each plugin, if they are still there", async () => {
  const host = new FakeHost();
  const chain = await chainOf(
    onRequest(({ responseHeaders }) => {
      responseHeaders.set("server", "mine");
      responseHeaders.append("content-language", "de");
    }, "first"),
    onRequest(({ responseHeaders }) => {
      responseHeaders.append("Location", "/");
      responseHeaders.delete("Server");
    }, "second"),
  );
  await chain.request(requestMessage(), host);
  assert.deepEqual(host.warnings.map((warning) => /^The plugin .* on: [^.]*/.exec(warning)?.[0]), [
    'The plugin "first" sets response headers that APISIX ignores when the request goes on: ' +
    "content-language",
    'The plugin "second" sets response headers that APISIX ignores when the request goes on: ' +
    "location",
  ]);
});

Deno.test("responseHeaders that go with an answer are warned of nowhere", async () => {
  const host = new FakeHost();
  const chain = await chainOf(
    onRequest(({ responseHeaders }) => responseHeaders.set("content-language", "de")),
    onRequest(() => stop("no")),
  );
  await chain.request(requestMessage(), host);
  assert.deepEqual(host.warnings, []);
});

Deno.test("request body that is known to be too large is not asked for: the call would fail", async () => {
  const tooLarge: RequestFields = { headers: [["content-length", "16777189"]] };
  const host = new FakeHost();
  const reply = await replyTo(tooLarge, async ({ request }) => {
    for (const read of [() => request.bytes(), () => request.text(), () => request.json()]) {
      await assert.rejects(read, {
        name: "RangeError",
        message: /body of 16777189 bytes.*16777188 at most.*content-length/,
      });
    }
  }, host);
  assert.equal(reply.action, null);
  assert.deepEqual(host.questions, []);

  const largest: RequestFields = { headers: [["content-length", "16777188"]] };
  await replyTo(largest, async ({ request }) => void await request.bytes(), host);
  assert.deepEqual(host.questions, ["reqBody"]);
});

Deno.test("request body that costs the connection is warned of where its length was not known", async () => {
  const lengths: [RequestFields, number][] = [
    [{ headers: [["transfer-encoding", "chunked"]] }, 1],
    // Then it was something else: the client went away, for example.
    [{ headers: [["content-length", "5"]] }, 0],
  ];
  for (const [fields, warnings] of lengths) {
    const host = new FakeHost({
      before: () => {
        host.peerGone = true;
        return Promise.reject(new Error("closed"));
      },
    });
    await replyTo(fields, async ({ request }) => {
      await assert.rejects(request.bytes(), { message: "closed" });
    }, host);
    assert.equal(host.warnings.length, warnings);
    for (const warning of host.warnings) {
      assert.match(warning, /the plugin "test" asked for a request body.*over 16777188 bytes/);
    }
  }
});
