/**
 * Headers that hooks of the request phase add to the client's response.
 *
 * @module
 */

import { headerName, isDroppedByRewrite } from "./header_rules.ts";
import { HeaderEdits } from "./headers.ts";
import type { Life } from "./life.ts";

const NONE: ReadonlyMap<string, readonly string[]> = new Map();

/** Knows who set the headers that APISIX ignores, should the request go on. */
export class AddedHeaders extends HeaderEdits {
  readonly #author: () => string;
  /** Who set a header that will be ignored, by its name. */
  #ignored: Map<string, string> | null = null;

  /**
   * @param life What bounds the time in which they can be edited.
   * @param author Says whose hook runs.
   */
  constructor(life: Life, author: () => string) {
    super(null, life);
    this.#author = author;
  }

  override set(name: string, value: string): void {
    super.set(name, value);
    this.#note(name);
  }

  override append(name: string, value: string): void {
    super.append(name, value);
    this.#note(name);
  }

  override delete(name: string): void {
    super.delete(name);
    this.#ignored?.delete(headerName(name));
  }

  override takeOver(before: AddedHeaders): void {
    super.takeOver(before);
    this.#ignored = before.#ignored;
  }

  /**
   * What APISIX ignores when the request goes on (protocol.md §8.2 step 4).
   *
   * @returns The names, by the plugin that set them.
   */
  ignored(): ReadonlyMap<string, readonly string[]> {
    if (this.#ignored === null) return NONE;
    const byAuthor = new Map<string, string[]>();
    for (const [name, author] of this.#ignored) {
      const names = byAuthor.get(author);
      if (names === undefined) byAuthor.set(author, [name]);
      else names.push(name);
    }
    return byAuthor;
  }

  #note(name: string): void {
    const key = headerName(name);
    if (isDroppedByRewrite(key)) (this.#ignored ??= new Map()).set(key, this.#author());
  }
}
