/**
 * A list of names and values that is read where it lies.
 *
 * @module
 */

import { type Frame, MAX_PAYLOAD_BYTES } from "./frame.ts";
import { broken, bytesAt, followTable, readVector } from "./table.ts";
import { textAt } from "./text.ts";

const NAME = 0;
const VALUE = 1;

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

  /** Both as bytes, without a copy: valid as long as the frame is. */
  raw(index: number): RawEntry {
    const name = bytesAt(this.#frame, this.#text(index, NAME));
    if (name === null) throw broken("entry has no name");
    return { name, value: bytesAt(this.#frame, this.#text(index, VALUE)) };
  }

  /**
   * Whether an entry has a given name, without making a string of it.
   *
   * @param index 0 to `length - 1`.
   * @param name ASCII; in lower case when `ignoreCase` is set.
   * @param ignoreCase Take `A` to `Z` for `a` to `z`, as for header names.
   * @returns Whether the names are the same.
   */
  nameIs(index: number, name: string, ignoreCase: boolean): boolean {
    const frame = this.#frame;
    const vector = this.#text(index, NAME);
    const length = frame.view.getUint32(vector, true);
    if (length !== name.length) return false;
    for (let i = 0, at = vector + 4; i < length; i++, at++) {
      const byte = frame.view.getUint8(at);
      const folded = ignoreCase && byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
      if (folded !== name.charCodeAt(i)) return false;
    }
    return true;
  }

  /** All entries in wire order, as bytes. */
  *[Symbol.iterator](): Generator<RawEntry> {
    for (let i = 0; i < this.length; i++) yield this.raw(i);
  }

  #text(index: number, slot: number): number {
    this.#frame.assertLive();
    return readVector(this.#frame, this.#table(index), slot, 1);
  }

  #table(index: number): number {
    const at = this.#vector + 4 + 4 * index;
    return at + this.#frame.view.getUint32(at, true);
  }

  #check(): void {
    if (this.#vector === 0) return;
    const frame = this.#frame;
    const count = frame.view.getUint32(this.#vector, true);
    // Entries may share memory in a FlatBuffer, so a small frame can claim gigabytes of text.
    let budget = MAX_PAYLOAD_BYTES;
    for (let i = 0; i < count; i++) {
      const table = followTable(frame, this.#vector + 4 + 4 * i);
      const name = readVector(frame, table, NAME, 1);
      if (name === 0) throw broken("entry has no name");
      const value = readVector(frame, table, VALUE, 1);
      budget -= frame.view.getUint32(name, true);
      if (value !== 0) budget -= frame.view.getUint32(value, true);
      if (budget < 0) throw broken("entries share more text than a frame can hold");
    }
  }
}
