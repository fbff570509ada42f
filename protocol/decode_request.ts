/**
 * What APISIX sends, as messages: checked as a whole, read lazily (protocol.md §6, §7, §9, §10).
 *
 * A function here either throws an {@linkcode RpcError} with BAD_REQUEST or gives a message that
 * cannot fail later, so that a rotten frame is refused before any plugin sees a part of it.
 *
 * @module
 */

import type { Frame } from "./frame.ts";
import { bytesAt, readU16, readU32, readU8, readVector, rootTable } from "./table.ts";
import { textAt } from "./text.ts";
import { TextEntries } from "./text_entries.ts";

/** `A6.PrepareConf.Req`, read from a frame. */
export interface PrepareConfMessage {
  /** Plugin names and configurations; `null` when the route has none. */
  readonly conf: TextEntries | null;
  /** The idempotency key's bytes; `null` before APISIX 2.9. */
  readonly key: Uint8Array | null;
}

/** What both kinds of call have in common. */
export interface CallMessage {
  /** The frame that the message is read from. */
  readonly frame: Frame;
  /** A debug number, u32: to be echoed, not to be relied on. */
  readonly id: number;
  /** Which prepared configuration the call is for. */
  readonly confToken: number;
  /** The headers; names are lower case in requests, as sent in responses. */
  readonly headers: TextEntries | null;
}

/** `A6.HTTPReqCall.Req`, read from a frame. */
export class HTTPReqCallMessage implements CallMessage {
  readonly id: number;
  readonly confToken: number;
  /** An index into `METHODS`. */
  readonly method: number;
  /** The decoded query arguments. */
  readonly args: TextEntries | null;
  readonly headers: TextEntries | null;
  readonly #path: number;
  readonly #srcIp: number;

  /** @throws {RpcError} BAD_REQUEST when the payload is not such a message. */
  constructor(readonly frame: Frame) {
    const table = rootTable(frame);
    this.id = readU32(frame, table, 0);
    this.#srcIp = readVector(frame, table, 1, 1);
    this.method = readU8(frame, table, 2);
    this.#path = readVector(frame, table, 3, 1);
    this.args = entries(frame, table, 4);
    this.headers = entries(frame, table, 5);
    this.confToken = readU32(frame, table, 6);
  }

  /** The client's address: 4 or 16 bytes, the 5 bytes `unix:`, or `null`. */
  get srcIp(): Uint8Array | null {
    return bytesAt(this.frame, this.#srcIp);
  }

  /** The path as bytes, decoded or percent-encoded (protocol.md §7.1). */
  get rawPath(): Uint8Array | null {
    return bytesAt(this.frame, this.#path);
  }

  /**
   * Whether the path has a byte, without a copy of it.
   *
   * @param byte 0 to 255.
   */
  pathHas(byte: number): boolean {
    if (this.#path === 0) return false;
    const { view } = this.frame;
    const end = this.#path + 4 + view.getUint32(this.#path, true);
    for (let at = this.#path + 4; at < end; at++) if (view.getUint8(at) === byte) return true;
    return false;
  }

  /** The path as text. */
  get path(): string {
    return this.#path === 0 ? "" : textAt(this.frame, this.#path);
  }
}

/** `A6.HTTPRespCall.Req`, read from a frame. */
export class HTTPRespCallMessage implements CallMessage {
  readonly id: number;
  readonly confToken: number;
  /** The upstream's status. */
  readonly status: number;
  readonly headers: TextEntries | null;

  /** @throws {RpcError} BAD_REQUEST when the payload is not such a message. */
  constructor(readonly frame: Frame) {
    const table = rootTable(frame);
    this.id = readU32(frame, table, 0);
    this.status = readU16(frame, table, 1);
    this.headers = entries(frame, table, 2);
    this.confToken = readU32(frame, table, 3);
  }
}

/**
 * Reads `A6.PrepareConf.Req`.
 *
 * @param frame A frame of type 1.
 * @returns The message.
 * @throws {RpcError} BAD_REQUEST when the payload is not such a message.
 */
export function decodePrepareConfReq(frame: Frame): PrepareConfMessage {
  const table = rootTable(frame);
  return {
    conf: entries(frame, table, 0),
    key: bytesAt(frame, readVector(frame, table, 1, 1)),
  };
}

/**
 * Reads `A6.ExtraInfo.Resp`: the answer to a question.
 *
 * @param frame A frame of type 3.
 * @returns The bytes, which stay as they are: empty for an empty value, `null` for none (protocol.md
 * §9).
 * @throws {RpcError} BAD_REQUEST when the payload is not such a message.
 */
export function decodeExtraInfoResp(frame: Frame): Uint8Array<ArrayBuffer> | null {
  const vector = readVector(frame, rootTable(frame), 0, 1);
  const bytes = bytesAt(frame, vector);
  if (bytes === null) return null;
  // A large body is not copied: its buffer is not used for anything else.
  if (frame.own !== null) {
    const { buffer, byteOffset } = frame.own;
    return new Uint8Array(buffer, byteOffset + vector + 4, bytes.length);
  }
  // Not bytes.slice(): for a Buffer that is a view of the same memory.
  return new Uint8Array(bytes);
}

/**
 * Reads `A6.ExtraInfo.Resp` as text, without a copy: that would cost several times as much.
 *
 * @param frame A frame of type 3.
 * @returns The text: empty for an empty value, `null` for none (protocol.md §9).
 * @throws {RpcError} BAD_REQUEST when the payload is not such a message.
 */
export function decodeExtraInfoText(frame: Frame): string | null {
  const vector = readVector(frame, rootTable(frame), 0, 1);
  return vector === 0 ? null : textAt(frame, vector);
}

/**
 * Reads a list of entries behind a field.
 *
 * @returns The list, or `null` when the field is absent.
 */
function entries(frame: Frame, table: number, slot: number): TextEntries | null {
  const vector = readVector(frame, table, slot, 4);
  return vector === 0 ? null : new TextEntries(frame, vector);
}
