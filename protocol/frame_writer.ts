/**
 * Writing one frame from front to back, header and payload, in one buffer.
 *
 * @module
 */

import { ErrorCode, RpcError } from "./errors.ts";
import { HEADER_BYTES, MAX_PAYLOAD_BYTES } from "./frame.ts";
import type { SendableEntry, SendableText } from "./messages.ts";

const INITIAL_BYTES = 512;

/** A buffer that grew past this is not kept. */
const KEEP_BYTES = 64 * 1024;

/** Bytes that are longer are not copied into the frame, but sent behind it as they are. */
const TAIL_BYTES = 32 * 1024;

/** Up to this length a loop copies faster than a call into the runtime, which takes 100 ns. */
const SHORT = 128;

const encoder = new TextEncoder();

/** Bytes of an offset, of a length, and of a field: smaller fields get a whole word too. */
const WORD = 4;

/**
 * Writes FlatBuffers with what the runner's replies need: tables, texts, bytes and lists of
 * entries. Every parent is written before its children, and told where they are when they come.
 *
 * To build a reply with the `flatbuffers` package's builder takes three times as long.
 */
export class FrameWriter {
  #bytes = new Uint8Array(INITIAL_BYTES);
  #at = 0;
  #tail: Uint8Array | null = null;
  /** What was given last: one connection's replies often have the same length. */
  #frame = this.#bytes;

  /** Starts a frame; whatever was begun before is forgotten. */
  begin(): void {
    // The header, and the offset of the root table. What was kept is full of the last frame, but
    // every byte is written again, padding included.
    this.#at = HEADER_BYTES + WORD;
    this.#tail = null;
  }

  /** What is to be sent behind the frame that {@linkcode finish} gave, as a part of it. */
  get tail(): Uint8Array | null {
    return this.#tail;
  }

  /**
   * Writes the root table.
   *
   * @param slots How many fields its type has.
   * @param present Which of them are stored: bit 0 for slot 0.
   * @returns Where its first stored field is; the others follow, a word each.
   */
  root(slots: number, present: number): number {
    return this.table(HEADER_BYTES, slots, present);
  }

  /**
   * Writes a table.
   *
   * @param parent Where its offset goes.
   * @param slots How many fields its type has.
   * @param present Which of them are stored: bit 0 for slot 0.
   * @returns Where its first stored field is; the others follow, a word each.
   */
  table(parent: number, slots: number, present: number): number {
    this.#reserve(3 * WORD + slots * (2 + WORD));
    const table = this.#vtable(slots, present);
    const end = table + (this.#bytes[this.#at + 2] ?? 0);
    this.#setWord(parent, table - parent);
    this.#setWord(table, table - this.#at);
    this.#at = end;
    return table + WORD;
  }

  /** Writes a vtable at an odd half word, so that the table behind it is at a whole one. */
  #vtable(slots: number, present: number): number {
    const bytes = this.#bytes;
    if (slots % 2 === 1) {
      bytes[this.#at] = 0;
      bytes[this.#at + 1] = 0;
      this.#at += 2;
    }
    const vtable = this.#at;
    let field = WORD;
    for (let slot = 0; slot < slots; slot++) {
      const isPresent = (present >>> slot & 1) === 1;
      this.#setHalf(vtable + 4 + 2 * slot, isPresent ? field : 0);
      if (isPresent) field += WORD;
    }
    this.#setHalf(vtable, 4 + 2 * slots);
    this.#setHalf(vtable + 2, field);
    return vtable + 4 + 2 * slots;
  }

  /** Stores a number of up to 32 bits in a field. */
  number(field: number, value: number): void {
    this.#setWord(field, value);
  }

  /** Writes a text and stores its offset in a field. */
  text(field: number, text: SendableText): void {
    if (typeof text === "string") this.#string(field, text);
    else if (text instanceof Uint8Array) this.#copy(field, text, 0, text.length, 1);
    else this.#copy(field, text.bytes, text.at, text.length, 1);
  }

  /**
   * Writes a byte vector, as the last thing in the frame, and stores its offset in a field. If it
   * is long it becomes the {@linkcode tail}: to copy 16 MB takes longer than to send them.
   */
  body(field: number, bytes: Uint8Array): void {
    if (bytes.length <= TAIL_BYTES) this.#copy(field, bytes, 0, bytes.length, 0);
    else {
      this.#reserve(WORD);
      this.#setWord(this.#at, bytes.length);
      this.#setWord(field, this.#at - field);
      this.#at += WORD;
      this.#tail = bytes;
    }
  }

  /** Writes a list of `A6.TextEntry` and stores its offset in a field. */
  entries(field: number, entries: readonly SendableEntry[]): void {
    const count = entries.length;
    this.#reserve(6 * WORD + count * 4 * WORD);
    // Two vtables serve them all: with a value, and without one, which deletes.
    const withValue = this.#vtable(2, 0b11) - 8;
    this.#at = withValue + 8;
    const nameOnly = this.#vtable(2, 0b01) - 8;
    const vector = nameOnly + 8;
    this.#setWord(field, vector - field);
    this.#setWord(vector, count);
    let table = vector + WORD + count * WORD;
    this.#at = table + count * 3 * WORD;
    for (let i = 0; i < count; i++, table += 3 * WORD) {
      const entry = entries[i];
      if (entry === undefined) break;
      const { name, value } = entry;
      const slot = vector + WORD + i * WORD;
      this.#setWord(slot, table - slot);
      this.#setWord(table, table - (value === null ? nameOnly : withValue));
      this.text(table + WORD, name);
      if (value === null) this.#setWord(table + 2 * WORD, 0);
      else this.text(table + 2 * WORD, value);
    }
  }

  /**
   * Ends the frame.
   *
   * @param type The type byte, see `RpcType`.
   * @returns Header and payload but for the {@linkcode tail}, valid until the next
   * {@linkcode begin}.
   * @throws {RpcError} SERVICE_UNAVAILABLE when the payload is over 2^24 - 1 bytes, which would
   * spill into the type byte (protocol.md §3).
   */
  finish(type: number): Uint8Array {
    const bytes = this.#bytes;
    const length = this.#at - HEADER_BYTES + (this.#tail?.length ?? 0);
    if (length > MAX_PAYLOAD_BYTES) {
      this.#bytes = new Uint8Array(INITIAL_BYTES);
      throw new RpcError(
        ErrorCode.SERVICE_UNAVAILABLE,
        `Cannot send a message of ${length} bytes: a frame holds ${MAX_PAYLOAD_BYTES}`,
      );
    }
    bytes[0] = type;
    bytes[1] = length >>> 16;
    bytes[2] = length >>> 8;
    bytes[3] = length;
    if (bytes.length > KEEP_BYTES) {
      this.#bytes = new Uint8Array(INITIAL_BYTES);
      return bytes.subarray(0, this.#at);
    }
    if (this.#frame.buffer === bytes.buffer && this.#frame.length === this.#at) return this.#frame;
    return this.#frame = bytes.subarray(0, this.#at);
  }

  #string(field: number, text: string): void {
    const { length } = text;
    if (length > SHORT || !this.#ascii(field, text)) {
      // A UTF-16 unit has three bytes in UTF-8 at most.
      this.#reserve(WORD + 3 * length + WORD);
      const room = this.#bytes.subarray(this.#at + WORD);
      this.#end(field, encoder.encodeInto(text, room).written, 1);
    }
  }

  /** Writes a short text, if each of its characters is one byte. */
  #ascii(field: number, text: string): boolean {
    this.#reserve(WORD + text.length + WORD);
    const bytes = this.#bytes;
    const start = this.#at + WORD;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) return false;
      bytes[start + i] = code;
    }
    this.#end(field, text.length, 1);
    return true;
  }

  #copy(field: number, from: Uint8Array, at: number, length: number, terminator: 0 | 1): void {
    this.#reserve(WORD + length + WORD);
    const bytes = this.#bytes;
    const start = this.#at + WORD;
    if (length > SHORT) bytes.set(from.subarray(at, at + length), start);
    else for (let i = 0; i < length; i++) bytes[start + i] = from[at + i] ?? 0;
    this.#end(field, length, terminator);
  }

  /** Ends a vector of bytes whose content is in place: its length, its padding, its offset. */
  #end(field: number, length: number, terminator: 0 | 1): void {
    const vector = this.#at;
    this.#setWord(vector, length);
    this.#setWord(field, vector - field);
    let at = vector + WORD + length;
    const end = (at + terminator + WORD - 1) & -WORD;
    while (at < end) this.#bytes[at++] = 0;
    this.#at = end;
  }

  /** Makes room for some more bytes. */
  #reserve(more: number): void {
    if (this.#at + more <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#at + more));
    larger.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = larger;
  }

  #setHalf(at: number, value: number): void {
    const bytes = this.#bytes;
    bytes[at] = value;
    bytes[at + 1] = value >>> 8;
  }

  #setWord(at: number, value: number): void {
    const bytes = this.#bytes;
    bytes[at] = value;
    bytes[at + 1] = value >>> 8;
    bytes[at + 2] = value >>> 16;
    bytes[at + 3] = value >>> 24;
  }
}
