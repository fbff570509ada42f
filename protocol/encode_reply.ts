/**
 * What the runner sends, as frames (protocol.md §5, §6.2, §8, §9, §10.4).
 *
 * @module
 */

import type { ErrorCode } from "./errors.ts";
import { Frame, HEADER_BYTES, RpcType } from "./frame.ts";
import { FrameBuilder } from "./frame_builder.ts";
import type {
  ExtraInfoReq,
  HTTPReqCallResp,
  HTTPRespCallResp,
  Rewrite,
  Stop,
  StopMemo,
} from "./messages.ts";
import { fieldAt, rootTable } from "./table.ts";

/** Numbers of the unions `A6.HTTPReqCall.Action` and `A6.ExtraInfo.Info` (protocol.md §4). */
const ACTION_STOP = 1;
const ACTION_REWRITE = 2;
const INFO = { var: 1, reqBody: 2, respBody: 3 } as const;

/**
 * Makes the frames that the runner sends on one connection.
 *
 * Each is valid until the next one is made: write it, or copy it, first.
 *
 * @example
 * ```ts
 * import { ReplyEncoder } from "./encode_reply.ts";
 * import { encodeHex } from "../tests/hex.ts";
 * import assert from "node:assert/strict";
 *
 * const encoder = new ReplyEncoder();
 * assert.equal(encodeHex(encoder.error(0)).slice(0, 8), "0000000c");
 * ```
 */
export class ReplyEncoder {
  readonly #frame = new FrameBuilder();
  #noActionFrame: Uint8Array | null = null;
  /** The memoized frame that was sent last, this connection's copy of it, and where its id is. */
  #copied: Uint8Array | null = null;
  #copy = new Uint8Array();
  #copyId = 0;

  /**
   * RPC_ERROR: the answer to a call or a preparation that failed.
   *
   * @param code What APISIX is told (§5).
   * @returns The frame.
   */
  error(code: ErrorCode): Uint8Array {
    const b = this.#frame.begin();
    b.startObject(1);
    b.addFieldInt8(0, code, 0);
    return this.#frame.finish(RpcType.ERROR, b.endObject());
  }

  /**
   * The answer to PrepareConf.
   *
   * @param confToken 1 to 2^32 - 1 (§6.2: 0 cannot be told from "absent").
   * @returns The frame.
   */
  prepareConf(confToken: number): Uint8Array {
    const b = this.#frame.begin();
    b.startObject(1);
    b.addFieldInt32(0, confToken, 0);
    return this.#frame.finish(RpcType.PREPARE_CONF, b.endObject());
  }

  /**
   * The answer to HTTPReqCall.
   *
   * @param reply The id of the call and what is to be done.
   * @returns The frame.
   * @throws {RpcError} SERVICE_UNAVAILABLE when it is too large for a frame.
   */
  httpReqCall({ id, action }: HTTPReqCallResp): Uint8Array {
    if (action === null) return this.#noAction(id);
    if (action.type === "stop" && action.memo !== undefined) {
      return this.#memoized(id, action, action.memo);
    }
    return this.#action(id, action);
  }

  #action(id: number, action: Stop | Rewrite): Uint8Array {
    const b = this.#frame.begin(action.body);
    const value = action.type === "stop" ? this.#stop(action) : this.#rewrite(action);
    b.startObject(3);
    b.addFieldInt32(0, id, 0);
    b.addFieldOffset(2, value, 0);
    b.addFieldInt8(1, action.type === "stop" ? ACTION_STOP : ACTION_REWRITE, 0);
    return this.#frame.finish(RpcType.HTTP_REQ_CALL, b.endObject());
  }

  /**
   * The answer to HTTPRespCall.
   *
   * @param reply The id of the call and the response to give.
   * @returns The frame.
   * @throws {RpcError} SERVICE_UNAVAILABLE when it is too large for a frame.
   */
  httpRespCall(reply: HTTPRespCallResp): Uint8Array {
    const b = this.#frame.begin(reply.body);
    const body = this.#frame.bytes(reply.body);
    const headers = this.#frame.entries(notEmpty(reply.headers));
    b.startObject(4);
    b.addFieldInt32(0, reply.id, 0);
    b.addFieldOffset(2, headers, 0);
    b.addFieldOffset(3, body, 0);
    b.addFieldInt16(1, reply.status, 0);
    return this.#frame.finish(RpcType.HTTP_RESP_CALL, b.endObject());
  }

  /**
   * A question to APISIX, while a call is pending (§9).
   *
   * @param question What is asked for.
   * @returns The frame.
   */
  extraInfo(question: ExtraInfoReq): Uint8Array {
    const b = this.#frame.begin();
    const name = question.type === "var" ? this.#frame.text(question.name) : 0;
    // The tables of the bodies have no field, but must be there all the same.
    b.startObject(1);
    b.addFieldOffset(0, name, 0);
    const info = b.endObject();
    b.startObject(2);
    b.addFieldOffset(1, info, 0);
    b.addFieldInt8(0, INFO[question.type], 0);
    return this.#frame.finish(RpcType.EXTRA_INFO, b.endObject());
  }

  /**
   * The reply that most calls get: a frame in which only the id changes. To build it each time
   * would cost 300 ns more.
   */
  #noAction(id: number): Uint8Array {
    return withId(this.#noActionFrame ??= noActionFrame(), NO_ACTION_ID, id);
  }

  /**
   * A Stop that is sent again: its frame is built once, and only the id changes. To build it each
   * time would cost 1 µs more.
   */
  #memoized(id: number, stop: Stop, memo: StopMemo): Uint8Array {
    if (memo.frame === null) {
      if (++memo.uses < USES_TO_KEEP || (stop.body?.length ?? 0) > MAX_KEPT_BODY) {
        return this.#action(id, stop);
      }
      memo.frame = new Uint8Array(this.#action(ANY_ID, stop));
    }
    if (this.#copied !== memo.frame) {
      this.#copied = memo.frame;
      this.#copy = new Uint8Array(memo.frame);
      const frame = Frame.of(RpcType.HTTP_REQ_CALL, this.#copy.subarray(HEADER_BYTES));
      this.#copyId = HEADER_BYTES + fieldAt(frame, rootTable(frame), 0, 4);
    }
    return withId(this.#copy, this.#copyId, id);
  }

  #stop(stop: Stop): number {
    const body = this.#frame.bytes(stop.body);
    const headers = this.#frame.entries(notEmpty(stop.headers));
    const b = this.#frame.builder;
    b.startObject(3);
    b.addFieldOffset(1, headers, 0);
    b.addFieldOffset(2, body, 0);
    b.addFieldInt16(0, stop.status, 0);
    return b.endObject();
  }

  #rewrite(rewrite: Rewrite): number {
    const body = this.#frame.bytes(rewrite.body);
    const respHeaders = this.#frame.entries(notEmpty(rewrite.respHeaders));
    const args = this.#frame.entries(notEmpty(rewrite.args));
    const headers = this.#frame.entries(notEmpty(rewrite.headers));
    const path = this.#frame.text(rewrite.path);
    const b = this.#frame.builder;
    b.startObject(5);
    b.addFieldOffset(0, path, 0);
    b.addFieldOffset(1, headers, 0);
    b.addFieldOffset(2, args, 0);
    b.addFieldOffset(3, respHeaders, 0);
    b.addFieldOffset(4, body, 0);
    return b.endObject();
  }
}

/** An empty list says the same to APISIX as an absent one, in more bytes. */
function notEmpty<T>(list: readonly T[]): readonly T[] | null {
  return list.length === 0 ? null : list;
}

/** A Stop that was encoded this often is taken for one that comes again. */
const USES_TO_KEEP = 3;

/** Larger bodies are not kept in memory for each connection. */
const MAX_KEPT_BODY = 4096;

/** An id that is stored, which 0 is not. */
const ANY_ID = 1;

/** Writes an id into a frame that has room for it. */
function withId(frame: Uint8Array, at: number, id: number): Uint8Array {
  frame[at] = id;
  frame[at + 1] = id >>> 8;
  frame[at + 2] = id >>> 16;
  frame[at + 3] = id >>> 24;
  return frame;
}

/** Where the id stands in the frame below. */
const NO_ACTION_ID = 20;

/** `A6.HTTPReqCall.Resp` with nothing but an id (protocol.md §15). */
function noActionFrame(): Uint8Array {
  // deno-fmt-ignore -- a word a line
  return Uint8Array.of(
    RpcType.HTTP_REQ_CALL, 0, 0, 20,
    12, 0, 0, 0, // the root table is 12 bytes on
    0, 0, 6, 0, // padding; the vtable has 6 bytes
    8, 0, 4, 0, // the table has 8, and its id is 4 bytes in
    6, 0, 0, 0, // the table: its vtable is 6 bytes back
    0, 0, 0, 0, // the id
  );
}
