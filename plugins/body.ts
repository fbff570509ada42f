/**
 * Bodies as a plugin reads and replaces them.
 *
 * @module
 */

import { decodeText, encodeText } from "../protocol/text.ts";

/** What a body can be replaced by: text (sent as UTF-8), bytes, or any other value as JSON. */
export type BodyContent = string | Uint8Array | JsonValue;

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
   * APISIX fails the call (protocol.md §9).
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

/** The largest body that fits a frame beside what else a message may hold (protocol.md §3, §9). */
export const MAX_BODY_BYTES = 16_777_188;

/** A body's current content: what a plugin set, else what APISIX has. */
export class EditableBody implements Body {
  readonly #kind: string;
  readonly #fetch: () => Promise<Uint8Array<ArrayBuffer> | null>;
  #replacement: Uint8Array<ArrayBuffer> | null = null;

  /**
   * @param kind "request" or "response", for errors.
   * @param fetch Gets the body from APISIX.
   */
  constructor(kind: string, fetch: () => Promise<Uint8Array<ArrayBuffer> | null>) {
    this.#kind = kind;
    this.#fetch = fetch;
  }

  /** What a plugin set; `null` when the body was not replaced. */
  get replacement(): Uint8Array<ArrayBuffer> | null {
    return this.#replacement;
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#replacement ?? await this.#fetch() ?? new Uint8Array();
  }

  async text(): Promise<string> {
    return decodeText(await this.bytes());
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }

  /**
   * Replaces the body.
   *
   * @param content What to send; not empty, at most {@linkcode MAX_BODY_BYTES}.
   * @throws {TypeError} When it is empty: APISIX would take that for "unchanged".
   * @throws {RangeError} When it is too large for a frame.
   */
  set(content: BodyContent): void {
    const bytes = bodyBytes(content);
    if (bytes.length === 0) {
      throw new TypeError(
        `Cannot set an empty ${this.#kind} body: APISIX takes it for "unchanged". ` +
          "Set a body that is not empty, or answer with a Response",
      );
    }
    if (bytes.length > MAX_BODY_BYTES) {
      throw new RangeError(
        `Cannot set a ${this.#kind} body of ${bytes.length} bytes: a frame holds ${MAX_BODY_BYTES}`,
      );
    }
    this.#replacement = bytes;
  }
}

/**
 * The bytes of a body.
 *
 * @param content Text, bytes, or a value for JSON.
 * @returns A copy, so that later changes of the original do not matter.
 */
export function bodyBytes(content: BodyContent): Uint8Array<ArrayBuffer> {
  if (content instanceof Uint8Array) return new Uint8Array(content);
  const text = typeof content === "string" ? content : JSON.stringify(content);
  return new Uint8Array(encodeText(text));
}
