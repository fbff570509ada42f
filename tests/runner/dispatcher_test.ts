import assert from "node:assert/strict";

import type { ExtraInfoReq } from "../../protocol/messages.ts";
import { definePlugin, type HookResult, type RequestContext, stop } from "../../plugins/mod.ts";
import { RpcType } from "../../protocol/frame.ts";
import type { CallSession } from "../../runner/call_session.ts";
import type { Peer } from "../../runner/dispatcher.ts";
import type { Reply } from "../../runner/reply.ts";
import { answerFrame, onRequest, stopOf, text, utf8 } from "../plugins/_calls.ts";
import {
  asFrame,
  CALL_TIMEOUT,
  prepareFrame,
  requestFrame,
  responseFrame,
  TestRunner,
  turn,
} from "./_runner.ts";

/** A connection as the dispatcher sees one. */
class FakePeer implements Peer {
  readonly sessions: CallSession[] = [];
  readonly questions: ExtraInfoReq[] = [];

  readonly ask: Peer["ask"] = (question, read) => {
    this.questions.push(question);
    return Promise.resolve(read(answerFrame(utf8("answer"))));
  };

  pending(session: CallSession): void {
    this.sessions.push(session);
  }
}

function bodyOf(reply: Reply): string {
  assert(reply.type === "httpReqCall");
  return text(stopOf(reply.resp).body ?? "");
}

const UNAVAILABLE: Reply = { type: "error", code: 1 };
const BAD_REQUEST: Reply = { type: "error", code: 0 };

Deno.test("dispatcher answers PrepareConf with a token, the same for the same content", async () => {
  const runner = new TestRunner(onRequest(() => {}));
  const token = await runner.prepareConf([["test", "{}"]]);
  assert(token > 0);
  assert.equal(await runner.prepareConf([["test", "{}"]]), token);
  assert.notEqual(await runner.prepareConf([["test", "[]"]]), token);
  assert.notEqual(await runner.prepareConf([["test", "{}"]], null), token);
});

Deno.test("dispatcher answers PrepareConf before it validates, as all workers wait for it", async () => {
  let validated = false;
  const plugin = definePlugin({
    name: "slow",
    config: () => {
      validated = true;
    },
    onRequest: () => {},
  });
  const runner = new TestRunner(plugin);
  const reply = runner.dispatcher.dispatch(asFrame(prepareFrame([["slow", "{}"]])), new FakePeer());
  assert(!(reply instanceof Promise));
  assert.equal(validated, false);
  await turn();
  assert.equal(validated, true);
});

Deno.test("dispatcher answers PrepareConf for whatever a route says", async () => {
  const runner = new TestRunner();
  for (const conf of [[], [["unknown", "{}"]], [["x", "not JSON"]], [["x", ""]]] as const) {
    assert(await runner.prepareConf(conf) > 0);
  }
  assert(await runner.prepareConf([], null) > 0);
});

Deno.test("dispatcher runs the chain of the token, without a promise where it can", async () => {
  const runner = new TestRunner(
    onRequest(() => stop("one"), "one"),
    onRequest(() => stop("two"), "two"),
  );
  const tokens = [await runner.prepare("one"), await runner.prepare("two")];
  for (const [i, expected] of ["one", "two"].entries()) {
    const frame = asFrame(requestFrame({ confToken: tokens[i] ?? 0, id: 5 }));
    const reply = runner.dispatcher.dispatch(frame, new FakePeer());
    assert(!(reply instanceof Promise));
    assert.equal(bodyOf(reply), expected);
    assert(reply.type === "httpReqCall" && reply.resp.id === 5);
  }
});

Deno.test("dispatcher runs the response phase", async () => {
  const runner = new TestRunner(
    definePlugin({ name: "test", onResponse: () => stop("replaced", { status: 404 }) }),
  );
  const confToken = await runner.prepare("test");
  const frame = asFrame(responseFrame({ confToken, id: 5 }));
  const reply = await runner.dispatcher.dispatch(frame, new FakePeer());
  assert(reply.type === "httpRespCall");
  assert.equal(reply.resp.status, 404);
});

Deno.test("dispatcher lets a call wait for its configuration", async () => {
  const ready = Promise.withResolvers<void>();
  const runner = new TestRunner(definePlugin({
    name: "slow",
    config: () => ready.promise.then(() => "configured"),
    onRequest: ({ config }) => stop(config),
  }));
  const confToken = await runner.prepare("slow");
  const reply = runner.dispatcher.dispatch(asFrame(requestFrame({ confToken })), new FakePeer());
  assert(reply instanceof Promise);
  ready.resolve();
  assert.equal(bodyOf(await reply), "configured");
});

Deno.test("dispatcher answers an unknown token with code 2, without noise", async () => {
  const runner = new TestRunner(onRequest(() => {}));
  const known = await runner.prepare("test");
  const other = known === 1 ? 2 : known - 1;
  for (const frame of [requestFrame({ confToken: other }), responseFrame({ confToken: other })]) {
    const reply = runner.dispatcher.dispatch(asFrame(frame), new FakePeer());
    assert.deepEqual(reply, { type: "error", code: 2 });
  }
  assert.deepEqual(runner.testLog.lines.filter(({ level }) => level !== "debug"), []);
});

Deno.test("dispatcher answers a frame of an unknown type with code 0", () => {
  const runner = new TestRunner();
  for (const type of [RpcType.ERROR, RpcType.EXTRA_INFO, 5, 255]) {
    const bytes = Uint8Array.from(requestFrame({}));
    bytes[0] = type;
    const reply = runner.dispatcher.dispatch(asFrame(bytes), new FakePeer());
    assert.deepEqual(reply, BAD_REQUEST);
  }
  assert.equal(runner.testLog.at("error").length, 4);
});

Deno.test("dispatcher answers what cannot be read with code 0", () => {
  const runner = new TestRunner();
  for (const type of [RpcType.PREPARE_CONF, RpcType.HTTP_REQ_CALL, RpcType.HTTP_RESP_CALL]) {
    for (const payload of [[], [0xff], Array.from({ length: 40 }, () => 0xff)]) {
      const bytes = Uint8Array.of(type, 0, 0, payload.length, ...payload);
      const reply = runner.dispatcher.dispatch(asFrame(bytes), new FakePeer());
      assert.deepEqual(reply, BAD_REQUEST);
    }
  }
});

Deno.test("dispatcher keeps a route closed whose configuration is wrong, and says so once", async () => {
  const runner = new TestRunner(
    onRequest(() => {}, "known"),
    definePlugin({
      name: "strict",
      config: () => {
        throw new Error("rate is missing");
      },
      onRequest: () => {},
    }),
  );
  const cases = [
    ["known", "unknown", /plugin "unknown": not known/],
    ["known", "strict", /plugin "strict": rate is missing/],
  ] as const;
  for (const [first, second, expected] of cases) {
    const before = runner.testLog.at("error").length;
    const confToken = await runner.prepare(first, second);
    for (const frame of [requestFrame({ confToken }), responseFrame({ confToken })]) {
      for (let i = 0; i < 3; i++) {
        const reply = await runner.dispatcher.dispatch(asFrame(frame), new FakePeer());
        assert.deepEqual(reply, UNAVAILABLE);
      }
    }
    const lines = runner.testLog.at("error").slice(before);
    assert.equal(lines.length, 1);
    assert.match(String(lines[0]?.message), expected);
    assert.equal(lines[0]?.key, "route#1#ext-plugin-pre-req#21");
  }
});

Deno.test("dispatcher gives a configuration another chance when it is prepared again", async () => {
  let attempts = 0;
  const runner = new TestRunner(definePlugin({
    name: "flaky",
    config: () => {
      if (++attempts === 1) throw new Error("not yet");
    },
    onRequest: () => stop("works"),
  }));
  const confToken = await runner.prepare("flaky");
  const call = () =>
    runner.dispatcher.dispatch(asFrame(requestFrame({ confToken })), new FakePeer());
  assert.deepEqual(await call(), UNAVAILABLE);
  assert.equal(await runner.prepare("flaky"), confToken);
  assert.equal(bodyOf(await call()), "works");
});

Deno.test("dispatcher answers a hook that throws with code 1, and logs whose it was", async () => {
  const hooks: (() => HookResult | Promise<HookResult>)[] = [
    () => {
      throw new Error("boom");
    },
    async () => await Promise.reject(new Error("boom")),
  ];
  for (const hook of hooks) {
    const runner = new TestRunner(
      definePlugin({ name: "guard", onRequest: hook, onResponse: hook }),
    );
    const confToken = await runner.prepare("guard");
    const calls = [
      ["onRequest", requestFrame({ confToken, id: 41 })],
      ["onResponse", responseFrame({ confToken, id: 42 })],
    ] as const;
    for (const [phase, frame] of calls) {
      const reply = await runner.dispatcher.dispatch(asFrame(frame), new FakePeer());
      assert.deepEqual(reply, UNAVAILABLE);
      const line = runner.testLog.at("error").at(-1);
      assert.equal(line?.message, `${phase} of the plugin "guard" failed: boom`);
      assert.equal(line.plugin, "guard");
      assert.equal(line.phase, phase);
      assert.equal(line.id, phase === "onRequest" ? 41 : 42);
      assert.match(String(line.stack), /Error: boom\n/);
    }
    assert.equal(runner.testLog.at("error").length, 2);
  }
});

Deno.test("dispatcher answers a hook that is too late with code 1, and aborts its signal", async () => {
  const late = Promise.withResolvers<HookResult>();
  const signals: AbortSignal[] = [];
  const runner = new TestRunner(
    onRequest(() => {}, "quick"),
    onRequest(({ signal }) => {
      signals.push(signal);
      return late.promise;
    }, "slow"),
  );
  const confToken = await runner.prepare("quick", "slow");
  const frame = asFrame(requestFrame({ confToken, id: 43 }));
  const reply = runner.dispatcher.dispatch(frame, new FakePeer());
  assert(reply instanceof Promise);
  runner.timers.advance(CALL_TIMEOUT - 1);
  assert.equal(signals[0]?.aborted, false);
  runner.timers.advance(1);
  assert.equal(signals[0]?.aborted, true);
  assert.equal(signals[0].reason.name, "TimeoutError");
  assert.deepEqual(await reply, UNAVAILABLE);

  const [line] = runner.testLog.at("error");
  assert.equal(line?.plugin, "slow");
  assert.equal(line.phase, "onRequest");
  assert.equal(line.id, 43);
  assert.equal(
    line.message,
    'onRequest of the plugin "slow" failed: The call took longer than its deadline of 5000 ms',
  );

  // What it says in the end changes nothing any more, and is no second error.
  late.resolve(stop("late"));
  await turn();
  assert.equal(runner.testLog.at("error").length, 1);
});

Deno.test("dispatcher gives a hook the time that its plugin says, and the call its own", async () => {
  const never = () => new Promise<void>(() => {});
  const runner = new TestRunner(
    definePlugin({ name: "slow", timeout: 200, onError: "continue", onRequest: never }),
    definePlugin({ name: "patient", timeout: 2 * CALL_TIMEOUT, onRequest: never }),
  );
  const confToken = await runner.prepare("slow", "patient");
  const frame = asFrame(requestFrame({ confToken, id: 44 }));
  const reply = runner.dispatcher.dispatch(frame, new FakePeer());
  runner.timers.advance(200);
  await turn();
  assert.deepEqual(runner.testLog.at("error").map(({ message }) => message), [
    'onRequest of the plugin "slow" failed: it took longer than its 200 ms; going on, as its ' +
    "onError says",
  ]);
  // The second hook has less than it says: the time of the call began with the first.
  runner.timers.advance(CALL_TIMEOUT - 200);
  assert.deepEqual(await reply, UNAVAILABLE);
  const line = runner.testLog.at("error").at(-1);
  assert.equal(line?.plugin, "patient");
  assert.match(String(line.message), /deadline of 5000 ms/);
  // Its own time ends too, and nobody hears of it any more.
  runner.timers.advance(2 * CALL_TIMEOUT);
  await turn();
  assert.equal(runner.testLog.at("error").length, 2);
  assert.equal(runner.timers.set, 0);
});

Deno.test("dispatcher fails a call whose hook takes longer than its plugin says", async () => {
  const runner = new TestRunner(
    definePlugin({ name: "slow", timeout: 200, onResponse: () => new Promise<void>(() => {}) }),
  );
  const confToken = await runner.prepare("slow");
  const frame = asFrame(responseFrame({ confToken, id: 45 }));
  const reply = runner.dispatcher.dispatch(frame, new FakePeer());
  runner.timers.advance(200);
  assert.deepEqual(await reply, UNAVAILABLE);
  const [line] = runner.testLog.at("error");
  assert.equal(
    line?.message,
    'onResponse of the plugin "slow" failed: it took longer than its 200 ms',
  );
  assert.equal(line.plugin, "slow");
  assert.equal(line.phase, "onResponse");
  assert.equal(line.id, 45);
});

Deno.test("dispatcher lets the calls of a request share a store, for two minutes", async () => {
  const runner = new TestRunner(
    onRequest(async ({ request, shared }) => {
      (await shared()).set("path", request.path);
    }, "notes"),
    onRequest(async ({ shared }) => stop(`${(await shared()).get("path")}`), "tells"),
  );
  const notes = asFrame(requestFrame({ confToken: await runner.prepare("notes"), path: "/a" }));
  await runner.dispatcher.dispatch(notes, new FakePeer());
  const confToken = await runner.prepare("tells");
  for (const expected of ["/a", "undefined"]) {
    const tells = asFrame(requestFrame({ confToken }));
    assert.equal(bodyOf(await runner.dispatcher.dispatch(tells, new FakePeer())), expected);
    runner.timers.advance(120_000);
  }
  assert.equal(runner.timers.set, 0);
});

Deno.test("dispatcher names the plugin that sets an illegal header, in both phases", async () => {
  const runner = new TestRunner(definePlugin({
    name: "careless",
    onRequest: ({ request }) => request.headers.set("x a", "1"),
    onResponse: ({ response }) => response.headers.set("x a", "1"),
  }));
  const confToken = await runner.prepare("careless");
  for (const frame of [requestFrame({ confToken }), responseFrame({ confToken })]) {
    assert.deepEqual(await runner.dispatcher.dispatch(asFrame(frame), new FakePeer()), UNAVAILABLE);
    const line = runner.testLog.at("error").at(-1);
    assert.match(
      String(line?.message),
      /the plugin "careless" failed: Cannot use "x a" as a header/,
    );
    assert.equal(line?.plugin, "careless");
  }
});

Deno.test("dispatcher forgets the deadline of a call that has ended in time", async () => {
  const runner = new TestRunner(onRequest(async ({ variable }) => void await variable("host")));
  const confToken = await runner.prepare("test");
  for (let i = 0; i < 2; i++) {
    await runner.dispatcher.dispatch(asFrame(requestFrame({ confToken })), new FakePeer());
    runner.timers.advance(CALL_TIMEOUT / 2);
  }
  // The timer was for the first call; for the second none is set, as nobody waits any more.
  assert.equal(runner.timers.set, 0);
  assert.deepEqual(runner.testLog.lines, []);
});

Deno.test("dispatcher lets calls wait beside each other, each with its own state", async () => {
  const waiting = new Map<number, () => void>();
  const runner = new TestRunner(onRequest(async ({ id, state, request, variable }) => {
    state.set("path", request.path);
    await new Promise<void>((resolve) => waiting.set(id, resolve));
    assert.equal(await variable("host"), "answer");
    return stop(`${id} ${state.get("path")}`);
  }));
  const confToken = await runner.prepare("test");
  const ids = Array.from({ length: 20 }, (_, i) => i);
  const peers = ids.map(() => new FakePeer());
  const answered: number[] = [];
  const replies = ids.map(async (id) => {
    const frame = asFrame(requestFrame({ confToken, id, path: `/${id}` }));
    const reply = await runner.dispatcher.dispatch(frame, peers[id] ?? new FakePeer());
    answered.push(id);
    return bodyOf(reply);
  });
  for (const id of ids.toReversed()) {
    waiting.get(id)?.();
    await replies[id];
  }
  assert.deepEqual(answered, ids.toReversed());
  assert.deepEqual(await Promise.all(replies), ids.map((id) => `${id} /${id}`));
  for (const peer of peers) assert.equal(peer.questions.length, 1);
});

Deno.test("dispatcher tells the peer of a call that waits, and of no other", async () => {
  const runner = new TestRunner(
    onRequest(() => {}, "quick"),
    onRequest(async () => await Promise.resolve(), "waits"),
  );
  const peer = new FakePeer();
  for (const name of ["quick", "waits"]) {
    const confToken = await runner.prepare(name);
    await runner.dispatcher.dispatch(asFrame(requestFrame({ confToken, id: 9 })), peer);
  }
  assert.deepEqual(peer.sessions.map(({ id }) => id), [9]);
});

Deno.test("dispatcher ends a call with its answer: nothing of it can be read or asked then", async () => {
  for (const wait of [false, true]) {
    const contexts: RequestContext[] = [];
    const runner = new TestRunner(onRequest((context) => {
      contexts.push(context);
      if (wait) return Promise.resolve();
    }));
    const confToken = await runner.prepare("test");
    const peer = new FakePeer();
    await runner.dispatcher.dispatch(asFrame(requestFrame({ confToken, path: "/a" })), peer);
    const [late] = contexts;
    assert(late !== undefined);
    assert.throws(() => late.request.path, /its call has ended/);
    assert.throws(() => late.request.headers.set("x-a", "1"), /its call has ended/);
    await assert.rejects(late.variable("host"), /the call has ended/);
    assert.equal(late.signal.aborted, true);
    assert.deepEqual(peer.questions, []);
  }
});

Deno.test("dispatcher writes a plugin's lines with plugin, phase and id", async () => {
  const runner = new TestRunner(onRequest(({ log }) => log.warn("look", { at: "this" }), "talks"));
  const confToken = await runner.prepare("talks");
  await runner.dispatcher.dispatch(asFrame(requestFrame({ confToken, id: 5 })), new FakePeer());
  const [line] = runner.testLog.lines;
  assert.deepEqual({ ...line, time: "" }, {
    time: "",
    level: "warn",
    message: "look",
    plugin: "talks",
    phase: "onRequest",
    id: 5,
    at: "this",
  });
});

Deno.test("dispatcher warns once a configuration of headers that APISIX drops", async () => {
  const runner = new TestRunner(
    onRequest(({ responseHeaders }) => responseHeaders.set("location", "/")),
  );
  for (const [i, conf] of [["test", "{}"], ["test", "[]"]].entries()) {
    const confToken = await runner.prepareConf([[conf[0] ?? "", conf[1] ?? ""]]);
    for (let call = 0; call < 3; call++) {
      await runner.dispatcher.dispatch(asFrame(requestFrame({ confToken })), new FakePeer());
    }
    assert.equal(runner.testLog.at("warn").length, i + 1);
  }
});
