/**
 * Texts between bytes and strings.
 *
 * @module
 */

import { Buffer } from "node:buffer";

import type { Frame } from "./frame.ts";

const encoder = new TextEncoder();

/** Below this length a `Buffer` makes a string three times as fast as a `TextDecoder`. */
const SHORT_BYTES = 512;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * The string that UTF-8 bytes stand for; invalid sequences become U+FFFD.
 *
 * @param bytes The bytes.
 * @returns The string.
 *
 * @example
 * ```ts
 * import { decodeText, encodeText } from "./text.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(decodeText(encodeText("✓")), "✓");
 * ```
 */
export function decodeText(bytes: Uint8Array): string {
  if (bytes.length >= SHORT_BYTES) return decoder.decode(bytes);
  const buffer = bytes instanceof Buffer
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString("utf8");
}

/**
 * The UTF-8 bytes of a string; bytes stay what they are.
 *
 * @param text A string or bytes.
 * @returns The bytes.
 */
export function encodeText(text: string | Uint8Array): Uint8Array {
  return typeof text === "string" ? encoder.encode(text) : text;
}

/**
 * The string in a frame, by the position of its length word.
 *
 * @param frame The frame.
 * @param vector The position; the bytes were checked to lie in the payload.
 * @returns The string.
 */
export function textAt(frame: Frame, vector: number): string {
  frame.assertLive();
  const start = vector + 4;
  const end = start + frame.view.getUint32(vector, true);
  return end - start < SHORT_BYTES
    ? frame.bytes.toString("utf8", start, end)
    : decoder.decode(frame.bytes.subarray(start, end));
}
