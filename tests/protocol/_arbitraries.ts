/**
 * Arbitrary messages, and arbitrary ways to cut bytes.
 *
 * @module
 */

import fc from "fast-check";

import type { HTTPReqCallResp, TextEntry } from "../../protocol/messages.ts";
import type { Message } from "./_messages.ts";

const PLAIN = { noNullPrototype: true } as const;

/** Whole numbers of 32 bits, the extremes often. */
export const u32: fc.Arbitrary<number> = fc.oneof(
  fc.constantFrom(0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1),
  fc.integer({ min: 0, max: 2 ** 32 - 1 }),
);

const u16 = fc.oneof(fc.constantFrom(0, 200, 2 ** 15, 2 ** 16 - 1), fc.nat(2 ** 16 - 1));

/** Bytes: empty, text, not text at all, and sometimes longer than what is short for a decoder. */
export const bytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 24 }),
  fc.constantFrom([], [0], [0x61, 0, 0x62], [0xff, 0xfe], [0xc3, 0x28], [0xef, 0xbb, 0xbf])
    .map((list) => Uint8Array.from(list)),
  fc.string({ unit: "grapheme", maxLength: 12 }).map((text) => new TextEncoder().encode(text)),
  { arbitrary: fc.uint8Array({ minLength: 500, maxLength: 600 }), weight: 1 },
);

const optionalBytes = fc.option(bytes);
const entry = fc.record({ name: bytes, value: optionalBytes }, PLAIN);

/** Lists of entries, among them empty ones and such that repeat. */
export const entries: fc.Arbitrary<TextEntry[]> = fc.array(entry, { maxLength: 6 });

const optionalEntries = fc.option(entries);

const action: fc.Arbitrary<HTTPReqCallResp["action"]> = fc.oneof(
  fc.constant(null),
  fc.record({
    type: fc.constant("stop" as const),
    status: u16,
    headers: entries,
    body: optionalBytes,
  }, PLAIN),
  fc.record({
    type: fc.constant("rewrite" as const),
    path: optionalBytes,
    headers: entries,
    args: entries,
    respHeaders: entries,
    body: optionalBytes,
  }, PLAIN),
);

/** Any message by the name of its root table; of the error codes only the known ones. */
export const MESSAGES = {
  "A6.Err.Resp": under("A6.Err.Resp", { code: fc.constantFrom(0, 1, 2) }),
  "A6.PrepareConf.Req": under("A6.PrepareConf.Req", {
    message: fc.record({ conf: optionalEntries, key: optionalBytes }, PLAIN),
  }),
  "A6.PrepareConf.Resp": under("A6.PrepareConf.Resp", { confToken: u32 }),
  "A6.HTTPReqCall.Req": under("A6.HTTPReqCall.Req", {
    message: fc.record({
      id: u32,
      srcIp: optionalBytes,
      method: fc.nat(255),
      path: optionalBytes,
      args: optionalEntries,
      headers: optionalEntries,
      confToken: u32,
    }, PLAIN),
  }),
  "A6.HTTPReqCall.Resp": under("A6.HTTPReqCall.Resp", {
    message: fc.record({ id: u32, action }, PLAIN),
  }),
  "A6.ExtraInfo.Req": under("A6.ExtraInfo.Req", {
    message: fc.oneof(
      fc.record({ type: fc.constant("var" as const), name: bytes }, PLAIN),
      fc.record({ type: fc.constantFrom("reqBody" as const, "respBody" as const) }, PLAIN),
    ),
  }),
  "A6.ExtraInfo.Resp": under("A6.ExtraInfo.Resp", { result: optionalBytes }),
  "A6.HTTPRespCall.Req": under("A6.HTTPRespCall.Req", {
    message: fc.record({ id: u32, status: u16, headers: optionalEntries, confToken: u32 }, PLAIN),
  }),
  "A6.HTTPRespCall.Resp": under("A6.HTTPRespCall.Resp", {
    message: fc.record({ id: u32, status: u16, headers: entries, body: optionalBytes }, PLAIN),
  }),
} satisfies Record<Message["table"], fc.Arbitrary<Message>>;

/** Any message of any kind. */
export const message: fc.Arbitrary<Message> = fc.oneof(...Object.values(MESSAGES));

/** Lengths to cut a stream at, over and over: often tiny. */
export const cuts: fc.Arbitrary<number[]> = fc.array(
  fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9000 })),
  { minLength: 1, maxLength: 8 },
);

/** Cuts bytes into pieces of the given lengths, which are used over and over. */
export function* cut(bytes: Uint8Array, lengths: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const length = lengths[i % lengths.length] ?? 1;
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

function under<const T extends Message["table"], M extends object>(
  table: T,
  fields: { [K in keyof M]: fc.Arbitrary<M[K]> },
): fc.Arbitrary<{ table: T } & M> {
  return fc.record(fields, PLAIN).map((fields) => ({ table, ...fields }));
}
