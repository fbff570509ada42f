/**
 * A list of names and values that is read where it lies.
 *
 * @module
 */

import { type Frame, MAX_PAYLOAD_BYTES } from "./frame.ts";
import type { SendableEntry, Text, TextSlice } from "./messages.ts";
import { broken, bytesAt, fieldAt, followTable, followVector } from "./table.ts";
import { textAt } from "./text.ts";

const NAME = 0;
const VALUE = 1;

/** More than any request has; a small frame can claim millions that are one and the same. */
const MAX_ENTRIES = 65_536;

/** A header, argument or configuration as bytes; `null` is an absent value. */
export interface RawEntry {
  /** The name's bytes. */
  readonly name: Uint8Array;
  /** The value's bytes, or `null` when absent. */
  readonly value: Uint8Array | null;
}

/**
 * A vector of `A6.TextEntry`, checked once when it is made and then read lazily: a header costs
 * nothing until a plugin asks for it, and keeps its bytes whatever they are (protocol.md §4.1).
 */
export class TextEntries implements Iterable<RawEntry> {
  readonly #frame: Frame;
  readonly #vector: number;
  /** The vtable that was met last, and what it says: where the fields lie in a table. */
  #vtable = -1;
  #name = 0;
  #value = 0;
  #tableBytes = 0;

  /**
   * @param frame The frame that holds the vector.
   * @param vector Where its length word stands; see `readVector`. 0 is an empty list.
   * @throws {RpcError} BAD_REQUEST when an entry has no name or lies outside of the payload.
   */
  constructor(frame: Frame, vector: number) {
    this.#frame = frame;
    this.#vector = vector;
    this.#check();
  }

  /** How many entries there are. */
  get length(): number {
    if (this.#vector === 0) return 0;
    this.#frame.assertLive();
    return this.#frame.view.getUint32(this.#vector, true);
  }

  /** The name of an entry as text. `index` is 0 to `length - 1`. */
  name(index: number): string {
    return textAt(this.#frame, this.#text(index, NAME));
  }

  /** The value of an entry as text, `null` when absent. */
  value(index: number): string | null {
    const vector = this.#text(index, VALUE);
    return vector === 0 ? null : textAt(this.#frame, vector);
  }

  /**
   * The value of an entry to be sent on: as text, or as a copy of its bytes where they are not
   * UTF-8 and text would not give them back. `null` when absent.
   */
  lossless(index: number): Text | null {
    const text = this.value(index);
    return text?.includes("\ufffd") ? new Uint8Array(this.raw(index).value ?? []) : text;
  }

  /** Both as bytes, without a copy: valid as long as the frame is. */
  raw(index: number): RawEntry {
    const name = bytesAt(this.#frame, this.#text(index, NAME));
    if (name === null) throw broken("entry has no name");
    return { name, value: bytesAt(this.#frame, this.#text(index, VALUE)) };
  }

  /**
   * Both as they lie in the frame, to be sent on: a third of what {@linkcode raw} costs. Valid as
   * long as the frame is.
   */
  slices(index: number): SendableEntry {
    const value = this.#text(index, VALUE);
    return {
      name: this.#slice(this.#text(index, NAME)),
      value: value === 0 ? null : this.#slice(value),
    };
  }

  /** How many bytes the name of an entry has: most names are told apart by that alone. */
  nameLength(index: number): number {
    return this.#frame.view.getUint32(this.#text(index, NAME), true);
  }

  /**
   * Finds a name, without making strings of those that it passes.
   *
   * @param name ASCII; in lower case when `ignoreCase` is set.
   * @param ignoreCase Take `A` to `Z` for `a` to `z`, as for header names.
   * @param from The first index to look at.
   * @returns The index of the entry, or -1.
   */
  indexOf(name: string, ignoreCase: boolean, from = 0): number {
    const { length } = this;
    const { view } = this.#frame;
    // Written out rather than by way of #text: plugins look for names more than for all else.
    for (let index = from, slot = this.#vector + 4 + 4 * from; index < length; index++, slot += 4) {
      const table = slot + view.getUint32(slot, true);
      if (table - view.getInt32(table, true) !== this.#vtable) this.#learn(table);
      const field = table + this.#name;
      const at = field + view.getUint32(field, true);
      if (view.getUint32(at, true) !== name.length) continue;
      let i = 0;
      for (; i < name.length; i++) {
        const byte = view.getUint8(at + 4 + i);
        const folded = ignoreCase && byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
        if (folded !== name.charCodeAt(i)) break;
      }
      if (i === name.length) return index;
    }
    return -1;
  }

  /** All entries in wire order, as bytes. */
  *[Symbol.iterator](): Generator<RawEntry> {
    for (let i = 0; i < this.length; i++) yield this.raw(i);
  }

  #slice(vector: number): TextSlice {
    const { bytes, view } = this.#frame;
    return { bytes, at: vector + 4, length: view.getUint32(vector, true) };
  }

  /** Where the name or value of an entry stands, 0 when absent; all was checked before. */
  #text(index: number, slot: number): number {
    const frame = this.#frame;
    frame.assertLive();
    const start = this.#vector + 4 + 4 * index;
    const table = start + frame.view.getUint32(start, true);
    this.#learn(table);
    const offset = slot === NAME ? this.#name : this.#value;
    if (offset === 0) return 0;
    const at = table + offset;
    return at + frame.view.getUint32(at, true);
  }

  /**
   * Learns where the fields of a table lie. APISIX writes one vtable for all entries, so that is
   * mostly known.
   */
  #learn(table: number): void {
    const frame = this.#frame;
    const vtable = table - frame.view.getInt32(table, true);
    if (vtable === this.#vtable) return;
    const name = fieldAt(frame, table, NAME, 4);
    const value = fieldAt(frame, table, VALUE, 4);
    this.#vtable = vtable;
    this.#name = name === 0 ? 0 : name - table;
    this.#value = value === 0 ? 0 : value - table;
    this.#tableBytes = frame.view.getUint16(vtable + 2, true);
  }

  #check(): void {
    if (this.#vector === 0) return;
    const frame = this.#frame;
    const { view } = frame;
    const count = view.getUint32(this.#vector, true);
    if (count > MAX_ENTRIES) throw broken(`a list has ${count} entries`);
    // Entries may share memory in a FlatBuffer, so a small frame can claim gigabytes of text.
    let budget = MAX_PAYLOAD_BYTES;
    for (let i = 0, at = this.#vector + 4; i < count; i++, at += 4) {
      const table = at + view.getUint32(at, true);
      if (table > frame.end - 4) throw broken("entry lies outside of the payload");
      if (table - view.getInt32(table, true) !== this.#vtable) this.#learn(followTable(frame, at));
      if (table + this.#tableBytes > frame.end) throw broken("entry is cut off");
      if (this.#name === 0) throw broken("entry has no name");
      budget -= view.getUint32(followVector(frame, table + this.#name, 1), true);
      if (this.#value !== 0) {
        budget -= view.getUint32(followVector(frame, table + this.#value, 1), true);
      }
      if (budget < 0) throw broken("entries share more text than a frame can hold");
    }
  }
}
