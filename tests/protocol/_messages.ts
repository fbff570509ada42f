/**
 * All ten messages as one type of plain data, and how the runner's codec reads and writes them.
 *
 * @module
 */

import {
  decodeErrorResp,
  decodeExtraInfoReq,
  decodeHTTPReqCallResp,
  decodeHTTPRespCallResp,
  decodePrepareConfResp,
} from "../../protocol/decode_reply.ts";
import {
  decodeExtraInfoResp,
  decodePrepareConfReq,
  HTTPReqCallMessage,
  HTTPRespCallMessage,
} from "../../protocol/decode_request.ts";
import { ReplyEncoder } from "../../protocol/encode_reply.ts";
import {
  encodeExtraInfoResp,
  encodeHTTPReqCallReq,
  encodeHTTPRespCallReq,
  encodePrepareConfReq,
} from "../../protocol/encode_request.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { Frame, HEADER_BYTES, RpcType } from "../../protocol/frame.ts";
import type {
  ExtraInfoReq,
  HTTPReqCallReq,
  HTTPReqCallResp,
  HTTPRespCallReq,
  HTTPRespCallResp,
  PrepareConfReq,
  TextEntry,
} from "../../protocol/messages.ts";
import type { TextEntries } from "../../protocol/text_entries.ts";

/** Which message a frame carries, with the type of that frame. */
export const TABLES = {
  "A6.Err.Resp": RpcType.ERROR,
  "A6.PrepareConf.Req": RpcType.PREPARE_CONF,
  "A6.PrepareConf.Resp": RpcType.PREPARE_CONF,
  "A6.HTTPReqCall.Req": RpcType.HTTP_REQ_CALL,
  "A6.HTTPReqCall.Resp": RpcType.HTTP_REQ_CALL,
  "A6.ExtraInfo.Req": RpcType.EXTRA_INFO,
  "A6.ExtraInfo.Resp": RpcType.EXTRA_INFO,
  "A6.HTTPRespCall.Req": RpcType.HTTP_RESP_CALL,
  "A6.HTTPRespCall.Resp": RpcType.HTTP_RESP_CALL,
} as const;

/** The name of a root table. */
export type Table = keyof typeof TABLES;

/** A message under the name of its root table. All texts are bytes, and none is a `Buffer`. */
export type Message =
  | { readonly table: "A6.Err.Resp"; readonly code: number }
  | { readonly table: "A6.PrepareConf.Req"; readonly message: PrepareConfReq }
  | { readonly table: "A6.PrepareConf.Resp"; readonly confToken: number }
  | { readonly table: "A6.HTTPReqCall.Req"; readonly message: HTTPReqCallReq }
  | { readonly table: "A6.HTTPReqCall.Resp"; readonly message: HTTPReqCallResp }
  | { readonly table: "A6.ExtraInfo.Req"; readonly message: ExtraInfoReq }
  | { readonly table: "A6.ExtraInfo.Resp"; readonly result: Uint8Array | null }
  | { readonly table: "A6.HTTPRespCall.Req"; readonly message: HTTPRespCallReq }
  | { readonly table: "A6.HTTPRespCall.Resp"; readonly message: HTTPRespCallResp };

/** Reads a message of a known kind with the runner's decoders, every field of it. */
export function decode(table: Table, frame: Frame): Message {
  switch (table) {
    case "A6.Err.Resp":
      return { table, code: decodeErrorResp(frame) };
    case "A6.PrepareConf.Req": {
      const { conf, key } = decodePrepareConfReq(frame);
      return { table, message: { conf: entries(conf), key: copy(key) } };
    }
    case "A6.PrepareConf.Resp":
      return { table, confToken: decodePrepareConfResp(frame) };
    case "A6.HTTPReqCall.Req": {
      const { id, srcIp, method, rawPath, args, headers, confToken } = new HTTPReqCallMessage(
        frame,
      );
      return {
        table,
        message: {
          id,
          srcIp: copy(srcIp),
          method,
          path: copy(rawPath),
          args: entries(args),
          headers: entries(headers),
          confToken,
        },
      };
    }
    case "A6.HTTPReqCall.Resp":
      return { table, message: decodeHTTPReqCallResp(frame) };
    case "A6.ExtraInfo.Req":
      return { table, message: decodeExtraInfoReq(frame) };
    case "A6.ExtraInfo.Resp":
      return { table, result: decodeExtraInfoResp(frame) };
    case "A6.HTTPRespCall.Req": {
      const { id, status, headers, confToken } = new HTTPRespCallMessage(frame);
      return { table, message: { id, status, headers: entries(headers), confToken } };
    }
    case "A6.HTTPRespCall.Resp":
      return { table, message: decodeHTTPRespCallResp(frame) };
  }
}

/**
 * Writes a message with the runner's encoders.
 *
 * @param message The message; of the error codes only the known ones can be sent.
 * @param encoder Makes the replies.
 * @returns A copy of the frame.
 */
export function encode(message: Message, encoder = new ReplyEncoder()): Uint8Array {
  switch (message.table) {
    case "A6.Err.Resp": {
      const code = Object.values(ErrorCode).find((known) => known === message.code);
      if (code === undefined) throw new TypeError(`Cannot send the error code ${message.code}`);
      return whole(encoder, encoder.error(code));
    }
    case "A6.PrepareConf.Req":
      return encodePrepareConfReq(message.message);
    case "A6.PrepareConf.Resp":
      return whole(encoder, encoder.prepareConf(message.confToken));
    case "A6.HTTPReqCall.Req":
      return encodeHTTPReqCallReq(message.message);
    case "A6.HTTPReqCall.Resp":
      return whole(encoder, encoder.httpReqCall(message.message));
    case "A6.ExtraInfo.Req":
      return whole(encoder, encoder.extraInfo(message.message));
    case "A6.ExtraInfo.Resp":
      return encodeExtraInfoResp(message.result);
    case "A6.HTTPRespCall.Req":
      return encodeHTTPRespCallReq(message.message);
    case "A6.HTTPRespCall.Resp":
      return whole(encoder, encoder.httpRespCall(message.message));
  }
}

/**
 * A copy of a reply, the tail behind it.
 *
 * @param encoder What has made it.
 * @param frame What it gave.
 */
export function whole(encoder: ReplyEncoder, frame: Uint8Array): Uint8Array {
  const { tail } = encoder;
  const bytes = new Uint8Array(frame.length + (tail?.length ?? 0));
  bytes.set(frame);
  if (tail !== null) bytes.set(tail, frame.length);
  return bytes;
}

/** The one frame that some bytes are; the header is taken by its word. */
export function frameOf(bytes: Uint8Array): Frame {
  return Frame.of(bytes[0] ?? RpcType.ERROR, payloadOf(bytes));
}

/** What follows the header of a frame. */
export function payloadOf(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(HEADER_BYTES);
}

/** A payload with a header in front. */
export function withHeader(type: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(HEADER_BYTES + payload.length);
  new DataView(frame.buffer).setUint32(0, type * 2 ** 24 + payload.length);
  frame.set(payload, HEADER_BYTES);
  return frame;
}

function copy(bytes: Uint8Array | null): Uint8Array | null {
  return bytes === null ? null : new Uint8Array(bytes);
}

function entries(list: TextEntries | null): TextEntry[] | null {
  if (list === null) return null;
  return Array.from(
    list,
    ({ name, value }) => ({ name: new Uint8Array(name), value: copy(value) }),
  );
}
