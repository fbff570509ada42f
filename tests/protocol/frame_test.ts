import assert from "node:assert/strict";

import fc from "fast-check";

import { type Frame, FrameDecoder, MAX_PAYLOAD_BYTES, RpcType } from "../../protocol/frame.ts";
import { cut, cuts } from "./_arbitraries.ts";
import { withHeader } from "./_messages.ts";

/** A frame on the wire. */
interface Sent {
  readonly type: number;
  readonly payload: Uint8Array;
}

const sent: fc.Arbitrary<Sent> = fc.record({
  type: fc.nat(255),
  payload: fc.oneof(
    { arbitrary: fc.uint8Array({ maxLength: 40 }), weight: 6 },
    // Longer than what the decoder reads into at first, or than what it keeps.
    {
      arbitrary: fc.tuple(fc.constantFrom(4092, 4096, 70_000), fc.nat(255))
        .map(([length, fill]) => new Uint8Array(length).fill(fill)),
      weight: 1,
    },
  ),
}, { noNullPrototype: true });
const sentFrames = fc.array(sent, { maxLength: 8 });

function wire(frames: readonly Sent[]): Uint8Array {
  const parts = frames.map(({ type, payload }) => withHeader(type, payload));
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** A copy of a frame. */
function received(frame: Frame): Sent {
  return {
    type: frame.type,
    payload: Uint8Array.from(frame.bytes.subarray(frame.start, frame.end)),
  };
}

function* drain(decoder: FrameDecoder): Generator<Frame> {
  for (let frame = decoder.next(); frame !== null; frame = decoder.next()) yield frame;
}

/** Writes bytes as a socket does: some of them into the space, the rest next time. */
function fill(decoder: FrameDecoder, bytes: Uint8Array): Uint8Array {
  const space = decoder.space();
  assert(space.length > 0);
  const part = bytes.subarray(0, space.length);
  space.set(part);
  decoder.commit(part.length);
  return bytes.subarray(part.length);
}

Deno.test("FrameDecoder gives the same frames however the stream is cut", () => {
  fc.assert(fc.property(sentFrames, cuts, (frames, lengths) => {
    const decoder = new FrameDecoder();
    const got: Sent[] = [];
    for (const chunk of cut(wire(frames), lengths)) {
      decoder.push(chunk);
      got.push(...Array.from(drain(decoder), received));
    }
    assert.deepEqual(got, frames);
    assert.equal(decoder.buffered, 0);
  }));
});

Deno.test("FrameDecoder gives the same frames however its space is filled", () => {
  fc.assert(fc.property(sentFrames, cuts, (frames, lengths) => {
    const decoder = new FrameDecoder();
    const got: Sent[] = [];
    for (let chunk of cut(wire(frames), lengths)) {
      while (chunk.length > 0) {
        chunk = fill(decoder, chunk);
        got.push(...Array.from(drain(decoder), received));
      }
    }
    assert.deepEqual(got, frames);
  }));
});

Deno.test("FrameDecoder takes in many frames before the first is asked for", () => {
  fc.assert(fc.property(sentFrames, cuts, (frames, lengths) => {
    const decoder = new FrameDecoder();
    for (const chunk of cut(wire(frames), lengths)) decoder.push(chunk);
    assert.deepEqual(Array.from(drain(decoder), received), frames);
  }));
});

Deno.test("FrameDecoder keeps held frames as they are, whatever comes after them", () => {
  // After each frame: whether to hold from now on. A release comes with the next `false`.
  const steps = fc.array(fc.tuple(sent, fc.boolean()), { maxLength: 12 });
  fc.assert(fc.property(steps, cuts, (steps, lengths) => {
    const decoder = new FrameDecoder();
    const got: Sent[] = [];
    let held: { frame: Frame; was: Sent }[] = [];
    for (const chunk of cut(wire(steps.map(([frame]) => frame)), lengths)) {
      decoder.push(chunk);
      for (const frame of drain(decoder)) {
        const was = received(frame);
        const hold = steps[got.push(was) - 1]?.[1] ?? false;
        // All frames of one chunk may be held, and all that follow while the hold lasts.
        if (hold) decoder.hold();
        for (const { frame, was } of held) assert.deepEqual(received(frame), was);
        if (hold || held.length > 0) held.push({ frame, was });
        if (!hold) {
          decoder.release();
          held = [];
        }
      }
      for (const { frame, was } of held) assert.deepEqual(received(frame), was);
    }
    assert.deepEqual(got, steps.map(([frame]) => frame));
  }));
});

Deno.test("FrameDecoder waits for the rest of a header", () => {
  const decoder = new FrameDecoder();
  for (const byte of [RpcType.HTTP_REQ_CALL, 0, 0]) {
    decoder.push(Uint8Array.of(byte));
    assert.equal(decoder.next(), null);
  }
  assert.equal(decoder.buffered, 3);
  decoder.push(Uint8Array.of(1));
  assert.equal(decoder.next(), null);
  decoder.push(Uint8Array.of(0xaa));
  const frame = decoder.next();
  assert(frame !== null);
  assert.deepEqual(received(frame), {
    type: RpcType.HTTP_REQ_CALL,
    payload: Uint8Array.of(0xaa),
  });
});

Deno.test("FrameDecoder gives two frames of one chunk one after the other", () => {
  const decoder = new FrameDecoder();
  decoder.push(Uint8Array.of(1, 0, 0, 1, 0xaa, 2, 0, 0, 2, 0xbb, 0xcc));
  assert.deepEqual(Array.from(drain(decoder), received), [
    { type: 1, payload: Uint8Array.of(0xaa) },
    { type: 2, payload: Uint8Array.of(0xbb, 0xcc) },
  ]);
});

Deno.test("FrameDecoder gives a frame without a payload", () => {
  const decoder = new FrameDecoder();
  decoder.push(Uint8Array.of(255, 0, 0, 0));
  const frame = decoder.next();
  assert(frame !== null);
  assert.deepEqual(received(frame), { type: 255, payload: new Uint8Array() });
});

Deno.test("FrameDecoder takes the largest frame there is, then shrinks", () => {
  const payload = new Uint8Array(MAX_PAYLOAD_BYTES);
  payload[0] = 1;
  payload[MAX_PAYLOAD_BYTES - 1] = 2;
  const decoder = new FrameDecoder();
  const usual = decoder.space().length;
  decoder.push(withHeader(3, payload));
  const frame = decoder.next();
  assert(frame !== null);
  assert.equal(frame.end - frame.start, MAX_PAYLOAD_BYTES);
  assert.equal(frame.bytes.compare(payload, 0, payload.length, frame.start, frame.end), 0);
  assert.equal(decoder.space().length, usual);
});

Deno.test("FrameDecoder also shrinks after a large frame that came while it was held", () => {
  const decoder = new FrameDecoder();
  const usual = decoder.space().length;
  decoder.push(Uint8Array.of(2, 0, 0, 1, 0xaa));
  const call = decoder.next();
  assert(call !== null);
  decoder.hold();
  decoder.push(withHeader(3, new Uint8Array(1_000_000)));
  assert.notEqual(decoder.next(), null);
  assert.deepEqual(received(call).payload, Uint8Array.of(0xaa));
  decoder.release();
  assert.equal(decoder.space().length, usual);
});

Deno.test("FrameDecoder takes no memory for bytes that are only announced", () => {
  const decoder = new FrameDecoder();
  decoder.push(Uint8Array.of(2, 0xff, 0xff, 0xff));
  let came = 4;
  for (let i = 0; i < 40; i++) {
    const room = decoder.space().length;
    assert(room <= Math.max(64 * 1024, came), `${room} bytes for ${came} that came`);
    decoder.commit(Math.min(room, 10_000));
    came += Math.min(room, 10_000);
  }
  assert.equal(decoder.next(), null);
});

Deno.test("FrameDecoder takes the room for the rest once much of a frame has come", () => {
  const decoder = new FrameDecoder();
  decoder.push(withHeader(2, new Uint8Array(8_000_000)).subarray(0, 600_000));
  assert.equal(decoder.space().length, 8_000_004 - 600_000);
});

Deno.test("FrameDecoder leaves its buffer to a large frame, and goes on in another", () => {
  const decoder = new FrameDecoder();
  const large = withHeader(3, new Uint8Array(200_000).fill(7));
  decoder.push(Uint8Array.from([...large, 2, 0, 0, 1, 0xaa]));
  const frame = decoder.next();
  assert(frame?.own !== null);
  assert.deepEqual(received(decoder.next() ?? assert.fail()).payload, Uint8Array.of(0xaa));
  decoder.push(withHeader(3, new Uint8Array(250_000)));
  decoder.next();
  assert.deepEqual(received(frame ?? assert.fail()).payload, large.subarray(4));
});

Deno.test("FrameDecoder moves frames that nobody takes only now and then", () => {
  const decoder = new FrameDecoder();
  const bytes = wire(
    Array.from({ length: 100 }, () => ({ type: 2, payload: new Uint8Array(996) })),
  );
  const buffers = new Set<ArrayBufferLike>();
  for (const byte of cut(bytes, [1])) {
    decoder.push(byte);
    buffers.add(decoder.space().buffer);
  }
  assert(buffers.size < 10, `${buffers.size} buffers`);
  assert.equal(Array.from(drain(decoder)).length, 100);
});

Deno.test("FrameDecoder uses the same memory for frame after frame", () => {
  const decoder = new FrameDecoder();
  const memory = decoder.space().buffer;
  for (let i = 0; i < 100; i++) {
    decoder.push(withHeader(2, new Uint8Array(1000)));
    assert.equal(decoder.next()?.bytes.buffer, memory);
  }
});
