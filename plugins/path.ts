/**
 * Paths between their decoded and their percent-encoded form (protocol.md §7.1, §8.2).
 *
 * @module
 */

/** The byte of `%`. */
export const PERCENT = 0x25;

/**
 * Replaces `%xx` by the byte that it stands for; an invalid escape stays as it is.
 *
 * @param bytes A percent-encoded path.
 * @returns The decoded path's bytes.
 *
 * @example
 * ```ts
 * import { percentDecode } from "./path.ts";
 * import assert from "node:assert/strict";
 *
 * const decoded = percentDecode(new TextEncoder().encode("/a%20b%zz"));
 * assert.equal(new TextDecoder().decode(decoded), "/a b%zz");
 * ```
 */
export function percentDecode(bytes: Uint8Array): Uint8Array {
  const decoded = new Uint8Array(bytes.length);
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    const high = byte === PERCENT ? hexDigit(bytes[i + 1]) : -1;
    const low = high < 0 ? -1 : hexDigit(bytes[i + 2]);
    if (low < 0) {
      decoded[length++] = byte;
    } else {
      decoded[length++] = high << 4 | low;
      i += 2;
    }
  }
  return decoded.subarray(0, length);
}

/**
 * Checks a path that a plugin sets.
 *
 * @param path Decoded; starts with `/`.
 * @param before The path that it replaces.
 * @returns The path.
 * @throws {TypeError} When it does not start with `/`, which APISIX answers with 502, or has a `?`
 * that was not there before: it would be sent as `%3F`.
 */
export function checkedPath(path: string, before: string): string {
  if (typeof path !== "string" || !path.startsWith("/")) {
    throw new TypeError(`Cannot set the path to ${JSON.stringify(path)}: it must start with "/"`);
  }
  if (path.includes("?") && !before.includes("?")) {
    throw new TypeError(
      `Cannot set the path to ${JSON.stringify(path)}: "?" would be sent as "%3F". ` +
        "Set arguments with request.query",
    );
  }
  return path;
}

function hexDigit(byte: number | undefined): number {
  if (byte === undefined) return -1;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : -1;
}
