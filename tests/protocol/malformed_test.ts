import assert from "node:assert/strict";
import { Buffer } from "node:buffer";

import fc from "fast-check";
import { Builder } from "flatbuffers";

import {
  decodePrepareConfReq,
  HTTPReqCallMessage,
  HTTPRespCallMessage,
} from "../../protocol/decode_request.ts";
import { ErrorCode, RpcError } from "../../protocol/errors.ts";
import { Frame } from "../../protocol/frame.ts";
import type { TextEntries } from "../../protocol/text_entries.ts";
import { message } from "./_arbitraries.ts";
import { decode, encode, type Message, payloadOf, type Table, TABLES } from "./_messages.ts";
import { VECTORS } from "./_vectors.ts";

const ALL_TABLES = VECTORS.map(({ decoded }) => decoded.table)
  .filter((table, i, all) => all.indexOf(table) === i);

/** Reads a message and everything in it that is read lazily; `null` if it is refused as broken. */
function read(table: Table, frame: Frame): Message | null {
  try {
    decode(table, frame);
  } catch (error) {
    assert(error instanceof RpcError && error.code === ErrorCode.BAD_REQUEST, String(error));
    return null;
  }
  // From here on nothing may fail.
  if (table === "A6.PrepareConf.Req") readEntries(decodePrepareConfReq(frame).conf);
  if (table === "A6.HTTPRespCall.Req") readEntries(new HTTPRespCallMessage(frame).headers);
  if (table === "A6.HTTPReqCall.Req") {
    const call = new HTTPReqCallMessage(frame);
    assert.equal(typeof call.path, "string");
    readEntries(call.args);
    readEntries(call.headers);
  }
  return decode(table, frame);
}

function readEntries(list: TextEntries | null): void {
  for (let i = 0; list !== null && i < list.length; i++) {
    assert.equal(typeof list.name(i), "string");
    assert.notEqual(list.value(i), undefined);
    assert(list.indexOf(list.name(i), false) >= 0 || /[^\0-\x7f]/.test(list.name(i)));
  }
}

/** What may lie around a payload; the last is full of vtables. */
const FOREIGN = ["\0", "\x04", "\xff", "\x04\0"];

/** A frame whose payload lies among foreign bytes, as it does in the decoder's buffer. */
function amidst(type: number, payload: Uint8Array, foreign: string): Frame {
  const before = 12;
  const bytes = Buffer.alloc(before + payload.length + 64, foreign, "latin1");
  bytes.set(payload, before);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return new Frame(type, bytes, view, before, before + payload.length);
}

function readPayload(table: Table, payload: Uint8Array): Message | null {
  return read(table, Frame.of(TABLES[table], payload));
}

function refused(table: Table, payload: Uint8Array): void {
  assert.equal(readPayload(table, payload), null);
  for (const foreign of FOREIGN) {
    assert.equal(read(table, amidst(TABLES[table], payload, foreign)), null);
  }
}

Deno.test("decoders refuse every vector that is cut off, or read a part that is whole", () => {
  for (const { frame, decoded } of VECTORS) {
    const payload = payloadOf(frame);
    for (let length = 0; length < payload.length; length++) {
      readPayload(decoded.table, payload.slice(0, length));
    }
  }
});

Deno.test("decoders read or refuse every vector with any one byte changed", () => {
  for (const { frame, decoded } of VECTORS) {
    for (let at = 0; at < frame.length - 4; at++) {
      for (const flip of [0x01, 0x04, 0x80, 0xff]) {
        const payload = payloadOf(frame).slice();
        payload[at] = (payload[at] ?? 0) ^ flip;
        readPayload(decoded.table, payload);
      }
    }
  }
});

Deno.test("decoders read or refuse messages with words and bytes changed anywhere", () => {
  const word = fc.oneof(
    fc.constantFrom(0, 1, 2, 3, 4, 2 ** 16, 2 ** 24, 2 ** 30, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1),
    fc.integer({ min: -64, max: 64 }),
  );
  const edits = fc.array(fc.tuple(fc.nat(), fc.constantFrom(1, 2, 4), word), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(message, edits, fc.nat(), (message, edits, cut) => {
      const whole = payloadOf(encode(message)).slice();
      const view = new DataView(whole.buffer);
      for (const [at, size, value] of edits) {
        if (size === 1) view.setUint8(at % whole.length, value);
        else if (size === 2) view.setUint16(at % (whole.length - 1), value, true);
        else view.setUint32(at % (whole.length - 3), value, true);
      }
      const payload = cut % 4 === 0 ? whole.slice(0, cut % whole.length) : whole;
      const alone = readPayload(message.table, payload);
      // Foreign bytes around the payload are neither read nor followed.
      for (const foreign of FOREIGN) {
        const frame = amidst(TABLES[message.table], payload, foreign);
        assert.deepEqual(read(message.table, frame), alone);
      }
    }),
    { numRuns: 1000 },
  );
});

Deno.test("decoders read or refuse any bytes at all", () => {
  // Small numbers make offsets that lead somewhere.
  const byte = fc.oneof(fc.nat(16), fc.nat(255), fc.constant(0));
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 80 }), (bytes) => {
      const payload = Uint8Array.from(bytes);
      for (const table of ALL_TABLES) readPayload(table, payload);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("decoders read or refuse one message as any other", () => {
  for (const { frame } of VECTORS) {
    for (const table of ALL_TABLES) readPayload(table, payloadOf(frame));
  }
});

Deno.test("decoders refuse payloads without room for a table", () => {
  for (const table of ALL_TABLES) {
    for (let length = 0; length < 12; length++) refused(table, new Uint8Array(length));
  }
});

Deno.test("decoders read the smallest message there is", () => {
  const empty = Uint8Array.of(8, 0, 0, 0, 4, 0, 4, 0, 4, 0, 0, 0);
  assert.deepEqual(readPayload("A6.Err.Resp", empty), { table: "A6.Err.Resp", code: 0 });
  refused("A6.ExtraInfo.Req", empty);
});

Deno.test("decoders refuse tables and vtables outside of the payload", () => {
  // Root offset, vtable length, table length, vtable offset.
  const table = (root: number, vtable: number, length: number, back: number) => {
    const view = new DataView(new ArrayBuffer(12));
    view.setUint32(0, root, true);
    view.setUint16(4, vtable, true);
    view.setUint16(6, length, true);
    view.setInt32(8, back, true);
    return new Uint8Array(view.buffer);
  };
  assert.notEqual(readPayload("A6.Err.Resp", table(8, 4, 4, 4)), null);
  for (
    const broken of [
      table(9, 4, 4, 4),
      table(2 ** 32 - 8, 4, 4, 4),
      table(2 ** 31, 4, 4, 4),
      table(8, 3, 4, 4),
      table(8, 10, 4, 4),
      table(8, 0xffff, 4, 4),
      table(8, 4, 3, 4),
      table(8, 4, 5, 4),
      table(8, 4, 4, 9),
      table(8, 4, 4, 12),
      table(8, 4, 4, -1),
      table(8, 4, 4, -(2 ** 31)),
      table(8, 4, 4, 2 ** 31 - 1),
    ]
  ) {
    refused("A6.Err.Resp", broken);
  }
});

Deno.test("decoders read a table whose offsets lead to itself", () => {
  // The root offset is the table's vtable offset too, and its own vtable; nothing is followed twice.
  const payload = new Uint8Array(16);
  for (let at = 0; at < 16; at++) {
    for (const table of ALL_TABLES) {
      payload.fill(0);
      payload[at] = 4;
      readPayload(table, payload);
      payload.fill(4);
      readPayload(table, payload);
    }
  }
});

/** A request whose only field is the vector that `write` makes. */
function prepareConf(write: (builder: Builder) => number): Uint8Array {
  const builder = new Builder();
  const conf = write(builder);
  builder.startObject(2);
  builder.addFieldOffset(0, conf, 0);
  builder.finish(builder.endObject());
  return builder.asUint8Array().slice();
}

/** A vector of offsets to the same thing, over and over. */
function repeat(builder: Builder, offset: number, count: number): number {
  builder.startVector(4, count, 4);
  for (let i = 0; i < count; i++) builder.addOffset(offset);
  return builder.endVector();
}

function entry(builder: Builder, name: number, value: number): number {
  builder.startObject(2);
  builder.addFieldOffset(0, name, 0);
  builder.addFieldOffset(1, value, 0);
  return builder.endObject();
}

Deno.test("decoders refuse an entry without a name before anybody reads it", () => {
  const payload = prepareConf((b) => repeat(b, entry(b, 0, b.createString("v")), 1));
  const frame = Frame.of(TABLES["A6.PrepareConf.Req"], payload);
  assert.throws(() => decodePrepareConfReq(frame), { name: "RpcError", code: 0 });
  refused("A6.PrepareConf.Req", payload);
});

Deno.test("decoders refuse vectors that claim more elements than there are bytes", () => {
  for (const count of [2, 2 ** 30, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1]) {
    const payload = prepareConf((b) => {
      b.startVector(4, 0, 4);
      return b.endVector();
    });
    new DataView(payload.buffer).setUint32(payload.length - 4, count, true);
    refused("A6.PrepareConf.Req", payload);
  }
});

Deno.test("decoders take entries that share a text, up to what a frame can hold", () => {
  const shared = (count: number) =>
    prepareConf((b) => {
      const text = b.createString("x".repeat(1024 * 1024));
      return repeat(b, entry(b, text, text), count);
    });
  assert.notEqual(readPayload("A6.PrepareConf.Req", shared(7)), null);
  refused("A6.PrepareConf.Req", shared(8));
  refused("A6.PrepareConf.Req", shared(100_000));
});

Deno.test("decoders refuse a union that has a type but no value", () => {
  const union = (fields: number, type: number) => {
    const builder = new Builder();
    builder.startObject(fields);
    builder.addFieldInt8(fields - 2, type, 0);
    builder.finish(builder.endObject());
    return builder.asUint8Array();
  };
  for (const type of [1, 2]) refused("A6.HTTPReqCall.Resp", union(3, type));
  for (const type of [1, 2, 3, 4]) refused("A6.ExtraInfo.Req", union(2, type));
  assert.deepEqual(readPayload("A6.HTTPReqCall.Resp", union(3, 9)), {
    table: "A6.HTTPReqCall.Resp",
    message: { id: 0, action: null },
  });
});
