import assert from "node:assert/strict";

import fc from "fast-check";

import { HTTPReqCallMessage } from "../../protocol/decode_request.ts";
import { ReplyEncoder } from "../../protocol/encode_reply.ts";
import { encodeHTTPReqCallReq } from "../../protocol/encode_request.ts";
import { ErrorCode, RpcError } from "../../protocol/errors.ts";
import { Frame, MAX_PAYLOAD_BYTES, RpcType } from "../../protocol/frame.ts";
import type { Stop } from "../../protocol/messages.ts";
import { entries, message, MESSAGES } from "./_arbitraries.ts";
import { decode, encode, frameOf, type Message, payloadOf, TABLES, whole } from "./_messages.ts";
import { witnessRead, witnessWrite } from "./_witness.ts";

for (const [name, arbitrary] of Object.entries(MESSAGES)) {
  Deno.test(`${name} comes back as it was sent, whatever is in it`, () => {
    fc.assert(fc.property<[Message]>(arbitrary, (sent) => {
      const { table } = sent;
      const written = encode(sent);
      assert.deepEqual(decode(table, frameOf(written)), sent);
      assert.deepEqual(witnessRead(table, payloadOf(written)), sent);
      assert.deepEqual(decode(table, Frame.of(TABLES[table], witnessWrite(sent))), sent);
    }));
  });
}

Deno.test("ReplyEncoder forgets one reply before it makes the next", () => {
  fc.assert(fc.property(fc.array(message, { minLength: 2, maxLength: 6 }), (messages) => {
    const reused = new ReplyEncoder();
    for (const each of messages) assert.deepEqual(encode(each, reused), encode(each));
  }));
});

Deno.test("ReplyEncoder writes a string as the bytes of its UTF-8", () => {
  // Also halves of surrogate pairs, which have no UTF-8 and become U+FFFD.
  const text = fc.array(fc.nat(0xffff), { maxLength: 8 })
    .map((units) => String.fromCharCode(...units));
  fc.assert(fc.property(text, text, text, (path, name, value) => {
    const utf8 = (text: string) => new TextEncoder().encode(text);
    const rewrite = { type: "rewrite", args: [], respHeaders: [], body: null } as const;
    assert.deepEqual(
      new ReplyEncoder().httpReqCall({
        id: 1,
        action: { ...rewrite, path, headers: [{ name, value }] },
      }),
      new ReplyEncoder().httpReqCall({
        id: 1,
        action: {
          ...rewrite,
          path: utf8(path),
          headers: [{ name: utf8(name), value: utf8(value) }],
        },
      }),
    );
  }));
});

Deno.test("ReplyEncoder writes no empty list", () => {
  const nothing = { headers: [], args: [], respHeaders: [], path: null, body: null };
  const encoder = new ReplyEncoder();
  assert.equal(
    encoder.httpReqCall({ id: 5, action: { type: "rewrite", ...nothing } }).length,
    56, // The header, the root's offset, and two tables with their vtables.
  );
  assert.equal(encoder.httpRespCall({ id: 5, status: 0, headers: [], body: null }).length, 28);
});

function stop(body: Uint8Array): Stop {
  return { type: "stop", status: 200, headers: [], body };
}

const LARGEST_BODY = MAX_PAYLOAD_BYTES - emptyStop().end;

function emptyStop(): Frame {
  return frameOf(new ReplyEncoder().httpReqCall({ id: 1, action: stop(new Uint8Array()) }));
}

Deno.test("ReplyEncoder fills a frame to the last byte", () => {
  const body = new Uint8Array(LARGEST_BODY).fill(7);
  const encoder = new ReplyEncoder();
  const written = whole(encoder, encoder.httpReqCall({ id: 1, action: stop(body) }));
  assert.deepEqual([...written.subarray(0, 4)], [RpcType.HTTP_REQ_CALL, 0xff, 0xff, 0xff]);
  assert.deepEqual(decode("A6.HTTPReqCall.Resp", frameOf(written)), {
    table: "A6.HTTPReqCall.Resp",
    message: { id: 1, action: stop(body) },
  });
});

Deno.test("ReplyEncoder refuses what is too long for a frame, and goes on", () => {
  const encoder = new ReplyEncoder();
  const small = encode({ table: "A6.HTTPReqCall.Resp", message: { id: 9, action: null } });
  const long = new Uint8Array(1024 * 1024);
  const tooLong = [
    { id: 9, action: stop(new Uint8Array(MAX_PAYLOAD_BYTES)) },
    { id: 9, action: stop(new Uint8Array(LARGEST_BODY + 1)) },
    {
      id: 9,
      action: {
        ...stop(new Uint8Array()),
        headers: Array.from({ length: 16 }, () => ({ name: "x", value: long })),
      },
    },
  ];
  for (const reply of tooLong) {
    assert.throws(
      () => encoder.httpReqCall(reply),
      (error) => error instanceof RpcError && error.code === ErrorCode.SERVICE_UNAVAILABLE,
    );
    assert.deepEqual(encoder.httpReqCall({ id: 9, action: null }), small);
  }
});

Deno.test("ReplyEncoder keeps no memory of a large reply", () => {
  const encoder = new ReplyEncoder();
  const value = "x".repeat(100_000);
  const action = { ...stop(new Uint8Array()), headers: [{ name: "x", value }] };
  assert(encoder.httpReqCall({ id: 1, action }).buffer.byteLength >= value.length);
  assert(encoder.prepareConf(233).buffer.byteLength <= 64 * 1024);
});

Deno.test("ReplyEncoder leaves a large body where it is, to be sent behind the frame", () => {
  const encoder = new ReplyEncoder();
  const body = new Uint8Array(100_000).fill(7);
  const message: Message = {
    table: "A6.HTTPRespCall.Resp",
    message: { id: 1, status: 200, headers: [], body },
  };
  const { length } = encoder.httpRespCall(message.message);
  assert.equal(encoder.tail, body);
  assert(length < 100);
  assert.deepEqual(witnessRead(message.table, payloadOf(encode(message))), message);
  encoder.httpReqCall({ id: 1, action: null });
  assert.equal(encoder.tail, null);
});

Deno.test("ReplyEncoder goes on after a value that it could not write", () => {
  const encoder = new ReplyEncoder();
  const headers = [{
    name: "x",
    get value(): string {
      throw new Error("no value");
    },
  }];
  assert.throws(() => encoder.httpRespCall({ id: 1, status: 0, headers, body: null }), /no value/);
  assert.deepEqual(encoder.prepareConf(233), new ReplyEncoder().prepareConf(233));
});

Deno.test("TextEntries.indexOf says the same as a comparison of names", () => {
  const names = fc.constantFrom(
    "host",
    "Host",
    "HOST",
    "x-a",
    "x-A",
    "x_a",
    "@",
    "`",
    "[",
    "{",
    "",
  );
  fc.assert(fc.property(names, names, (sent, asked) => {
    const message = callOf({ headers: [{ name: sent, value: null }] });
    assert.equal(message.headers?.indexOf(asked, false) === 0, sent === asked);
    const lower = asked.toLowerCase();
    assert.equal(message.headers?.indexOf(lower, true) === 0, sent.toLowerCase() === lower);
  }));
});

Deno.test("TextEntries reads texts as a TextDecoder does, long ones too", () => {
  const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
  fc.assert(fc.property(entries, (headers) => {
    const read = callOf({ headers }).headers;
    assert.equal(read?.length, headers.length);
    for (const [i, { name, value }] of headers.entries()) {
      assert(name instanceof Uint8Array && typeof value !== "string");
      assert.equal(read.name(i), utf8.decode(name));
      assert.equal(read.value(i), value === null ? null : utf8.decode(value));
    }
  }));
});

Deno.test("ReplyEncoder sends on what lies in a frame as it is there", () => {
  fc.assert(fc.property(entries, (sent) => {
    const received = callOf({ headers: sent }).headers;
    const headers = sent.map((_, i) => {
      assert.equal(received?.nameLength(i), sent[i]?.name.length);
      return received?.slices(i) ?? { name: "missing", value: null };
    });
    const written = new ReplyEncoder().httpRespCall({ id: 1, status: 0, headers, body: null });
    assert.deepEqual(decode("A6.HTTPRespCall.Resp", frameOf(written)), {
      table: "A6.HTTPRespCall.Resp",
      message: { id: 1, status: 0, headers: sent, body: null },
    });
  }));
});

Deno.test("TextEntries keeps a byte order mark, which is a character of the text", () => {
  for (const length of [1, 1000]) {
    const text = "\ufeff".padEnd(length, "x");
    const { headers } = callOf({ headers: [{ name: text, value: text }] });
    assert.equal(headers?.name(0), text);
    assert.equal(headers.value(0), text);
  }
});

Deno.test("Frame.finish makes every reader of the frame throw", () => {
  const message = callOf({ headers: [{ name: "host", value: "h" }] });
  const { headers } = message;
  assert(headers !== null);
  message.frame.finish();
  for (
    const read of [
      () => message.path,
      () => message.rawPath,
      () => message.srcIp,
      () => headers.length,
      () => headers.name(0),
      () => headers.value(0),
      () => headers.raw(0),
      () => headers.slices(0),
      () => headers.nameLength(0),
      () => headers.indexOf("host", true),
      () => [...headers],
    ]
  ) {
    assert.throws(read, { name: "Error", message: /its call has ended/ });
  }
});

function callOf(fields: Partial<Parameters<typeof encodeHTTPReqCallReq>[0]>): HTTPReqCallMessage {
  const bytes = encodeHTTPReqCallReq({
    id: 1,
    srcIp: Uint8Array.of(127, 0, 0, 1),
    method: 0,
    path: "/",
    args: [],
    headers: [],
    confToken: 1,
    ...fields,
  });
  return new HTTPReqCallMessage(frameOf(bytes));
}
