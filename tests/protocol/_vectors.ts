/**
 * The test vectors: frames as APISIX and other runners write them, with what they mean.
 *
 * @module
 */

import { z } from "zod";

import { decodeHex } from "../hex.ts";
import vectors from "../testdata/vectors.json" with { type: "json" };
import type { Message } from "./_messages.ts";

/** A frame and the message in it. */
export interface Vector {
  /** What it shows. */
  readonly name: string;
  /** Header and payload. */
  readonly frame: Uint8Array<ArrayBuffer>;
  /** What must be read from it. */
  readonly decoded: Message;
}

// A text is a string in the file where it is valid UTF-8, and hex digits where it is not.
const hex = z.object({ hex: z.string() }).transform(({ hex }) => decodeHex(hex));
const text = z.union([z.string().transform((text) => new TextEncoder().encode(text)), hex]);
const entries = z.array(z.object({ name: text, value: text.nullable() }));
/** In replies the decoder makes no difference between no list and an empty one. */
const replyEntries = entries.nullable().transform((entries) => entries ?? []);
const u32 = z.int().min(0).max(2 ** 32 - 1);

const stop = z.object({ status: u32, headers: replyEntries, body: hex.nullable() })
  .transform((action) => ({ type: "stop" as const, ...action }));
const rewrite = z.object({
  path: text.nullable(),
  headers: replyEntries,
  args: replyEntries,
  resp_headers: replyEntries,
  body: hex.nullable(),
}).transform(({ resp_headers, ...action }) => ({
  type: "rewrite" as const,
  ...action,
  respHeaders: resp_headers,
}));
const question = z.union([
  z.object({ info_name: z.literal("Var"), info: z.object({ name: text }) })
    .transform(({ info }) => ({ type: "var" as const, name: info.name })),
  z.object({ info_name: z.literal("ReqBody") }).transform(() => ({ type: "reqBody" as const })),
  z.object({ info_name: z.literal("RespBody") }).transform(() => ({ type: "respBody" as const })),
]);

const message: z.ZodType<Message> = z.union([
  z.object({ table: z.literal("A6.Err.Resp"), code: u32 }),
  z.object({
    table: z.literal("A6.PrepareConf.Req"),
    conf: entries.nullable(),
    key: text.nullable(),
  }).transform(({ table, ...message }) => ({ table, message })),
  z.object({ table: z.literal("A6.PrepareConf.Resp"), conf_token: u32 })
    .transform(({ table, conf_token }) => ({ table, confToken: conf_token })),
  z.object({
    table: z.literal("A6.HTTPReqCall.Req"),
    id: u32,
    src_ip: z.string().transform(decodeHex),
    method: u32,
    path: text.nullable(),
    args: entries.nullable(),
    headers: entries.nullable(),
    conf_token: u32,
  }).transform(({ table, src_ip, conf_token, ...rest }) => ({
    table,
    message: { ...rest, srcIp: src_ip, confToken: conf_token },
  })),
  z.object({
    table: z.literal("A6.HTTPReqCall.Resp"),
    id: u32,
    action: z.union([stop, rewrite, z.null()]),
  }).transform(({ table, ...message }) => ({ table, message })),
  z.looseObject({ table: z.literal("A6.ExtraInfo.Req") }).transform(({ table, ...rest }) => ({
    table,
    message: question.parse(rest),
  })),
  z.object({ table: z.literal("A6.ExtraInfo.Resp"), result: hex.nullable() }),
  z.object({
    table: z.literal("A6.HTTPRespCall.Req"),
    id: u32,
    status: u32,
    headers: entries.nullable(),
    conf_token: u32,
  }).transform(({ table, conf_token, ...rest }) => ({
    table,
    message: { ...rest, confToken: conf_token },
  })),
  z.object({
    table: z.literal("A6.HTTPRespCall.Resp"),
    id: u32,
    status: u32,
    headers: replyEntries,
    body: hex.nullable(),
  }).transform(({ table, ...message }) => ({ table, message })),
]);

/** All vectors, in the file's order. */
export const VECTORS: readonly Vector[] = vectors.map(({ name, hex, decoded }) => ({
  name,
  frame: decodeHex(hex),
  decoded: message.parse(decoded),
}));
