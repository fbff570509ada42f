/**
 * What APISIX sends, as frames: for tests and tools that play APISIX (protocol.md §6, §7, §9, §10).
 *
 * @module
 */

import { RpcType } from "./frame.ts";
import { FrameBuilder } from "./frame_builder.ts";
import type { HTTPReqCallReq, HTTPRespCallReq, PrepareConfReq } from "./messages.ts";

/**
 * `A6.PrepareConf.Req` as a frame.
 *
 * @param message What to say.
 * @returns Header and payload.
 *
 * @example
 * ```ts
 * import { encodePrepareConfReq } from "./encode_request.ts";
 * import { decodePrepareConfReq } from "./decode_request.ts";
 * import { FrameDecoder } from "./frame.ts";
 * import assert from "node:assert/strict";
 *
 * const decoder = new FrameDecoder();
 * decoder.push(encodePrepareConfReq({ conf: [{ name: "say", value: "{}" }], key: "route#1" }));
 * const frame = decoder.next();
 * assert(frame !== null);
 * assert.equal(decodePrepareConfReq(frame).conf?.name(0), "say");
 * ```
 */
export function encodePrepareConfReq(message: PrepareConfReq): Uint8Array {
  const frame = new FrameBuilder();
  const b = frame.begin();
  const key = frame.text(message.key);
  const conf = frame.entries(message.conf);
  b.startObject(2);
  b.addFieldOffset(0, conf, 0);
  b.addFieldOffset(1, key, 0);
  return frame.finish(RpcType.PREPARE_CONF, b.endObject());
}

/**
 * `A6.HTTPReqCall.Req` as a frame.
 *
 * @param message What to say.
 * @returns Header and payload.
 */
export function encodeHTTPReqCallReq(message: HTTPReqCallReq): Uint8Array {
  const frame = new FrameBuilder();
  const b = frame.begin();
  const headers = frame.entries(message.headers);
  const args = frame.entries(message.args);
  const path = frame.text(message.path);
  const srcIp = frame.bytes(message.srcIp);
  b.startObject(7);
  b.addFieldInt32(0, message.id, 0);
  b.addFieldOffset(1, srcIp, 0);
  b.addFieldOffset(3, path, 0);
  b.addFieldOffset(4, args, 0);
  b.addFieldOffset(5, headers, 0);
  b.addFieldInt32(6, message.confToken, 0);
  b.addFieldInt8(2, message.method, 0);
  return frame.finish(RpcType.HTTP_REQ_CALL, b.endObject());
}

/**
 * `A6.HTTPRespCall.Req` as a frame.
 *
 * @param message What to say.
 * @returns Header and payload.
 */
export function encodeHTTPRespCallReq(message: HTTPRespCallReq): Uint8Array {
  const frame = new FrameBuilder();
  const b = frame.begin();
  const headers = frame.entries(message.headers);
  b.startObject(4);
  b.addFieldInt32(0, message.id, 0);
  b.addFieldOffset(2, headers, 0);
  b.addFieldInt32(3, message.confToken, 0);
  b.addFieldInt16(1, message.status, 0);
  return frame.finish(RpcType.HTTP_RESP_CALL, b.endObject());
}

/**
 * `A6.ExtraInfo.Resp` as a frame.
 *
 * @param result The answer; `null` for "no such thing".
 * @returns Header and payload.
 */
export function encodeExtraInfoResp(result: Uint8Array | null): Uint8Array {
  const frame = new FrameBuilder();
  const b = frame.begin(result);
  const bytes = frame.bytes(result);
  b.startObject(1);
  b.addFieldOffset(0, bytes, 0);
  return frame.finish(RpcType.EXTRA_INFO, b.endObject());
}
