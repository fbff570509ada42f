/**
 * What the runner sends, as frames (protocol.md §5, §6.2, §8, §9, §10.4).
 *
 * @module
 */

import type { ErrorCode } from "./errors.ts";
import { RpcType } from "./frame.ts";
import { FrameWriter } from "./frame_writer.ts";
import type { ExtraInfoReq, HTTPReqCallResp, Rewrite, SendableResponse, Stop } from "./messages.ts";

/** Numbers of the unions `A6.HTTPReqCall.Action` and `A6.ExtraInfo.Info` (protocol.md §4). */
const ACTION_STOP = 1;
const ACTION_REWRITE = 2;
const INFO = { var: 1, reqBody: 2, respBody: 3 } as const;

/**
 * Makes the frames that the runner sends on one connection.
 *
 * Each is valid until the next one is made: write it, or copy it, first. A large body is not part
 * of what the methods give, but is to be sent behind it: see {@linkcode ReplyEncoder.tail}.
 *
 * @example
 * ```ts
 * import { ReplyEncoder } from "./encode_reply.ts";
 * import { RpcType } from "./frame.ts";
 * import assert from "node:assert/strict";
 *
 * const encoder = new ReplyEncoder();
 * assert.equal(encoder.prepareConf(233)[0], RpcType.PREPARE_CONF);
 * ```
 */
export class ReplyEncoder {
  readonly #writer = new FrameWriter();
  #noActionFrame: Uint8Array | null = null;
  #tail: Uint8Array | null = null;

  /** The rest of the frame that was made last: the body if it is large, else `null`. */
  get tail(): Uint8Array | null {
    return this.#tail;
  }

  /**
   * RPC_ERROR: the answer to a call or a preparation that failed.
   *
   * @param code What APISIX is told (§5).
   * @returns The frame.
   */
  error(code: ErrorCode): Uint8Array {
    return this.#numberOnly(RpcType.ERROR, code);
  }

  /**
   * The answer to PrepareConf.
   *
   * @param confToken 1 to 2^32 - 1 (§6.2: 0 cannot be told from "absent").
   * @returns The frame.
   */
  prepareConf(confToken: number): Uint8Array {
    return this.#numberOnly(RpcType.PREPARE_CONF, confToken);
  }

  #numberOnly(type: number, value: number): Uint8Array {
    const w = this.#writer;
    w.begin();
    w.number(w.root(1, 0b1), value);
    return this.#finish(type);
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
    const w = this.#writer;
    w.begin();
    const root = w.root(3, 0b111);
    w.number(root, id);
    w.number(root + 4, action.type === "stop" ? ACTION_STOP : ACTION_REWRITE);
    if (action.type === "stop") this.#stop(root + 8, action);
    else this.#rewrite(root + 8, action);
    return this.#finish(RpcType.HTTP_REQ_CALL);
  }

  /**
   * The answer to HTTPRespCall.
   *
   * @param reply The id of the call and the response to give.
   * @returns The frame.
   * @throws {RpcError} SERVICE_UNAVAILABLE when it is too large for a frame.
   */
  httpRespCall({ id, status, headers, body }: SendableResponse): Uint8Array {
    const w = this.#writer;
    w.begin();
    let field = w.root(
      4,
      0b0001 | bit(1, status !== 0) | bit(2, headers.length > 0) | bit(3, body !== null),
    );
    w.number(field, id);
    if (status !== 0) w.number(field += 4, status);
    if (headers.length > 0) w.entries(field += 4, headers);
    if (body !== null) w.body(field += 4, body);
    return this.#finish(RpcType.HTTP_RESP_CALL);
  }

  /**
   * A question to APISIX, while a call is pending (§9).
   *
   * @param question What is asked for.
   * @returns The frame.
   */
  extraInfo(question: ExtraInfoReq): Uint8Array {
    const w = this.#writer;
    w.begin();
    const root = w.root(2, 0b11);
    w.number(root, INFO[question.type]);
    // The tables of the bodies have no field, but must be there all the same.
    if (question.type === "var") w.text(w.table(root + 4, 1, 0b1), question.name);
    else w.table(root + 4, 0, 0);
    return this.#finish(RpcType.EXTRA_INFO);
  }

  #finish(type: number): Uint8Array {
    const frame = this.#writer.finish(type);
    this.#tail = this.#writer.tail;
    return frame;
  }

  /** The reply that most calls get: a frame in which only the id changes. */
  #noAction(id: number): Uint8Array {
    this.#tail = null;
    const frame = this.#noActionFrame ??= noActionFrame();
    frame[NO_ACTION_ID] = id;
    frame[NO_ACTION_ID + 1] = id >>> 8;
    frame[NO_ACTION_ID + 2] = id >>> 16;
    frame[NO_ACTION_ID + 3] = id >>> 24;
    return frame;
  }

  #stop(parent: number, { status, headers, body }: Stop): void {
    const w = this.#writer;
    let field = w.table(
      parent,
      3,
      bit(0, status !== 0) | bit(1, headers.length > 0) | bit(2, body !== null),
    ) - 4;
    if (status !== 0) w.number(field += 4, status);
    if (headers.length > 0) w.entries(field += 4, headers);
    if (body !== null) w.body(field += 4, body);
  }

  #rewrite(parent: number, { path, headers, args, respHeaders, body }: Rewrite): void {
    const w = this.#writer;
    let field = w.table(
      parent,
      5,
      bit(0, path !== null) | bit(1, headers.length > 0) | bit(2, args.length > 0) |
        bit(3, respHeaders.length > 0) | bit(4, body !== null),
    ) - 4;
    if (path !== null) w.text(field += 4, path);
    if (headers.length > 0) w.entries(field += 4, headers);
    if (args.length > 0) w.entries(field += 4, args);
    if (respHeaders.length > 0) w.entries(field += 4, respHeaders);
    if (body !== null) w.body(field += 4, body);
  }
}

/** An empty list says the same to APISIX as an absent one, so both are not stored. */
function bit(slot: number, isStored: boolean): number {
  return isStored ? 1 << slot : 0;
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
