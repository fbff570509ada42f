import assert from "node:assert/strict";

import { Frame, FrameDecoder } from "../../protocol/frame.ts";
import { decode, encode, frameOf, payloadOf, TABLES } from "./_messages.ts";
import { VECTORS } from "./_vectors.ts";
import { witnessRead, witnessWrite } from "./_witness.ts";

for (const { name, frame: bytes, decoded } of VECTORS) {
  Deno.test(`vector ${name} is read and written as what it says`, () => {
    const { table } = decoded;
    const decoder = new FrameDecoder();
    decoder.push(bytes);
    const frame = decoder.next();
    assert(frame !== null);
    assert.equal(frame.type, TABLES[table]);
    assert.deepEqual(decode(table, frame), decoded);
    assert.equal(decoder.next(), null);

    // The witness agrees, and what it writes is understood.
    assert.deepEqual(witnessRead(table, payloadOf(bytes)), decoded);
    assert.deepEqual(decode(table, Frame.of(frame.type, witnessWrite(decoded))), decoded);

    // Nobody sends a code that nobody knows.
    if (name === "error_unknown_code") return;
    const written = encode(decoded);
    assert.equal(written[0], TABLES[table]);
    assert.deepEqual(decode(table, frameOf(written)), decoded);
    assert.deepEqual(witnessRead(table, payloadOf(written)), decoded);
  });
}

Deno.test("vectors show every kind of message", () => {
  const shown = new Set(VECTORS.map(({ decoded }) => decoded.table));
  assert.deepEqual([...shown].sort(), Object.keys(TABLES).sort());
});
