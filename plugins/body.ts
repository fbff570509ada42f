/**
 * Bodies as a plugin reads and replaces them.
 *
 * @module
 */

import { handled } from "./extra_info.ts";
import { decodeText, encodeText } from "../protocol/text.ts";

/** What a body can be replaced by: text (sent as UTF-8), bytes, or any other value as JSON. */
export type BodyContent = string | Uint8Array | Exclude<JsonValue, null>;

/** A value that JSON can hold. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

/** A body that is fetched from APISIX when it is first read. */
export interface Body {
  /**
   * The body's bytes; none when there is no body. At most 16 777 188 bytes: with a larger one
   * APISIX fails the call (protocol.md §9). All who ask get the same array: do not change it.
   *
   * @throws {RangeError} When its `content-length` says that it is larger; the call goes on then.
   */
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
  /** The body as text, decoded as UTF-8; what is not UTF-8 becomes U+FFFD. */
  text(): Promise<string>;
  /**
   * The body parsed as JSON.
   *
   * @throws {SyntaxError} When it is not JSON.
   */
  json(): Promise<unknown>;
}

/**
 * The largest body that a reply without headers can hold: a frame's 2^24 - 1 bytes less the tables
 * around it (protocol.md §3).
 */
export const MAX_BODY_BYTES = 16_777_152;

/** A body's current content: what a plugin set, else what APISIX has. */
export class EditableBody implements Body {
  readonly #kind: string;
  readonly #fetch: () => Promise<Uint8Array<ArrayBuffer> | null>;
  #replacement: Uint8Array<ArrayBuffer> | null;

  /**
   * @param kind "request" or "response", for errors.
   * @param fetch Gets the body from APISIX.
   * @param replacement What a plugin has set already.
   */
  constructor(
    kind: string,
    fetch: () => Promise<Uint8Array<ArrayBuffer> | null>,
    replacement: Uint8Array<ArrayBuffer> | null = null,
  ) {
    this.#kind = kind;
    this.#fetch = fetch;
    this.#replacement = replacement;
  }

  /**
   * What a plugin set; `null` when the body was not replaced.
   *
   * @throws {TypeError} When its bytes are gone.
   */
  get replacement(): Uint8Array<ArrayBuffer> | null {
    // `set` takes no empty one. APISIX would take it for "unchanged" and send the old body on.
    if (this.#replacement?.length === 0) {
      throw new TypeError(
        `Cannot send the ${this.#kind} body: the bytes that were set have been given to another ` +
          "thread since. Give setBody a copy",
      );
    }
    return this.#replacement;
  }

  bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return handled(this.#read((bytes) => bytes));
  }

  text(): Promise<string> {
    return handled(this.#read(decodeText));
  }

  json(): Promise<unknown> {
    return handled(this.#read((bytes) => JSON.parse(decodeText(bytes))));
  }

  async #read<Content>(
    as: (bytes: Uint8Array<ArrayBuffer>) => Content,
  ): Promise<Content> {
    return as(this.#replacement ?? await this.#fetch() ?? new Uint8Array());
  }

  /**
   * Replaces the body.
   *
   * @param content What to send; not empty, at most {@linkcode MAX_BODY_BYTES}. Bytes are taken
   * over, not copied: do not change them afterwards.
   * @throws {TypeError} When it is empty: APISIX would take that for "unchanged".
   * @throws {RangeError} When it is too large for a frame.
   */
  set(content: BodyContent): void {
    const bytes = bodyBytes(content, this.#kind);
    if (bytes.length === 0) {
      throw new TypeError(
        `Cannot set an empty ${this.#kind} body: APISIX takes it for "unchanged". ` +
          "Set a body that is not empty, or answer with a Response",
      );
    }
    this.#replacement = bytes;
  }
}

/**
 * The bytes of a body.
 *
 * @param content Text, bytes, or a value for JSON.
 * @param kind Whose body it is, for errors.
 * @returns The bytes; those that were given are taken over, not copied.
 * @throws {TypeError} When it is none of these.
 * @throws {RangeError} When it is too large for a frame.
 */
export function bodyBytes(content: BodyContent, kind: string): Uint8Array<ArrayBuffer> {
  const bytes = content instanceof Uint8Array ? content : encodeText(bodyText(content, kind));
  if (bytes.length > MAX_BODY_BYTES) {
    throw new RangeError(
      `Cannot send a ${kind} body of ${bytes.length} bytes: a frame holds ${MAX_BODY_BYTES}. ` +
        "Send less, leave the body as it came, or redirect to where it lies",
    );
  }
  const { buffer, byteOffset, length } = bytes;
  // What is shared with other threads could change while it is sent.
  return buffer instanceof ArrayBuffer
    ? new Uint8Array(buffer, byteOffset, length)
    : new Uint8Array(bytes);
}

function bodyText(content: Exclude<BodyContent, Uint8Array>, kind: string): string {
  if (typeof content === "string") return content;
  const json: string | undefined = content === null ? undefined : JSON.stringify(content);
  if (json !== undefined) return json;
  throw new TypeError(`Cannot send ${content} as a ${kind} body: give a text, bytes or JSON`);
}
