/**
 * Headers as a plugin sees them: in the manner of the Fetch API, over what came from the wire.
 *
 * @module
 */

import type { SendableEntry, Text, TextEntry } from "../protocol/messages.ts";
import { decodeText, encodeText } from "../protocol/text.ts";
import type { TextEntries } from "../protocol/text_entries.ts";
import {
  headerName,
  headerValue,
  HOP_BY_HOP_LENGTHS,
  isHopByHopOrLength,
  lengthsOf,
  mayBeAmong,
} from "./header_rules.ts";
import type { Life } from "./life.ts";

/**
 * Headers that can be read and edited. Names are compared without regard to case.
 *
 * Nothing is decoded until it is asked for, and what is not edited keeps its bytes, also where
 * they are not UTF-8.
 */
export interface EditableHeaders extends Iterable<[string, string]> {
  /**
   * The value of a header.
   *
   * @param name Any case.
   * @returns The value; several are joined with `, ` (`cookie`: with `; `); `null` when absent.
   */
  get(name: string): string | null;
  /**
   * All values of a header, in order.
   *
   * @param name Any case.
   * @returns One string a value; none when absent.
   */
  getAll(name: string): string[];
  /** The values of all `set-cookie` headers, which must not be joined. */
  getSetCookie(): string[];
  /**
   * Whether a header is there.
   *
   * @param name Any case.
   */
  has(name: string): boolean;
  /**
   * Replaces all values of a header by one.
   *
   * @param name A legal header name.
   * @param value Text without CR, LF and NUL; sent as UTF-8.
   * @throws {TypeError} For a name or value that is not legal, and for headers that only APISIX
   * can set (`content-length`, `transfer-encoding`, `connection` and their kind).
   */
  set(name: string, value: string): void;
  /**
   * Adds a value to a header.
   *
   * @param name A legal header name.
   * @param value Text without CR, LF and NUL; sent as UTF-8.
   * @throws {TypeError} As for `set`.
   */
  append(name: string, value: string): void;
  /**
   * Removes all values of a header, also those that the runner was not shown: APISIX delivers 100
   * header lines at most (protocol.md §7.1).
   *
   * @param name Any case.
   */
  delete(name: string): void;
  /** Names (lower case) and values; a repeated name comes once a value. */
  entries(): IterableIterator<[string, string]>;
  /** The names, in lower case, each once. */
  keys(): IterableIterator<string>;
  /** The values, in the order of `entries`. */
  values(): IterableIterator<string>;
}

const NO_EDITS: ReadonlyMap<string, readonly Text[]> = new Map();

/** The base on the wire, and the edits made to it. */
export class HeaderEdits implements EditableHeaders {
  readonly #base: TextEntries | null;
  readonly #life: Life;
  /** The values that replace those of the base, by name; none: deleted. */
  #edits: Map<string, Text[]> | null = null;

  /**
   * @param base What came from the wire.
   * @param life What bounds the time in which they can be edited.
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
    const key = headerName(name);
    const edited = this.#edits?.get(key);
    if (edited !== undefined) return edited.length === 0 ? null : shown(joinValues(key, edited));
    const base = this.#base;
    if (base === null) return null;
    const first = base.indexOf(key, true);
    if (first < 0) return null;
    return base.indexOf(key, true, first + 1) < 0
      ? base.value(first) ?? ""
      : shown(joinValues(key, this.#baseValues(key)));
  }

  getAll(name: string): string[] {
    const key = headerName(name);
    const edited = this.#edits?.get(key);
    return (edited ?? this.#baseValues(key)).map(shown);
  }

  getSetCookie(): string[] {
    return this.getAll("set-cookie");
  }

  has(name: string): boolean {
    const key = headerName(name);
    const edited = this.#edits?.get(key);
    if (edited !== undefined) return edited.length > 0;
    return this.#base !== null && this.#base.indexOf(key, true) >= 0;
  }

  set(name: string, value: string): void {
    const key = this.#settable(name);
    this.#edit(key, [headerValue(key, value)]);
  }

  append(name: string, value: string): void {
    const key = this.#settable(name);
    const checked = headerValue(key, value);
    this.#edit(key, [...(this.#edits?.get(key) ?? this.#baseValues(key)), checked]);
  }

  delete(name: string): void {
    this.#edit(headerName(name), []);
  }

  *entries(): IterableIterator<[string, string]> {
    for (const [key, values] of this.#all()) {
      for (const value of values) yield [key, value];
    }
  }

  *keys(): IterableIterator<string> {
    for (const [key, values] of this.#all()) if (values.length > 0) yield key;
  }

  *values(): IterableIterator<string> {
    for (const [, value] of this.entries()) yield value;
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.entries();
  }

  /**
   * Goes on with the edits made so far, where `before` can be edited no more.
   *
   * @param before Headers with the same base.
   */
  takeOver(before: HeaderEdits): void {
    this.#edits = before.#edits;
  }

  /**
   * The edits as a Rewrite wants them: one entry a name, since of several the last would win
   * (protocol.md §8.2 step 2); an absent value deletes.
   */
  changes(): TextEntry[] {
    const changes: TextEntry[] = [];
    for (const [name, values] of this.#edits ?? []) {
      changes.push({ name, value: values.length === 0 ? null : joinValues(name, values) });
    }
    return changes;
  }

  /** The edits where every value is an entry of its own: repeated names are added. */
  additions(): TextEntry[] {
    return Array.from(this.#edits ?? [])
      .flatMap(([name, values]) => values.map((value) => ({ name, value })));
  }

  /**
   * The whole list after the edits, without headers of one hop (protocol.md §10.4): what was not
   * edited as it came, byte for byte, edited names where they first stood, new ones at the end.
   *
   * @param keepLength Whether `content-length` still says the truth.
   */
  list(keepLength: boolean): SendableEntry[] {
    const list: SendableEntry[] = [];
    const base = this.#base;
    const edits = this.#edits ?? NO_EDITS;
    const done = new Set<string>();
    // The names of most headers need not become strings: 1 µs for eight of them.
    const lengths = HOP_BY_HOP_LENGTHS | lengthsOf(edits.keys());
    for (let i = 0; i < (base?.length ?? 0); i++) {
      if (base === null) break;
      if (mayBeAmong(lengths, base.nameLength(i))) {
        const key = base.name(i).toLowerCase();
        if (isHopByHopOrLength(key) && !(keepLength && key === "content-length")) continue;
        const edited = edits.get(key);
        if (edited !== undefined) {
          if (!done.has(key)) { for (const value of edited) list.push({ name: key, value }); }
          done.add(key);
          continue;
        }
      }
      list.push(base.slices(i));
    }
    for (const [name, values] of edits) {
      if (!done.has(name)) { for (const value of values) list.push({ name, value }); }
    }
    return list;
  }

  /** Every name with its values, in one pass: a look-up for each name would cost the square. */
  #all(): Map<string, string[]> {
    const all = new Map<string, string[]>();
    const base = this.#base;
    for (let i = 0; i < (base?.length ?? 0); i++) {
      const key = base?.name(i).toLowerCase() ?? "";
      const values = all.get(key);
      if (values === undefined) all.set(key, [base?.value(i) ?? ""]);
      else values.push(base?.value(i) ?? "");
    }
    for (const [key, values] of this.#edits ?? []) all.set(key, values.map(shown));
    return all;
  }

  #baseValues(key: string): Text[] {
    const values: Text[] = [];
    const base = this.#base;
    if (base === null) return values;
    for (let i = base.indexOf(key, true); i >= 0; i = base.indexOf(key, true, i + 1)) {
      values.push(base.lossless(i) ?? "");
    }
    return values;
  }

  #settable(name: string): string {
    const key = headerName(name);
    if (isHopByHopOrLength(key)) {
      throw new TypeError(
        `Cannot set header "${key}": APISIX sets it itself, from the message that it sends`,
      );
    }
    return key;
  }

  #edit(key: string, values: Text[]): void {
    this.#life.assertLive();
    (this.#edits ??= new Map()).set(key, values);
  }
}

/** The headers of a request, of which one must not be lost. */
export class RequestHeaderEdits extends HeaderEdits {
  override set(name: string, value: string): void {
    if (`${value}`.trim() === "") keepHost(name);
    super.set(name, value);
  }

  override append(name: string, value: string): void {
    if (this.has("host")) keepHost(name);
    super.append(name, value);
  }

  override delete(name: string): void {
    keepHost(name);
    const key = headerName(name);
    if (key === "content-length" || key === "transfer-encoding") {
      throw new TypeError(`Cannot delete the header "${key}": it says where the body ends`);
    }
    super.delete(name);
  }
}

/** Without a host APISIX sends the upstream a request that no server takes (protocol.md §8.2). */
function keepHost(name: string): void {
  if (headerName(name) === "host") {
    throw new TypeError(
      'Cannot delete the header "host" or add to it: set it to the host that is wanted',
    );
  }
}

/** Several values of one header in one line; as bytes if one of them is. */
function joinValues(name: string, values: readonly Text[]): Text {
  const [only] = values;
  if (only !== undefined && values.length === 1) return only;
  const separator = name === "cookie" ? "; " : ", ";
  if (values.every((value) => typeof value === "string")) return values.join(separator);
  const bytes = values.flatMap((value, i) => [
    ...encodeText(i === 0 ? "" : separator),
    ...encodeText(value),
  ]);
  return Uint8Array.from(bytes);
}

function shown(value: Text): string {
  return typeof value === "string" ? value : decodeText(value);
}
