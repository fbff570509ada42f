/**
 * Frames: a type byte, a 24-bit big-endian length, a payload (protocol.md §3).
 *
 * @module
 */

import { Buffer } from "node:buffer";

/**
 * The type byte of a frame (protocol.md §3).
 *
 * @example
 * ```ts
 * import { RpcType } from "./frame.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(RpcType.HTTP_REQ_CALL, 2);
 * ```
 */
export const RpcType = {
  ERROR: 0,
  PREPARE_CONF: 1,
  HTTP_REQ_CALL: 2,
  EXTRA_INFO: 3,
  HTTP_RESP_CALL: 4,
} as const satisfies Record<string, number>;

/** Bytes in front of every payload: one for the type, three for the length. */
export const HEADER_BYTES = 4;

/** The largest payload that the length field can say: 2^24 - 1 bytes. */
export const MAX_PAYLOAD_BYTES = 0xff_ff_ff;

/** What a connection reads into at first: three of the usual requests of about 1 kB. */
const INITIAL_BYTES = 4 * 1024;

/** A buffer that grew past this for a large frame is given back once the frame is done with. */
const KEEP_BYTES = 64 * 1024;

/** A peer that has sent that much of a frame gets the room for all of it. */
const TRUSTED_BYTES = 512 * 1024;

/**
 * One whole frame: its type, and where its payload lies in a buffer.
 *
 * The bytes belong to the decoder. They stay as they are until the decoder is asked for space
 * again, or until its hold is released ({@linkcode FrameDecoder.hold}).
 */
export class Frame {
  #done = false;
  /**
   * The buffer, where it is the frame's alone: a large frame gets one of its own, so what lies in
   * it can be handed out as it is.
   */
  readonly own: Uint8Array<ArrayBuffer> | null;

  /**
   * @param type The type byte, 0 to 255; see {@linkcode RpcType} for those that mean something.
   * @param bytes The buffer that holds the payload.
   * @param view A view of that same buffer, from its first byte.
   * @param start Where the payload begins in the buffer.
   * @param end Where it ends, exclusive.
   * @param own The buffer once more, if it is the frame's alone.
   */
  constructor(
    readonly type: number,
    readonly bytes: Buffer,
    readonly view: DataView,
    readonly start: number,
    readonly end: number,
    own: Uint8Array<ArrayBuffer> | null = null,
  ) {
    this.own = own;
  }

  /** Says that the frame's bytes are no longer its own: from now on reading it throws. */
  finish(): void {
    this.#done = true;
  }

  /**
   * Guards lazy readers: what outlives its call must not see the bytes of the next one.
   *
   * @throws {Error} After {@linkcode finish}.
   */
  assertLive(): void {
    if (this.#done) {
      throw new Error(
        "Cannot read the message: its call has ended. Copy what you need before the hook returns",
      );
    }
  }

  /**
   * A frame around a payload that stands alone, for tests and tools.
   *
   * @param type The type byte.
   * @param payload The payload; its memory is used, not copied.
   * @returns The frame.
   */
  static of(type: number, payload: Uint8Array): Frame {
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    return new Frame(type, bytes, view, 0, bytes.length);
  }
}

/**
 * Cuts a stream of bytes, however it is chopped, into frames.
 *
 * Bytes are read straight into the decoder's buffer ({@linkcode space}, {@linkcode commit}), so
 * none is copied on the way in. What it buffers is bounded by one frame and what arrived behind
 * it: a length that is announced but does not come costs no memory.
 *
 * @example Any chunking gives the same frames
 * ```ts
 * import { FrameDecoder } from "./frame.ts";
 * import assert from "node:assert/strict";
 *
 * const decoder = new FrameDecoder();
 * decoder.push(Uint8Array.of(0, 0, 0));
 * assert.equal(decoder.next(), null);
 * decoder.push(Uint8Array.of(2, 0xaa, 0xbb));
 * const frame = decoder.next();
 * assert.equal(frame?.type, 0);
 * assert.equal(frame.end - frame.start, 2);
 * ```
 */
export class FrameDecoder {
  #bytes: Buffer<ArrayBuffer> = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  #view: DataView = viewOf(this.#bytes);
  #start = 0;
  #end = 0;
  #held = false;

  /** How many received bytes no frame has been made of yet. */
  get buffered(): number {
    return this.#end - this.#start;
  }

  /**
   * Where the next bytes may be written; never empty. Say how many were with {@linkcode commit}.
   *
   * Frames handed out before are overwritten from here on, unless they are held.
   *
   * @returns The free end of the buffer.
   */
  space(): Uint8Array {
    if (!this.#held) this.#reclaim();
    const missing = this.#missing();
    if (this.#bytes.length - this.#end < Math.max(1, missing)) {
      // Behind whole frames that nobody took yet: for as much again, lest each byte moves them all.
      this.#makeRoom(missing === 0 ? this.buffered : missing);
    }
    return this.#end === 0 ? this.#bytes : this.#bytes.subarray(this.#end);
  }

  /**
   * Takes over bytes that were written into {@linkcode space}.
   *
   * @param count How many, at most the length of that space.
   */
  commit(count: number): void {
    this.#end += count;
  }

  /**
   * Copies a chunk in: the way for those who do not read into {@linkcode space}.
   *
   * @param chunk Any number of bytes.
   */
  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) {
      const space = this.space();
      const part = chunk.subarray(at, at + space.length);
      space.set(part);
      this.commit(part.length);
      at += part.length;
    }
  }

  /**
   * The next whole frame.
   *
   * @returns The frame, or `null` when more bytes are needed.
   */
  next(): Frame | null {
    const at = this.#start;
    if (this.#end - at < HEADER_BYTES) return null;
    const header = this.#view.getUint32(at);
    const start = at + HEADER_BYTES;
    const end = start + (header & MAX_PAYLOAD_BYTES);
    if (end > this.#end) return null;
    this.#start = end;
    const bytes = this.#bytes;
    if (end - start < KEEP_BYTES) return new Frame(header >>> 24, bytes, this.#view, start, end);
    const frame = new Frame(header >>> 24, bytes, this.#view, start, end, bytes);
    this.#leave();
    return frame;
  }

  /**
   * Keeps all frames handed out so far as they are, while more bytes are read: for a call that
   * waits for the answers to its questions. Holding twice is holding once.
   */
  hold(): void {
    this.#held = true;
  }

  /** Ends the hold: frames handed out may be overwritten again. */
  release(): void {
    this.#held = false;
  }

  /** Bytes that the begun frame lacks, as far as they are worth room in one go; 0 when whole. */
  #missing(): number {
    const buffered = this.#end - this.#start;
    if (buffered < HEADER_BYTES) return HEADER_BYTES - buffered;
    const total = HEADER_BYTES + (this.#view.getUint32(this.#start) & MAX_PAYLOAD_BYTES);
    // Room grows with what has come, not with what is announced, which may never come: but from
    // some point on moving it costs more than the room, which is not touched before it is filled.
    const isComing = buffered >= TRUSTED_BYTES;
    const room = isComing ? total : Math.max(buffered, KEEP_BYTES);
    return Math.max(0, Math.min(total - buffered, room));
  }

  /** Uses the room of frames that are done with. */
  #reclaim(): void {
    if (this.#start === this.#end) {
      this.#start = this.#end = 0;
      if (this.#bytes.length > KEEP_BYTES) this.#use(Buffer.allocUnsafeSlow(INITIAL_BYTES));
    }
  }

  /** Leaves the buffer to the large frame in it, and takes along what came behind that. */
  #leave(): void {
    const rest = this.#bytes.subarray(this.#start, this.#end);
    this.#use(Buffer.allocUnsafeSlow(Math.max(INITIAL_BYTES, rest.length)));
    this.#bytes.set(rest);
    this.#start = 0;
    this.#end = rest.length;
  }

  #makeRoom(missing: number): void {
    const buffered = this.buffered;
    if (!this.#held && this.#bytes.length >= buffered + missing) {
      this.#bytes.copyWithin(0, this.#start, this.#end);
    } else {
      // A new buffer, also for held frames: the old one is theirs from now on.
      const size = Math.max(INITIAL_BYTES, buffered + missing);
      const grown = Buffer.allocUnsafeSlow(size);
      grown.set(this.#bytes.subarray(this.#start, this.#end));
      this.#use(grown);
    }
    this.#start = 0;
    this.#end = buffered;
  }

  #use(bytes: Buffer<ArrayBuffer>): void {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
