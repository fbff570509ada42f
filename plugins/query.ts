/**
 * The query as a plugin sees it: in the manner of `URLSearchParams`, over decoded arguments.
 *
 * @module
 */

import type { Text, TextEntry } from "../protocol/messages.ts";
import { decodeText } from "../protocol/text.ts";
import type { TextEntries } from "../protocol/text_entries.ts";
import type { Life } from "./life.ts";

/**
 * Query arguments that can be read and edited; names and values are decoded (protocol.md §7.1).
 *
 * Unlike `URLSearchParams` it knows an argument without `=`, and leaves it so unless it is edited.
 * The order of different names is not known: APISIX delivers them unsorted.
 */
export interface Query extends Iterable<[string, string]> {
  /**
   * The first value of an argument.
   *
   * @param name Case counts.
   * @returns The value; `""` for `?name=` and `?name`; `null` when absent.
   */
  get(name: string): string | null;
  /**
   * All values of an argument, in order; `""` for those that are empty or have no `=`.
   *
   * @param name Case counts.
   */
  getAll(name: string): string[];
  /**
   * Whether an argument is there, with a value or without.
   *
   * @param name Case counts.
   */
  has(name: string): boolean;
  /**
   * Whether the first argument of this name has no value at all: `?name`, not `?name=`.
   *
   * @param name Case counts.
   */
  isValueless(name: string): boolean;
  /**
   * Replaces all values of an argument by one.
   *
   * @param name Not empty.
   * @param value Any text; `""` sends `name=`.
   * @throws {TypeError} When the name is empty.
   */
  set(name: string, value: string): void;
  /**
   * Adds a value to an argument. One that had no `=` gets it: APISIX cannot send both forms.
   *
   * @param name Not empty.
   * @param value Any text.
   * @throws {TypeError} When the name is empty.
   */
  append(name: string, value: string): void;
  /**
   * Removes all values of an argument.
   *
   * @param name Case counts.
   */
  delete(name: string): void;
  /** Names and values; a repeated name comes once a value. */
  entries(): IterableIterator<[string, string]>;
  /** The names, each once. */
  keys(): IterableIterator<string>;
  /** The values, in the order of `entries`. */
  values(): IterableIterator<string>;
  /** The query after the edits, percent-encoded, without `?`. */
  toString(): string;
}

/** The arguments on the wire, and the edits made to them. */
export class QueryEdits implements Query {
  readonly #base: TextEntries | null;
  readonly #life: Life;
  /** The values that replace those of the base, by name; none: deleted; `null`: without `=`. */
  #edits: Map<string, (Text | null)[]> | null = null;

  /**
   * @param base What came from the wire.
   * @param life What bounds the time in which it can be edited.
   */
  constructor(base: TextEntries | null, life: Life) {
    this.#base = base;
    this.#life = life;
  }

  /** Whether anything was set, appended or deleted. */
  get edited(): boolean {
    return this.#edits !== null;
  }

  get(name: string): string | null {
    const [first] = this.#valuesOf(name);
    return first === undefined ? null : first ?? "";
  }

  getAll(name: string): string[] {
    return this.#valuesOf(name).map((value) => value ?? "");
  }

  has(name: string): boolean {
    return this.#valuesOf(name).length > 0;
  }

  isValueless(name: string): boolean {
    return this.#valuesOf(name)[0] === null;
  }

  set(name: string, value: string): void {
    this.#edit(settable(name), [`${value}`]);
  }

  append(name: string, value: string): void {
    this.#edit(settable(name), [...this.#textsOf(name), `${value}`]);
  }

  delete(name: string): void {
    this.#edit(name, []);
  }

  *entries(): IterableIterator<[string, string]> {
    for (const [name, values] of this.#all()) {
      for (const value of values) yield [name, value ?? ""];
    }
  }

  *keys(): IterableIterator<string> {
    for (const [name, values] of this.#all()) if (values.length > 0) yield name;
  }

  *values(): IterableIterator<string> {
    for (const [, value] of this.entries()) yield value;
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.entries();
  }

  toString(): string {
    return Array.from(this.#all())
      .flatMap(([name, values]) =>
        values.map((value) => encode(name) + (value === null ? "" : `=${encode(value)}`))
      )
      .join("&");
  }

  /**
   * Goes on with the edits made so far, where `before` can be edited no more.
   *
   * @param before A query with the same base.
   */
  takeOver(before: QueryEdits): void {
    this.#edits = before.#edits;
  }

  /**
   * The edits as a Rewrite wants them (protocol.md §8.2 step 5): the first entry of a name
   * replaces all its values, further ones are added, an absent value deletes.
   */
  changes(): TextEntry[] {
    return Array.from(this.#edits ?? []).flatMap(([name, values]): TextEntry[] => [
      ...this.#bytesOf(name).map((bytes) => ({ name: bytes, value: null })),
      ...(values.length === 0
        ? [{ name, value: null }]
        : values.map((value) => ({ name, value: value ?? "" }))),
    ]);
  }

  /**
   * Every name with its values, in one pass: a look-up for each name would cost the square, and
   * it is the client who says how many there are.
   */
  #all(): Map<string, (string | null)[]> {
    const all = new Map<string, (string | null)[]>();
    const base = this.#base;
    for (let i = 0; i < (base?.length ?? 0); i++) {
      const name = base?.name(i) ?? "";
      const values = all.get(name);
      if (values === undefined) all.set(name, [base?.value(i) ?? null]);
      else values.push(base?.value(i) ?? null);
    }
    for (const [name, values] of this.#edits ?? []) all.set(name, values.map(shown));
    return all;
  }

  #valuesOf(name: string): (string | null)[] {
    return this.#textsOf(name).map(shown);
  }

  #textsOf(name: string): (Text | null)[] {
    const edited = this.#edits?.get(name);
    if (edited !== undefined) return edited;
    const values: (Text | null)[] = [];
    const base = this.#base;
    for (let i = 0; i < (base?.length ?? 0); i++) {
      if (base?.name(i) === name) values.push(base.lossless(i));
    }
    return values;
  }

  /**
   * The names on the wire that look like this one but are not UTF-8: only by their bytes does
   * APISIX find the arguments that are to go.
   */
  #bytesOf(name: string): Uint8Array[] {
    const found: Uint8Array[] = [];
    if (!name.includes("\ufffd")) return found;
    const base = this.#base;
    for (let i = 0; i < (base?.length ?? 0); i++) {
      if (base?.name(i) === name) found.push(new Uint8Array(base.raw(i).name));
    }
    return found;
  }

  #edit(name: string, values: (Text | null)[]): void {
    this.#life.assertLive();
    (this.#edits ??= new Map()).set(name, values);
  }
}

function shown(value: Text | null): string | null {
  return value instanceof Uint8Array ? decodeText(value) : value;
}

function settable(name: string): string {
  if (name === "") throw new TypeError("Cannot set a query argument without a name");
  return name;
}

/** A lone surrogate has no UTF-8 form: it becomes U+FFFD, as everywhere on the way to the wire. */
function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}
