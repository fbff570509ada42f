import { MAX_BODY_BYTES } from "../../plugins/body.ts";
import assert from "node:assert/strict";

import fc from "fast-check";

import { type HookResult, type Plugin, stop } from "../../plugins/mod.ts";
import {
  decodeErrorResp,
  decodeExtraInfoReq,
  decodeHTTPReqCallResp,
  decodeHTTPRespCallResp,
  decodePrepareConfResp,
} from "../../protocol/decode_reply.ts";
import { encodeExtraInfoResp } from "../../protocol/encode_request.ts";
import { type Frame, MAX_PAYLOAD_BYTES, RpcType } from "../../protocol/frame.ts";
import { Connection } from "../../runner/connection.ts";
import { onRequest, onResponse, stopOf, text, texts, utf8 } from "../plugins/_calls.ts";
import { cut, cuts } from "../protocol/_arbitraries.ts";
import { Exchange } from "../../runner/apisix/exchange.ts";
import { type MemoryTransport, transportPair, type Trouble } from "./_memory_transport.ts";
import {
  CALL_TIMEOUT,
  prepareFrame,
  requestFrame,
  responseFrame,
  TestRunner,
  turn,
} from "./_runner.ts";

/** A connection that is served, and its other end. */
interface Served {
  readonly runner: TestRunner;
  /** The runner's end. */
  readonly transport: MemoryTransport;
  /** APISIX' end. */
  readonly apisix: MemoryTransport;
  /** Frames to the runner, and from it. */
  readonly exchange: Exchange;
  readonly connection: Connection;
  /** Settles when the connection has ended. */
  readonly served: Promise<void>;
}

function serve(runner: TestRunner, trouble?: Trouble): Served {
  const [transport, apisix] = transportPair(trouble);
  const connection = new Connection(transport, runner.dispatcher, runner.testLog.log);
  const served = connection.serve();
  return { runner, transport, apisix, exchange: new Exchange(apisix), connection, served };
}

/** A connection to a runner of one plugin, and the token of a route that uses it. */
async function serveOne(plugin: Plugin, trouble?: Trouble): Promise<Served & { token: number }> {
  const runner = new TestRunner(plugin);
  const token = await runner.prepare(plugin.name);
  return { ...serve(runner, trouble), token };
}

/** Closes APISIX' end and waits until the runner has done so too. */
async function end({ exchange, transport, served }: Served): Promise<void> {
  exchange.close();
  await served;
  assert(transport.closed);
}

async function received(exchange: Exchange): Promise<Frame> {
  return await exchange.receive() ?? assert.fail("the runner closed the connection");
}

/** What a reply to a request call says: the body of a Stop. */
function said(frame: Frame): string {
  assert.equal(frame.type, RpcType.HTTP_REQ_CALL);
  return text(stopOf(decodeHTTPReqCallResp(frame)).body ?? "");
}

function errorCode(frame: Frame): number {
  assert.equal(frame.type, RpcType.ERROR);
  return decodeErrorResp(frame);
}

function joined(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** Answers with the path of the request. */
const echo = onRequest(({ request }) => stop(request.path));

/** Answers with what APISIX says of a variable. */
const ask = onRequest(async ({ request, variable }) =>
  stop(`${request.path} ${await variable("host")}`)
);

Deno.test("connection answers one call after the other", async () => {
  const served = serve(new TestRunner(echo));
  const { exchange } = served;
  const prepared = await exchange.call(prepareFrame([["test", "{}"]]));
  const confToken = decodePrepareConfResp(prepared);
  for (const path of ["/a", "/b"]) {
    assert.equal(said(await exchange.call(requestFrame({ confToken, path }))), path);
  }
  await end(served);
});

Deno.test("connection that was opened and closed without a byte ends quietly", async () => {
  const served = serve(new TestRunner());
  await end(served);
  assert.deepEqual(served.runner.testLog.lines, []);
});

Deno.test("connection does not mind how frames are chopped, nor how little a write takes", async () => {
  const size = fc.integer({ min: 1, max: 40 });
  await fc.assert(
    fc.asyncProperty(cuts, size, size, async (lengths, maxRead, maxWrite) => {
      const served = await serveOne(echo, { maxRead, maxWrite });
      const paths = ["/a", "/", `/${"long".repeat(500)}`, "/b"];
      const bytes = joined(
        ...paths.map((path) => requestFrame({ confToken: served.token, path })),
      );
      // In one go, each piece as soon as the one before is out: answers are read meanwhile.
      const sent = (async () => {
        for (const piece of cut(bytes, lengths)) await served.exchange.send(piece);
      })();
      for (const path of paths) assert.equal(said(await received(served.exchange)), path);
      await sent;
      await end(served);
    }),
    { numRuns: 30 },
  );
});

Deno.test("connection answers two requests that come in one read, in order", async () => {
  const served = await serveOne(echo);
  const { exchange, token: confToken } = served;
  await exchange.send(
    joined(
      requestFrame({ confToken, path: "/one" }),
      requestFrame({ confToken, path: "/two" }),
    ),
  );
  assert.equal(said(await received(exchange)), "/one");
  assert.equal(said(await received(exchange)), "/two");
  await end(served);
});

Deno.test("connection ends with its peer, wherever that is in a frame", async () => {
  const runner = new TestRunner(echo);
  const confToken = await runner.prepare("test");
  const bytes = requestFrame({ confToken, path: "/a" });
  for (let length = 0; length < bytes.length; length++) {
    const before = runner.testLog.lines.length;
    const served = serve(runner);
    await served.exchange.send(bytes.subarray(0, length));
    await end(served);
    const lines = runner.testLog.lines.slice(before);
    assert.deepEqual(
      lines.map(({ level, bytes }) => [level, bytes]),
      length === 0 ? [] : [["warn", length]],
    );
  }
});

Deno.test("connection answers a peer that has closed its own direction", async () => {
  const served = await serveOne(echo, { maxWrite: 1 });
  await served.exchange.send(requestFrame({ confToken: served.token, path: "/a" }));
  served.apisix.closeWrite();
  assert.equal(said(await received(served.exchange)), "/a");
  assert.equal(await served.exchange.receive(), null);
  await served.served;
});

Deno.test("connection carries questions and their answers within a call", async () => {
  const served = await serveOne(ask);
  const { exchange, token: confToken } = served;
  for (const path of ["/a", "/b"]) {
    const reply = await exchange.call(requestFrame({ confToken, path }), (question) => {
      assert.deepEqual(question, { type: "var", name: utf8("host") });
      return utf8("h");
    });
    assert.equal(said(reply), `${path} h`);
  }
  await end(served);
});

Deno.test("connection gives each question its answer when a plugin asks several at once", async () => {
  const names = Array.from({ length: 20 }, (_, i) => `arg_${i}`);
  const served = await serveOne(
    onRequest(async ({ request, variable }) => {
      const [body, ...values] = await Promise.all([
        request.text(),
        ...names.map((name) => variable(name)),
      ]);
      return stop({ body, values });
    }),
    { maxRead: 7, maxWrite: 5 },
  );
  const reply = await served.exchange.call(
    requestFrame({ confToken: served.token }),
    (question) => utf8(question.type === "var" ? `=${text(question.name)}` : "the body"),
  );
  assert.deepEqual(JSON.parse(said(reply)), {
    body: "the body",
    values: names.map((name) => `=${name}`),
  });
  await end(served);
});

Deno.test("connection takes all answers in one read, too", async () => {
  const served = await serveOne(
    onRequest(async ({ variables }) => stop(await variables("a", "b", "c"))),
  );
  await served.exchange.send(requestFrame({ confToken: served.token }));
  for (let i = 0; i < 3; i++) {
    assert.equal((await received(served.exchange)).type, RpcType.EXTRA_INFO);
  }
  await served.exchange.send(
    joined(...[utf8("1"), new Uint8Array(), null].map((answer) => encodeExtraInfoResp(answer))),
  );
  assert.deepEqual(JSON.parse(said(await received(served.exchange))), { a: "1", b: "", c: null });
  await end(served);
});

Deno.test("connection carries the largest answer that there is", async () => {
  const served = await serveOne(
    onRequest(async ({ request }) => stop(String((await request.bytes()).length))),
  );
  const largest = 16_777_188;
  const reply = await served.exchange.call(
    requestFrame({ confToken: served.token }),
    () => new Uint8Array(largest),
  );
  assert.equal(said(reply), String(largest));
  await end(served);
});

/** Answers a response call with the body that it read. */
const pass = onResponse(async ({ response }) => response.setBody(await response.bytes()));

Deno.test("connection sends a large body on, however little a write takes", async () => {
  for (const trouble of [{}, { maxWrite: 100_001 }]) {
    const served = await serveOne(pass, trouble);
    const body = Uint8Array.from({ length: 1_000_003 }, (_, i) => i % 251);
    for (let round = 0; round < 2; round++) {
      const reply = await served.exchange.call(
        responseFrame({ confToken: served.token }),
        () => body,
      );
      assert.deepEqual(decodeHTTPRespCallResp(reply).body, body);
    }
    await end(served);
  }
});

Deno.test("connection sends nothing behind a body that was taken away while it was sent", async () => {
  for (const maxWrite of [10, 100_000]) {
    const content = new Uint8Array(1_000_000);
    const served = await serveOne(
      onResponse(({ response }) => response.setBody(content)),
      { maxWrite },
    );
    const { transport, exchange, token: confToken } = served;
    transport.stall();
    await exchange.send(responseFrame({ confToken }));
    await turn();
    content.buffer.transfer();
    transport.resume();
    await served.served;
    assert(transport.closed);
  }
});

Deno.test("connection is closed when a body is taken away between two writes of it", async () => {
  const content = new Uint8Array(100_000);
  const served = await serveOne(
    onResponse(({ response }) => response.setBody(content)),
    { maxWrite: 1000 },
  );
  const { transport, exchange, apisix, token: confToken } = served;
  await exchange.send(responseFrame({ confToken }));
  // The head and the first thousand bytes of the body.
  await apisix.read(new Uint8Array(16));
  content.buffer.transfer();
  await served.served;
  assert(transport.closed);
});

Deno.test("connection answers a call whose error cannot be looked at", async () => {
  const evil = Object.defineProperty(new Error("evil"), "stack", {
    get() {
      throw new Error("no stack");
    },
  });
  const served = await serveOne(onRequest(async () => {
    await Promise.resolve();
    throw evil;
  }));
  const { exchange, token: confToken } = served;
  await exchange.send(requestFrame({ confToken }));
  assert.equal(errorCode(await received(exchange)), 1);
  await end(served);
});

Deno.test("connection keeps a call readable while answers come in", async () => {
  const served = await serveOne(onRequest(async ({ request, variable }) => {
    for (let i = 0; i < 50; i++) await variable(`arg_${i}`);
    return stop(`${request.path} ${request.headers.get("x-late")}`);
  }));
  const reply = await served.exchange.call(
    requestFrame({ confToken: served.token, path: "/a", headers: [["x-late", "kept"]] }),
    () => new Uint8Array(3000).fill(0x78),
  );
  assert.equal(said(reply), "/a kept");
  await end(served);
});

Deno.test("connection parks a request that comes while a call is pending", async () => {
  const served = await serveOne(ask);
  const { exchange, token: confToken } = served;
  const paths = Array.from({ length: 12 }, (_, i) => `/${i}`);
  // The first question is on its way when the others come.
  await exchange.send(requestFrame({ confToken, path: "/0" }));
  await received(exchange);
  await exchange.send(joined(
    ...paths.slice(1, 3).map((path) => requestFrame({ confToken, path })),
    encodeExtraInfoResp(utf8("h")),
  ));
  assert.equal(said(await received(exchange)), "/0 h");
  for (const path of paths.slice(1, 3)) {
    decodeExtraInfoReq(await received(exchange));
    await exchange.send(encodeExtraInfoResp(utf8("h")));
    assert.equal(said(await received(exchange)), `${path} h`);
  }
  await end(served);
});

Deno.test("connection answers any number of parked requests, in order and with their own bytes", async () => {
  const gate = Promise.withResolvers<void>();
  const served = await serveOne(onRequest(async ({ request }) => {
    await gate.promise;
    return stop(request.path);
  }));
  const { exchange, token: confToken } = served;
  const paths = Array.from({ length: 30 }, (_, i) => `/${i}/${"x".repeat(i * 50)}`);
  await exchange.send(joined(...paths.map((path) => requestFrame({ confToken, path }))));
  await turn();
  gate.resolve();
  for (const path of paths) assert.equal(said(await received(exchange)), path);
  await end(served);
});

Deno.test("connection answers an answer that nobody asked for with code 0, and goes on", async () => {
  const served = await serveOne(echo);
  const { exchange, token: confToken } = served;
  await exchange.send(encodeExtraInfoResp(utf8("?")));
  assert.equal(errorCode(await received(exchange)), 0);
  assert.equal(said(await exchange.call(requestFrame({ confToken, path: "/a" }))), "/a");
  assert.equal(served.runner.testLog.at("error").length, 1);
  await end(served);
});

Deno.test("connection is closed when an answer that nobody asked for comes within a call", async () => {
  const signals: AbortSignal[] = [];
  const served = await serveOne(onRequest(({ signal }) => {
    signals.push(signal);
    return new Promise<HookResult>(() => {});
  }));
  await served.exchange.send(requestFrame({ confToken: served.token }));
  await served.exchange.send(encodeExtraInfoResp(utf8("?")));
  await served.served;
  assert(served.transport.closed);
  assert.equal(signals[0]?.aborted, true);
});

Deno.test("connection ends a call with code 0 when its question gets an answer that is broken", async () => {
  const outcome = Promise.withResolvers<string>();
  const served = await serveOne(onRequest(async ({ request, variable }) => {
    if (request.path === "/next") return stop("next");
    const error = await variable("host").then(() => null, (error: Error) => error);
    outcome.resolve(error?.name ?? "none");
  }));
  const { exchange, token: confToken } = served;
  await exchange.send(requestFrame({ confToken }));
  await received(exchange);
  await exchange.send(Uint8Array.of(RpcType.EXTRA_INFO, 0, 0, 4, 0xff, 0xff, 0xff, 0xff));
  assert.equal(errorCode(await received(exchange)), 0);
  assert.equal(await outcome.promise, "RpcError");
  assert.equal(said(await exchange.call(requestFrame({ confToken, path: "/next" }))), "next");
  await end(served);
});

Deno.test("connection that breaks within a question rejects it and aborts the call", async () => {
  const outcome = Promise.withResolvers<[string, AbortSignal]>();
  const served = await serveOne(onRequest(async ({ variable, signal }) => {
    const error = await variable("host").then(() => null, (error: Error) => error);
    outcome.resolve([error?.message ?? "none", signal]);
  }));
  await served.exchange.send(requestFrame({ confToken: served.token }));
  await received(served.exchange);
  await end(served);
  const [message, signal] = await outcome.promise;
  assert.match(message, /APISIX closed the connection/);
  assert.equal(signal.aborted, true);
  // A client that goes away is nothing to worry about.
  assert.deepEqual(served.runner.testLog.at("error"), []);
  assert.deepEqual(served.runner.testLog.at("warn"), []);
});

Deno.test("connection that broke cannot be asked any more", async () => {
  const outcome = Promise.withResolvers<string>();
  const served = await serveOne(onRequest(async ({ variable, signal }) => {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    await variable("host").catch((error: Error) => outcome.resolve(error.message));
  }));
  await served.exchange.send(requestFrame({ confToken: served.token }));
  await end(served);
  assert.match(await outcome.promise, /Cannot ask APISIX/);
});

Deno.test("connection whose writes fail is closed, and its call given up", async () => {
  const signals: AbortSignal[] = [];
  const served = await serveOne(onRequest(async ({ signal, variable }) => {
    signals.push(signal);
    await variable("host");
  }));
  served.transport.breakWrites();
  await served.exchange.send(requestFrame({ confToken: served.token }));
  await served.served;
  assert(served.transport.closed);
  assert.equal(signals[0]?.aborted, true);
});

Deno.test("connection whose reply cannot be written is closed", async () => {
  const served = await serveOne(echo);
  served.transport.breakWrites();
  await served.exchange.send(requestFrame({ confToken: served.token }));
  await served.served;
  assert(served.transport.closed);
});

Deno.test("connection to a socket that takes no bytes is closed", async () => {
  const served = await serveOne(echo, { maxWrite: 0 });
  await served.exchange.send(requestFrame({ confToken: served.token }));
  await served.served;
  assert(served.transport.closed);
});

Deno.test("connection answers a reply that no frame can hold with code 1, and goes on", async () => {
  const served = await serveOne(
    onRequest(({ request }) =>
      request.path === "/large"
        ? stop(new Uint8Array(MAX_BODY_BYTES), { headers: { "x-one": "too many" } })
        : stop("small")
    ),
  );
  const { exchange, token: confToken } = served;
  await exchange.send(requestFrame({ confToken, path: "/large" }));
  assert.equal(errorCode(await received(exchange)), 1);
  assert.equal(said(await exchange.call(requestFrame({ confToken, path: "/small" }))), "small");
  const [line] = served.runner.testLog.at("error");
  assert.match(String(line?.message), /Cannot send a message of \d+ bytes/);
  await end(served);
});

Deno.test("connection refuses a question that no frame can hold, and still knows the others", async () => {
  const served = await serveOne(onRequest(async ({ variable }) => {
    const error = await variable("x".repeat(MAX_PAYLOAD_BYTES)).then(() => null, (error) => error);
    assert(error instanceof Error);
    return stop(`${await variable("host")}`);
  }));
  const reply = await served.exchange.call(
    requestFrame({ confToken: served.token }),
    () => utf8("h"),
  );
  assert.equal(said(reply), "h");
  await end(served);
});

Deno.test("connection sends a reply as it was made, also when it has to wait for its turn", async () => {
  // The headers of the reply are still the bytes of the call when the hook returns.
  const served = await serveOne(onResponse(({ variable }) => {
    variable("unanswered").catch(() => {});
  }));
  const { exchange, transport, token: confToken } = served;
  transport.stall();
  const headers = Array.from({ length: 20 }, (_, i) => [`x-${i}`, `value ${i}`] as const);
  await exchange.send(responseFrame({ confToken, headers }));
  await turn();
  // What comes next must not be written over them.
  await exchange.send(encodeExtraInfoResp(new Uint8Array(3000).fill(0x21)));
  await turn();
  transport.resume();
  await received(exchange);
  const reply = decodeHTTPRespCallResp(await received(exchange));
  assert.deepEqual(texts(reply.headers), headers);
  await end(served);
});

Deno.test("connection does not read on from a peer that does not read its answers", async () => {
  let calls = 0;
  const served = await serveOne(onRequest(() => {
    calls++;
    return stop("x");
  }));
  const { exchange, transport, token: confToken } = served;
  transport.stall();
  const frames = Array.from({ length: 50 }, () => requestFrame({ confToken }));
  for (const frame of frames) await exchange.send(frame);
  await turn();
  assert(calls <= 2, `${calls} calls were made`);
  transport.resume();
  for (const _ of frames) assert.equal(said(await received(exchange)), "x");
  await end(served);
});

Deno.test("connection runs no parked request once it has broken", async () => {
  const gate = Promise.withResolvers<void>();
  const paths: string[] = [];
  const served = await serveOne(onRequest(async ({ request }) => {
    paths.push(request.path);
    await gate.promise;
  }));
  const { exchange, token: confToken } = served;
  await exchange.send(joined(
    requestFrame({ confToken, path: "/pending" }),
    requestFrame({ confToken, path: "/parked" }),
  ));
  await turn();
  await end(served);
  gate.resolve();
  await turn();
  assert.deepEqual(paths, ["/pending"]);
});

Deno.test("connection lets a call whose time is over end, and serves the next", async () => {
  const served = await serveOne(
    onRequest(({ request }) =>
      request.path === "/slow" ? new Promise<HookResult>(() => {}) : stop("quick")
    ),
  );
  const { exchange, token: confToken } = served;
  await exchange.send(requestFrame({ confToken, path: "/slow" }));
  await turn();
  served.runner.timers.advance(CALL_TIMEOUT);
  assert.equal(errorCode(await received(exchange)), 1);
  assert.equal(said(await exchange.call(requestFrame({ confToken, path: "/quick" }))), "quick");
  await end(served);
});

Deno.test("connection takes the answer to a question of a call that is over", async () => {
  const served = await serveOne(ask);
  const { exchange, token: confToken } = served;
  await exchange.send(requestFrame({ confToken, path: "/slow" }));
  await received(exchange);
  served.runner.timers.advance(CALL_TIMEOUT);
  assert.equal(errorCode(await received(exchange)), 1);
  await exchange.send(encodeExtraInfoResp(utf8("late")));
  const reply = await exchange.call(
    requestFrame({ confToken, path: "/next" }),
    () => utf8("in time"),
  );
  assert.equal(said(reply), "/next in time");
  await end(served);
});

Deno.test("connection.finish answers a pending call with code 1, and closes", async () => {
  const served = await serveOne(onRequest(() => new Promise<HookResult>(() => {})));
  await served.exchange.send(requestFrame({ confToken: served.token }));
  await turn();
  assert.equal(served.connection.active, true);
  await served.connection.finish(new Error("The runner is shutting down"));
  assert.equal(errorCode(await received(served.exchange)), 1);
  assert.equal(await served.exchange.receive(), null);
  await served.served;
});

Deno.test("connection.finish closes an idle connection", async () => {
  const served = serve(new TestRunner());
  assert.equal(served.connection.active, false);
  await served.connection.finish(new Error("The runner is shutting down"));
  assert.equal(await served.exchange.receive(), null);
  await served.served;
});

Deno.test("connection is not disturbed by what happens on another", async () => {
  const runner = new TestRunner(ask);
  const confToken = await runner.prepare("test");
  const [one, other] = [serve(runner), serve(runner)];
  await one.exchange.send(requestFrame({ confToken, path: "/one" }));
  await received(one.exchange);
  await other.exchange.send(Uint8Array.of(RpcType.HTTP_REQ_CALL, 0, 0, 4, 0xff, 0xff, 0xff, 0xff));
  assert.equal(errorCode(await received(other.exchange)), 0);
  await end(other);
  await one.exchange.send(encodeExtraInfoResp(utf8("h")));
  assert.equal(said(await received(one.exchange)), "/one h");
  await end(one);
});

Deno.test("connection.retire closes behind the next answer, and a byte keeps it from being used again", async () => {
  const served = await serveOne(ask);
  const { exchange, connection, apisix, token: confToken } = served;
  connection.retire();
  assert.equal(connection.retired, false);
  const reply = await exchange.call(requestFrame({ confToken, path: "/a" }), () => utf8("h"));
  assert.equal(said(reply), "/a h");
  await served.served;
  assert.equal(connection.retired, true);
  // The exchange has read the byte together with the answer; nothing else follows.
  assert.equal(await apisix.read(new Uint8Array(8)), null);
});

Deno.test("connection.retire lets a large body out first", async () => {
  const served = await serveOne(pass);
  const { exchange, connection, apisix, token: confToken } = served;
  connection.retire();
  const body = new Uint8Array(1_000_000).fill(7);
  const reply = await exchange.call(responseFrame({ confToken }), () => body);
  assert.deepEqual(decodeHTTPRespCallResp(reply).body, body);
  await served.served;
  assert.equal(connection.retired, true);
  assert.equal(await apisix.read(new Uint8Array(8)), 1);
});

Deno.test("connection.retire lets the answers to parked requests out first", async () => {
  const gate = Promise.withResolvers<void>();
  const served = await serveOne(onRequest(async ({ request }) => {
    await gate.promise;
    return stop(request.path);
  }));
  const { exchange, connection, token: confToken } = served;
  await exchange.send(joined(
    requestFrame({ confToken, path: "/pending" }),
    requestFrame({ confToken, path: "/parked" }),
  ));
  await turn();
  connection.retire();
  gate.resolve();
  assert.equal(said(await received(exchange)), "/pending");
  assert.equal(said(await received(exchange)), "/parked");
  assert.equal(await exchange.receive(), null);
  await served.served;
});
