/**
 * Plugins and peers that misbehave, and many of them at once: the others must not notice.
 */

import assert from "node:assert/strict";

import {
  decodeErrorResp,
  decodeHTTPReqCallResp,
  decodePrepareConfResp,
} from "../../protocol/decode_reply.ts";
import { encodeExtraInfoResp, encodePrepareConfReq } from "../../protocol/encode_request.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { withHeader } from "../protocol/_messages.ts";
import {
  answers,
  newKey,
  Peer,
  prepared,
  pseudoRandom,
  pseudoRandomBytes,
  refusedWith,
  requested,
  requestFrame,
  responseFrame,
  rewriteOf,
  stopOf,
  textOf,
  use,
} from "./_peer.ts";
import { residentBytes, sharedRunners, testBoth, TestRunner } from "./_runner.ts";
import { until } from "./_until.ts";

const program = "test-runner";
const test = sharedRunners({ program });
const hello = [use("say", { body: "hello" })];

/** Fails unless the runner serves a new peer as ever. */
async function assertServes(runner: TestRunner): Promise<void> {
  assert.equal(textOf(stopOf(await requested(runner, hello))), "hello");
}

for (const count of [50, 500]) {
  test(`${count} connections are served at the same time`, async (runner) => {
    const token = await prepared(runner, [use("variables", { names: ["arg_n"] })]);
    const peers = await Promise.all(Array.from({ length: count }, () => Peer.connect(runner)));
    try {
      // All are asked before the first one answers.
      await Promise.all(peers.map((peer, id) => peer.send(requestFrame(token, { id }))));
      for (const peer of peers) assert.equal((await peer.receive())?.type, 3);
      for (const [n, peer] of peers.entries()) {
        await peer.send(encodeExtraInfoResp(new TextEncoder().encode(`${n}`)));
      }
      for (const [n, peer] of peers.entries()) {
        const frame = await peer.receive();
        assert(frame !== null);
        const reply = decodeHTTPReqCallResp(frame);
        assert.equal(reply.id, n);
        assert.equal(textOf(stopOf(reply)), `["${n}"]`);
      }
    } finally {
      for (const peer of peers) peer.close();
    }
  });
}

testBoth("connections, calls and errors leave no open file behind", async (kind) => {
  if (Deno.build.os !== "linux") return; // elsewhere they cannot be counted
  await using runner = await TestRunner.start({ kind, program });
  const count = () => Array.from(Deno.readDirSync(`/proc/${runner.pid}/fd`)).length;
  await assertServes(runner);
  let before = 0;
  for (let round = 0; round < 3; round++) {
    const peers = await Promise.all(Array.from({ length: 100 }, () => Peer.connect(runner)));
    const tokens = await Promise.all([
      prepared(runner, hello),
      prepared(runner, [use("throws", { what: "error" })]),
      prepared(runner, [use("hangs")]),
    ]);
    for (const [i, peer] of peers.entries()) {
      await peer.send(requestFrame(tokens[i % 3] ?? 0));
      if (i % 3 < 2) await peer.receive();
    }
    for (const peer of peers) peer.close();
    if (round === 0) {
      // What the first round needed for good is there now.
      await until(() => count() < 60, "The end of the connections");
      before = count();
    } else {
      await until(() => count() <= before, `A return to ${before} open files`);
    }
  }
});

for (const value of [1, "text", true, {}, [], null]) {
  for (const late of [false, true]) {
    const name = `a hook that returns ${JSON.stringify(value)}${late ? " later" : ""}`;
    test(`${name} fails its call with code 1`, async (runner) => {
      using peer = await Peer.connect(runner);
      const from = runner.stderr.length;
      const token = await prepared(runner, [use("nonsense", { value, late })]);
      await refusedWith(ErrorCode.SERVICE_UNAVAILABLE, peer.request(token, { id: 77 }));
      const line = await runner.line(/ ERROR /, from);
      assert.match(line, /it returned .*a hook returns a Response.*plugin=nonsense/);
      assert.match(line, / phase=onRequest id=77/);
      await refusedWith(ErrorCode.SERVICE_UNAVAILABLE, peer.response(token));
    });
  }
}

testBoth("a hook that hangs fails its call with code 1 when its time is over", async (kind) => {
  const env = { DENO_RUNNER_CALL_TIMEOUT: "200" };
  await using runner = await TestRunner.start({ kind, program, env });
  using peer = await Peer.connect(runner);
  const token = await prepared(runner, [use("hangs")]);
  await refusedWith(ErrorCode.SERVICE_UNAVAILABLE, peer.request(token, { id: 66 }));
  await runner.line(/ERROR .*"hangs".*deadline.* plugin=hangs phase=onRequest id=66/);
  await runner.line(/WARN given up: .* plugin=hangs phase=onRequest id=66/);
  await refusedWith(ErrorCode.SERVICE_UNAVAILABLE, peer.response(token, { id: 67 }));
  await runner.line(/ERROR .*"hangs".* phase=onResponse id=67/);
  // One that waits for an answer that does not come hangs too.
  const asking = await prepared(runner, [use("asks-and-hangs")]);
  using silent = await Peer.connect(runner);
  await silent.send(requestFrame(asking));
  assert.equal((await silent.receive())?.type, 3);
  const frame = await silent.receive();
  assert(frame?.type === 0);
  assert.equal(decodeErrorResp(frame), ErrorCode.SERVICE_UNAVAILABLE);
  assert.equal(textOf(stopOf(await peer.request(await prepared(runner, hello)))), "hello");
});

test("a plugin whose failure is no reason to stop lets the next one run", async (runner) => {
  const from = runner.stderr.length;
  const reply = await requested(runner, [use("throws-softly"), ...hello]);
  assert.equal(textOf(stopOf(reply)), "hello");
  await runner.line(/ERROR .*"throws-softly" failed: boom; going on/, from);
});

for (const what of ["rejection", "timer", "thrown null"]) {
  test(`a stray ${what} behind the back of a hook is logged, and ends nothing`, async (runner) => {
    const from = runner.stderr.length;
    using peer = await Peer.connect(runner);
    const token = await prepared(runner, [use("stray", { what })]);
    for (let i = 0; i < 3; i++) assert.equal((await peer.request(token)).action, null);
    const text = what === "thrown null" ? /ERROR .*outside of any call.*null/ : /ERROR .*stray/;
    await until(
      () => runner.stderr.slice(from).filter((line) => text.test(line)).length === 3,
      "Three lines",
    );
    await assertServes(runner);
  });
}

test("a question whose answer nobody waits for does not confuse the next call", async (runner) => {
  using peer = await Peer.connect(runner);
  const forgetful = await prepared(runner, [use("forgetful")]);
  const asking = await prepared(runner, [use("variables", { names: ["arg_x"] })]);
  for (const x of ["1", "2"]) {
    const answer = answers({ request_uri: "/whatever", arg_x: x });
    assert.equal(textOf(stopOf(await peer.request(forgetful, {}, answer))), "whatever");
    assert.equal(textOf(stopOf(await peer.request(asking, {}, answer))), `["${x}"]`);
  }
});

test("an answer that nobody asked for is refused, and harms nobody else", async (runner) => {
  using idle = await Peer.connect(runner);
  await idle.send(encodeExtraInfoResp(null));
  const frame = await idle.receive();
  assert(frame?.type === 0);
  assert.equal(decodeErrorResp(frame), ErrorCode.BAD_REQUEST);
  using busy = await Peer.connect(runner);
  await busy.send(requestFrame(await prepared(runner, [use("hangs")])));
  await busy.send(encodeExtraInfoResp(null));
  assert.equal((await busy.receive().catch(() => null))?.type ?? 0, 0);
  await assertServes(runner);
});

test("a malformed answer fails the call that asked, with code 1 or 0", async (runner) => {
  using peer = await Peer.connect(runner);
  const token = await prepared(runner, [use("variables", { names: ["arg_x"] })]);
  for (const payload of [[], [1], [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]]) {
    await peer.send(requestFrame(token));
    assert.equal((await peer.receive())?.type, 3);
    await peer.send(withHeader(3, Uint8Array.from(payload)));
    assert.equal((await peer.receive())?.type, 0);
  }
  await assertServes(runner);
});

for (const type of [0, 5, 77, 255]) {
  test(`a frame of type ${type} gets code 0, and the connection stays usable`, async (runner) => {
    using peer = await Peer.connect(runner);
    await peer.send(withHeader(type, Uint8Array.of(8, 0, 0, 0, 4, 0, 4, 0, 4, 0, 0, 0)));
    const frame = await peer.receive();
    assert(frame?.type === 0);
    assert.equal(decodeErrorResp(frame), ErrorCode.BAD_REQUEST);
    assert.equal(textOf(stopOf(await peer.request(await prepared(runner, hello)))), "hello");
  });
}

for (const type of [1, 2, 4]) {
  test(`payloads of type ${type} that are no message get code 0`, async (runner) => {
    using peer = await Peer.connect(runner);
    const payloads = [
      new Uint8Array(),
      new Uint8Array(3),
      new Uint8Array(64),
      new Uint8Array(64).fill(0xff),
      Uint8Array.of(0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0),
      new TextEncoder().encode("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ];
    for (const payload of payloads) {
      await peer.send(withHeader(type, payload));
      const frame = await peer.receive();
      assert(frame?.type === 0);
      assert.equal(decodeErrorResp(frame), ErrorCode.BAD_REQUEST);
    }
    assert.equal(textOf(stopOf(await peer.request(await prepared(runner, hello)))), "hello");
  });
}

test("a peer that ends its direction still gets its answer", async (runner) => {
  using peer = await Peer.connect(runner);
  await peer.send(encodePrepareConfReq({ conf: hello, key: newKey() }));
  await peer.endSending();
  const frame = await peer.receive();
  assert(frame !== null);
  assert.notEqual(decodePrepareConfResp(frame), 0);
  await peer.closedByRunner();
});

test("a plugin is told when APISIX goes while it works", async (runner) => {
  const token = await prepared(runner, [use("asks-and-hangs")]);
  for (
    const [frame, phase] of [
      [requestFrame(token, { id: 881 }), "onRequest"],
      [responseFrame(token, { id: 882 }), "onResponse"],
    ] as const
  ) {
    const from = runner.stderr.length;
    const peer = await Peer.connect(runner);
    await peer.send(frame);
    assert.equal((await peer.receive())?.type, 3);
    peer.close();
    const line = await runner.line(/WARN no answer: .*closed/, from);
    assert.match(line, new RegExp(` phase=${phase} id=88`));
    await runner.line(new RegExp(`WARN given up: .*closed.* phase=${phase} id=88`), from);
  }
  await assertServes(runner);
});

test("no hook runs for a call that was over before its configuration was ready", async (runner) => {
  const token = await prepared(runner, [use("slow-config")]);
  const gone = await Peer.connect(runner);
  await gone.send(requestFrame(token, { id: 991 }));
  gone.close();
  await runner.line(/closed the connection before the call was answered.* id=991/);
  using peer = await Peer.connect(runner);
  assert.equal(textOf(stopOf(await peer.request(token, { id: 992 }))), "ready");
  await runner.line(/slow-config runs .* id=992/);
  assert(!runner.stderr.some((line) => /slow-config runs .* id=991/.test(line)));
});

test("a peer that sends and does not read stops being served, the others do not", async (runner) => {
  using deaf = await Peer.connect(runner);
  const token = await prepared(runner, [use("answer", { size: 1_000_000 })]);
  const before = residentBytes(runner.pid);
  // Until the runner takes no more: its answers fill the socket, so it does not read on.
  let sending = true;
  let ended = false;
  (async () => {
    const calls = new Uint8Array(
      await new Blob(Array(500).fill(new Uint8Array(requestFrame(token)))).bytes(),
    );
    for (let i = 0; sending && i < 100; i++) await deaf.send(calls);
    ended = true;
  })().catch(() => {});
  for (let i = 0; i < 50; i++) await assertServes(runner);
  const grown = residentBytes(runner.pid) - before;
  sending = false;
  assert(!ended, "The runner reads on although its answers are not read");
  assert(grown < 200e6, `${grown} bytes`);
});

test("random bytes on 100 connections leave the others unharmed", async (runner) => {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  const random = pseudoRandom(seed);
  const token = await prepared(runner, [use("variables", { names: ["arg_x"] })]);
  using good = await Peer.connect(runner);
  const call = requestFrame(token);
  const attack = async () => {
    const peer = await Peer.connect(runner);
    const bytes = pseudoRandomBytes(random, Math.floor(random() * 4000));
    // Some start well, some are whole frames.
    if (random() < 0.3) bytes.set(call.subarray(0, Math.floor(random() * bytes.length)));
    else if (random() < 0.5 && bytes.length > 4) {
      const length = Math.floor(random() * (bytes.length - 4));
      bytes.set([Math.floor(random() * 6), 0, length >>> 8, length & 0xff]);
    }
    await peer.send(bytes).catch(() => {});
    if (random() < 0.3) await peer.endSending().catch(() => {});
    peer.close();
  };
  for (let i = 0; i < 100; i += 10) {
    const others = Array.from({ length: 9 }, () => attack());
    const reply = await good.request(token, { id: i }, answers({ arg_x: "still here" }));
    assert.equal(textOf(stopOf(reply)), '["still here"]', `seed ${seed}`);
    await Promise.all(others);
  }
  assert.equal(textOf(rewriteOf(await requested(runner, [use("rewrite", { body: "x" })]))), "x");
});

test("what plugins log stays one line of less than 3800 bytes", async (runner) => {
  const from = runner.stderr.length;
  const name = "no-such\nplugin".padEnd(20_000, "é");
  const token = await prepared(runner, [{ name, value: "{}" }]);
  using peer = await Peer.connect(runner);
  await refusedWith(ErrorCode.SERVICE_UNAVAILABLE, peer.request(token));
  const line = await runner.line(/no-such/, from);
  assert.match(line, /no-such.*plugin/);
  assert(new TextEncoder().encode(line).length < 3800);
});
