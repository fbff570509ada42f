/**
 * The reload of APISIX: an old and a new runner on one path, in either order (protocol.md §1.8).
 */

import assert from "node:assert/strict";

import { decodeHTTPReqCallResp } from "../../protocol/decode_reply.ts";
import { Frame, HEADER_BYTES, MAX_PAYLOAD_BYTES } from "../../protocol/frame.ts";
import { prepared, requested, requestFrame, stopOf, textOf, use } from "./_peer.ts";
import { type Kind, testBoth, TestRunner } from "./_runner.ts";
import { until } from "./_until.ts";
import { Worker } from "./_worker.ts";

const WORKERS = 20;
const hello = [use("say", { body: "hello" })];

/** Lets workers call all the time while one runner is replaced by another. */
async function reload(
  kind: Kind,
  replace: (old: TestRunner) => Promise<TestRunner>,
): Promise<void> {
  await using old = await TestRunner.start({ kind });
  const workers = Array.from({ length: WORKERS }, () => new Worker(old.path, hello, "hello"));
  try {
    const goesOn = async () => {
      const before = workers.map(({ tally }) => tally.answered);
      const further = () => workers.every(({ tally }, i) => tally.answered > (before[i] ?? 0) + 10);
      await until(further, "Ten more answers for each worker");
    };
    await goesOn();
    await using _new = await replace(old);
    await until(() => old.ended, "The end of the old runner");
    await goesOn();
    assert.equal((await old.exit()).code, 0);
    assert((await Deno.lstat(old.path)).isSocket);
    await Promise.all(workers.map((worker) => worker.stop()));
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()));
  }
  assert.deepEqual(workers.flatMap(({ tally }) => tally.lost), []);
  // Each worker prepares anew once: the new runner does not know the old one's tokens.
  assert.deepEqual(workers.map(({ tally }) => tally.preparedAnew), Array(WORKERS).fill(1));
}

testBoth("a reload that starts the new runner first loses no call", async (kind) => {
  await reload(kind, async (old) => {
    const started = await TestRunner.start({ kind, path: old.path });
    old.signal("SIGTERM");
    return started;
  });
});

testBoth("a reload that ends the old runner first loses no call", async (kind) => {
  await reload(kind, async (old) => {
    old.signal("SIGTERM");
    return await TestRunner.start({ kind, path: old.path });
  });
});

testBoth(
  "an ending runner serves its connections, then retires each behind an answer",
  async (kind) => {
    await using runner = await TestRunner.start({ kind });
    const token = await prepared(runner, hello);
    using connection = await runner.connect();
    const exit = runner.stop();
    await runner.line(/Ending: SIGTERM/);
    let answers = 0;
    let received = new Uint8Array();
    const buffer = new Uint8Array(4096);
    for (;;) {
      const { payload, rest } = split(received);
      if (payload !== null) {
        assert.equal(textOf(stopOf(decodeHTTPReqCallResp(Frame.of(2, payload)))), "hello");
        answers++;
        received = rest;
        // Unread bytes behind a reply do no harm, but keep a connection out of the pool (§2).
        if (rest.length > 0) break;
      }
      if (received.length === 0) await connection.write(requestFrame(token));
      const count = await connection.read(buffer);
      assert(count !== null, "The connection was closed without the byte that says so");
      received = new Uint8Array([...received, ...buffer.subarray(0, count)]);
    }
    assert.equal(received.length, 1);
    assert(answers > 1, `${answers} answers`);
    assert.equal(await connection.read(buffer), null);
    // Where calls come it is a reload: the runner stays until there is a successor.
    assert.equal(textOf(stopOf(await requested(runner, hello))), "hello");
    assert.equal((await exit).code, 0);
  },
);

/** The payload of the frame at the start of some bytes, if it is whole, and what follows it. */
function split(bytes: Uint8Array<ArrayBuffer>): {
  payload: Uint8Array | null;
  rest: Uint8Array<ArrayBuffer>;
} {
  if (bytes.length < HEADER_BYTES) return { payload: null, rest: bytes };
  const end = HEADER_BYTES + (new DataView(bytes.buffer).getUint32(0) & MAX_PAYLOAD_BYTES);
  if (bytes.length < end) return { payload: null, rest: bytes };
  return { payload: bytes.slice(HEADER_BYTES, end), rest: bytes.slice(end) };
}
