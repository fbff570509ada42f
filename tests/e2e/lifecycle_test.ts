/**
 * How a runner ends, and what must not end it (protocol.md §1.6, §1.7).
 */

import assert from "node:assert/strict";

import { decodeErrorResp } from "../../protocol/decode_reply.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import {
  Peer,
  prepared,
  refusedWith,
  requested,
  requestFrame,
  stopOf,
  textOf,
  use,
} from "./_peer.ts";
import { testBoth, TestRunner } from "./_runner.ts";

const program = "test-runner";
const hello = [use("say", { body: "hello" })];

/** After this APISIX kills (§1.7). */
const PATIENCE_MS = 1000;

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  testBoth(`${signal} without a connection ends the runner at once, with code 0`, async (kind) => {
    await using runner = await TestRunner.start({ kind });
    const { code, ms } = await runner.stop(signal);
    assert.equal(code, 0);
    assert(ms < 500, `${ms} ms`);
    await assert.rejects(Deno.lstat(runner.path), Deno.errors.NotFound);
  });

  testBoth(
    `${signal} with idle connections ends the runner before APISIX kills it`,
    async (kind) => {
      await using runner = await TestRunner.start({ kind });
      const peers = await Promise.all(Array.from({ length: 32 }, () => Peer.connect(runner)));
      await Promise.all(peers.map((peer) => peer.prepare(hello)));
      const { code, ms } = await runner.stop(signal);
      assert.equal(code, 0);
      assert(ms < PATIENCE_MS, `${ms} ms`);
      for (const peer of peers) {
        await peer.closedByRunner();
        peer.close();
      }
    },
  );
}

testBoth("once the last connection has gone, an ending runner does not wait on", async (kind) => {
  await using runner = await TestRunner.start({ kind });
  using peer = await Peer.connect(runner);
  await peer.prepare(hello);
  const exit = runner.stop();
  await runner.line(/Ending: SIGTERM/);
  peer.close();
  const { code, ms } = await exit;
  assert.equal(code, 0);
  assert(ms < 500, `${ms} ms`);
});

testBoth("while it ends, a runner answers what is in flight and what is new", async (kind) => {
  await using runner = await TestRunner.start({ kind, program });
  using slow = await Peer.connect(runner);
  const token = await prepared(runner, [use("slow", { ms: 200 })]);
  const pending = slow.request(token);
  const exit = runner.stop();
  await runner.line(/Ending: SIGTERM/);
  assert.equal(textOf(stopOf(await requested(runner, hello))), "hello");
  assert.equal(textOf(stopOf(await pending)), "at last");
  assert.equal((await exit).code, 0);
});

testBoth(
  "a call that takes too long is answered with an error when the runner ends",
  async (kind) => {
    await using runner = await TestRunner.start({ kind, program });
    using slow = await Peer.connect(runner);
    using deaf = await Peer.connect(runner);
    const token = await prepared(runner, [use("hangs")]);
    const pending = slow.request(token, { id: 9 });
    // One that asks and gets no answer is no reason to wait either.
    await deaf.send(requestFrame(await prepared(runner, [use("asks-and-hangs")])));
    assert.equal((await deaf.receive())?.type, 3);
    const exit = runner.stop();
    await refusedWith(ErrorCode.SERVICE_UNAVAILABLE, pending);
    const frame = await deaf.receive();
    assert(frame?.type === 0);
    assert.equal(decodeErrorResp(frame), ErrorCode.SERVICE_UNAVAILABLE);
    const { code, ms } = await exit;
    assert.equal(code, 0);
    assert(ms < PATIENCE_MS, `${ms} ms`);
    // One line for all of them: APISIX does not read the log any more.
    await runner.line(/WARN Calls are given up at the end calls=2/);
  },
);

testBoth("a peer that does not read its answer does not hold up the end", async (kind) => {
  await using runner = await TestRunner.start({ kind, program });
  using deaf = await Peer.connect(runner);
  const token = await prepared(runner, [use("answer", { size: 8_000_000 })]);
  await deaf.send(requestFrame(token));
  using other = await Peer.connect(runner);
  await other.prepare(hello); // the runner has read the call
  const { code, ms } = await runner.stop();
  assert.equal(code, 0);
  assert(ms < PATIENCE_MS, `${ms} ms`);
});

testBoth("a second signal does not disturb the end", async (kind) => {
  await using runner = await TestRunner.start({ kind });
  using peer = await Peer.connect(runner);
  await peer.prepare(hello);
  const exit = runner.stop("SIGTERM");
  runner.signal("SIGINT");
  runner.signal("SIGTERM");
  await runner.line(/Ending: SIGINT/);
  assert.notEqual(await peer.prepare(hello), 0);
  assert.equal((await exit).code, 0);
});

testBoth("SIGHUP is ignored", async (kind) => {
  await using runner = await TestRunner.start({ kind });
  for (let i = 0; i < 3; i++) {
    runner.signal("SIGHUP");
    assert.equal(textOf(stopOf(await requested(runner, hello))), "hello");
  }
  assert.equal((await runner.stop()).code, 0);
});

testBoth("a log that nobody reads any more is no reason to fail", async (kind) => {
  await using runner = await TestRunner.start({
    kind,
    program,
    readyBy: "connecting",
    before: "exec 2>&-",
  });
  using peer = await Peer.connect(runner);
  const token = await peer.prepare([use("throws", { what: "error" })]);
  await refusedWith(ErrorCode.SERVICE_UNAVAILABLE, peer.request(token));
  peer.close();
  assert.equal((await runner.stop()).code, 0);
});

testBoth("the end of standard input ends the runner, if it is a pipe", async (kind) => {
  await using runner = await TestRunner.start({ kind });
  using peer = await Peer.connect(runner);
  await peer.prepare(hello);
  const exit = runner.exit();
  await runner.closeInput();
  assert.equal((await exit).code, 0);
  await runner.line(/Ending: end of standard input/);
  await assert.rejects(Deno.lstat(runner.path), Deno.errors.NotFound);
});

testBoth("the end of standard input does not end the runner, if it is /dev/null", async (kind) => {
  await using runner = await TestRunner.start({ kind, stdin: "null" });
  assert.equal(textOf(stopOf(await requested(runner, hello))), "hello");
  assert(!runner.ended);
  assert.equal((await runner.stop()).code, 0);
});

testBoth("what is written to standard input is ignored", async (kind) => {
  await using runner = await TestRunner.start({ kind });
  await runner.writeInput("quit\n".repeat(1000));
  assert.equal(textOf(stopOf(await requested(runner, hello))), "hello");
});

testBoth("a socket that somebody else put at the path is not removed", async (kind) => {
  await using runner = await TestRunner.start({ kind });
  await Deno.remove(runner.path);
  using _other = Deno.listen({ transport: "unix", path: runner.path });
  assert.equal((await runner.stop()).code, 0);
  assert((await Deno.lstat(runner.path)).isSocket);
});

testBoth("a socket that somebody has removed does not disturb the end", async (kind) => {
  await using runner = await TestRunner.start({ kind });
  using peer = await Peer.connect(runner);
  await Deno.remove(runner.path);
  assert.notEqual(await peer.prepare(hello), 0);
  peer.close();
  assert.equal((await runner.stop()).code, 0);
});

testBoth("a runner serves and ends well after its working directory was deleted", async (kind) => {
  await using runner = await TestRunner.start({ kind });
  await Deno.remove(`${runner.folder}/work`);
  assert.equal(textOf(stopOf(await requested(runner, hello))), "hello");
  assert.equal((await runner.stop()).code, 0);
  await assert.rejects(Deno.lstat(runner.path), Deno.errors.NotFound);
});
