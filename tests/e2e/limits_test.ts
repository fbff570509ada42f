/**
 * The largest that the protocol can carry (protocol.md §3, §9).
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";

import { encodeExtraInfoResp, encodePrepareConfReq } from "../../protocol/encode_request.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { HEADER_BYTES, MAX_PAYLOAD_BYTES, RpcType } from "../../protocol/frame.ts";
import { withHeader } from "../protocol/_messages.ts";
import {
  answers,
  entries,
  newKey,
  Peer,
  prepared,
  pseudoRandom,
  pseudoRandomBytes,
  refusedWith,
  rewriteOf,
  stopOf,
  textOf,
  use,
} from "./_peer.ts";
import { residentBytes, sharedRunners } from "./_runner.ts";

const test = sharedRunners({ program: "test-runner" });
const hello = [use("say", { body: "hello" })];

/** The largest body for which APISIX can answer a question (§9). */
const MAX_BODY = 16_777_188;

/** The largest that fits a Rewrite beside which there is nothing else. */
const MAX_REWRITE = 16_777_152;

/** A body whose every part differs from its neighbours. */
function bodyOf(size: number): Uint8Array {
  const block = pseudoRandomBytes(pseudoRandom(size), 4093);
  return Buffer.alloc(size, block);
}

/** Fails unless a body is another with its first and last byte inverted. */
function assertFlipped(body: Uint8Array | null, original: Uint8Array): void {
  assert(body !== null);
  assert.equal(body.length, original.length);
  const expected = new Uint8Array(original);
  for (const at of [0, expected.length - 1]) expected[at] = 0xff ^ (expected[at] ?? 0);
  // Not deepEqual, which would print both.
  assert(Buffer.from(body.buffer, body.byteOffset, body.length).equals(expected), "Other bytes");
}

for (const size of [1_000_000, MAX_REWRITE]) {
  test(`a request body of ${size} bytes is read and replaced`, async (runner) => {
    using peer = await Peer.connect(runner);
    const token = await prepared(runner, [use("flip-body")]);
    const request = bodyOf(size);
    const reply = await peer.request(token, { method: 2 }, answers({}, { request }));
    assertFlipped(rewriteOf(reply).body, request);
    assert.equal(textOf(stopOf(await peer.request(await prepared(runner, hello)))), "hello");
  });
}

test("the largest request body is read in both phases", async (runner) => {
  using peer = await Peer.connect(runner);
  const token = await prepared(runner, [use("read-body", { as: "digest" })]);
  const request = bodyOf(MAX_BODY);
  assert.equal(encodeExtraInfoResp(request).length, HEADER_BYTES + MAX_PAYLOAD_BYTES - 3);
  const digest = createHash("sha256").update(request).digest("hex");
  const answer = answers({}, { request });
  assert.equal(textOf(stopOf(await peer.request(token, {}, answer))), digest);
  assert.equal(textOf(await peer.response(token, {}, answer)), digest);
});

test("a response body of 16 MB is read and replaced, beside the headers", async (runner) => {
  using peer = await Peer.connect(runner);
  const token = await prepared(runner, [use("flip-body")]);
  const response = bodyOf(MAX_BODY - 200);
  const headers = entries([["Content-Type", "text/html"], ["X-Same", "one"], ["X-Same", "two"]]);
  const reply = await peer.response(token, { headers }, answers({}, { response }));
  assertFlipped(reply.body, response);
  assert.equal(reply.headers.length, 3);
});

test("the largest response body is read and passes, if it is not replaced", async (runner) => {
  using peer = await Peer.connect(runner);
  const filter = { regex: "^no such text$", scope: "once", replace: "" };
  const token = await prepared(runner, [use("response-rewrite", { filters: [filter] })]);
  const answer = answers({ request_method: "GET" }, { response: bodyOf(MAX_BODY) });
  assert.equal((await peer.response(token, {}, answer)).body, null);
});

test("a request body that can be read but not sent on is code 1", async (runner) => {
  using peer = await Peer.connect(runner);
  const from = runner.stderr.length;
  const token = await prepared(runner, [use("flip-body")]);
  const answer = answers({}, { request: bodyOf(MAX_BODY) });
  await refusedWith(ErrorCode.SERVICE_UNAVAILABLE, peer.request(token, {}, answer));
  await runner.line(/ ERROR .*hold/, from);
});

test("a body that does not fit beside the headers is code 1, and the next call is fine", async (runner) => {
  using peer = await Peer.connect(runner);
  const from = runner.stderr.length;
  const token = await prepared(runner, [use("flip-body")]);
  const answer = answers({}, { response: bodyOf(MAX_REWRITE) });
  await refusedWith(ErrorCode.SERVICE_UNAVAILABLE, peer.response(token, {}, answer));
  await runner.line(/ERROR.*a frame holds 16777215/, from);
  assert.equal(textOf(stopOf(await peer.request(await prepared(runner, hello)))), "hello");
});

test("headers that do not fit a frame are code 1, and the next call is fine", async (runner) => {
  using peer = await Peer.connect(runner);
  const token = await prepared(runner, [use("answer", { size: 3, header: MAX_PAYLOAD_BYTES })]);
  await refusedWith(ErrorCode.SERVICE_UNAVAILABLE, peer.request(token));
  assert.equal(textOf(stopOf(await peer.request(await prepared(runner, hello)))), "hello");
});

test("an answer of 16 MB is sent whole", async (runner) => {
  using peer = await Peer.connect(runner);
  const token = await prepared(runner, [use("answer", { size: MAX_BODY - 100 })]);
  const { body } = stopOf(await peer.request(token));
  assert.equal(body?.length, MAX_BODY - 100);
});

test("a PrepareConf of several MB is taken", async (runner) => {
  using peer = await Peer.connect(runner);
  const body = "x".repeat(8_000_000);
  const token = await peer.prepare([use("say", { body })]);
  assert.equal(textOf(stopOf(await peer.request(token))).length, body.length);
});

test("several MB of garbage as a PrepareConf are refused at once", async (runner) => {
  const garbage = withHeader(RpcType.PREPARE_CONF, pseudoRandomBytes(pseudoRandom(1), 5_000_000));
  const nonsense = encodePrepareConfReq({
    conf: Array.from({ length: 50_000 }, (_, i) => ({ name: `no-such-${i}`, value: "{" })),
    key: newKey(),
  });
  // Offsets that all lead to the same entry, which says that it is huge.
  const repeated = withHeader(RpcType.PREPARE_CONF, new Uint8Array(5_000_000).fill(4));
  using other = await Peer.connect(runner);
  for (const frame of [garbage, repeated, nonsense]) {
    using peer = await Peer.connect(runner);
    await peer.send(frame);
    const start = performance.now();
    const reply = await peer.receive();
    const ms = performance.now() - start;
    assert.equal(reply?.type, frame === nonsense ? RpcType.PREPARE_CONF : RpcType.ERROR);
    assert(ms < 1000, `${ms} ms`);
    assert.notEqual(await other.prepare(hello), 0);
  }
});

test("a frame that is announced and does not come costs next to nothing", async (runner) => {
  const before = residentBytes(runner.pid);
  const peers = await Promise.all(Array.from({ length: 100 }, () => Peer.connect(runner)));
  const start = withHeader(RpcType.HTTP_REQ_CALL, new Uint8Array(100));
  start.set([RpcType.HTTP_REQ_CALL, 0xff, 0xff, 0xff]);
  assert(start.length > HEADER_BYTES);
  await Promise.all(peers.map((peer) => peer.send(start)));
  assert.notEqual(await prepared(runner, hello), 0);
  const grown = residentBytes(runner.pid) - before;
  for (const peer of peers) peer.close();
  assert(grown < 200e6, `${grown} bytes for 1.6 GB that were announced`);
});
