import assert from "node:assert/strict";
import { join } from "node:path";

import { FrameDecoder } from "../../../../protocol/frame.ts";
import { converse } from "../../../../runner/cli/doctor/conversation.ts";

const NO_ACTION = "0200000c080000000400040004000000";
const TOKEN_233 = "010000140c000000000006000800040006000000e9000000";
const BAD_REQUEST = "0000000c080000000400040004000000";

/** What comes of a conversation with a runner that answers frames so; `null`: not at all. */
async function seenWith(answer: (type: number) => string | null, patienceMs = 5000) {
  const folder = await Deno.makeTempDir();
  const path = join(folder, "x.sock");
  const listener = Deno.listen({ transport: "unix", path });
  const served: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const connection of listener) served.push(serve(connection, answer));
  })();
  try {
    return (await converse(path, patienceMs)).map(({ level, seen }) => `${level}: ${seen}`);
  } finally {
    listener.close();
    await accepting.catch(() => {});
    await Promise.all(served);
    await Deno.remove(folder, { recursive: true });
  }
}

async function serve(connection: Deno.Conn, answer: (type: number) => string | null) {
  using _closed = connection;
  const decoder = new FrameDecoder();
  try {
    for (;;) {
      const count = await connection.read(decoder.space());
      if (count === null) return;
      decoder.commit(count);
      for (let frame = decoder.next(); frame !== null; frame = decoder.next()) {
        const reply = answer(frame.type);
        if (reply !== null) await connection.write(Uint8Array.fromHex(reply));
      }
    }
  } catch {
    // The other side has gone.
  }
}

Deno.test("converse sees a runner that takes tokens which it never gave", async () => {
  const seen = await seenWith((type) => (type === 1 ? TOKEN_233 : NO_ACTION));
  assert.match(seen[0] ?? "", /^ok: answers: a token in [\d.]+ ms, a call in [\d.]+ ms$/);
  assert.equal(seen[1], "warning: takes a token that it never gave");
});

Deno.test("converse sees a runner that does not speak the protocol", async () => {
  const [seen = ""] = await seenWith(() => "4d000000");
  assert.match(seen, /^problem: does not speak the protocol: /);
});

Deno.test("converse sees a runner that refuses everything", async () => {
  const [seen = ""] = await seenWith(() => BAD_REQUEST);
  assert.equal(
    seen,
    "problem: does not speak the protocol: The runner answered with the error code 0",
  );
});

Deno.test("converse sees a runner that refuses unknown tokens with another code", async () => {
  let calls = 0;
  const seen = await seenWith((type) =>
    type === 1 ? TOKEN_233 : ++calls <= 50 ? NO_ACTION : BAD_REQUEST
  );
  assert.equal(
    seen[1],
    "problem: answers an unknown token with the code 0, not with CONF_TOKEN_NOT_FOUND",
  );
});

Deno.test("converse gives up on a runner that is silent", async () => {
  assert.deepEqual(await seenWith(() => null, 50), [
    "problem: accepts connections, and has not answered for 50 ms",
  ]);
});
