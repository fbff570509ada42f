/**
 * What the dispatcher answers, before it is bytes.
 *
 * @module
 */

import type { ReplyEncoder } from "../protocol/encode_reply.ts";
import type { ErrorCode } from "../protocol/errors.ts";
import type { HTTPReqCallResp, SendableResponse } from "../protocol/messages.ts";

/** An answer to one frame. */
export type Reply =
  | { readonly type: "error"; readonly code: ErrorCode }
  | { readonly type: "prepareConf"; readonly token: number }
  | { readonly type: "httpReqCall"; readonly resp: HTTPReqCallResp }
  | { readonly type: "httpRespCall"; readonly resp: SendableResponse };

/**
 * The frame of an answer.
 *
 * @param encoder The encoder of the connection.
 * @param reply The answer.
 * @returns The frame, valid until the encoder makes the next.
 * @throws {RpcError} When the answer is too large for a frame.
 */
export function encodeReply(encoder: ReplyEncoder, reply: Reply): Uint8Array {
  switch (reply.type) {
    case "error":
      return encoder.error(reply.code);
    case "prepareConf":
      return encoder.prepareConf(reply.token);
    case "httpReqCall":
      return encoder.httpReqCall(reply.resp);
    case "httpRespCall":
      return encoder.httpRespCall(reply.resp);
  }
}
