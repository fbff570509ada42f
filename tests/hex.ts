/**
 * Bytes as the hex digits that captures and test vectors are written in.
 *
 * @module
 */

/** The bytes that hex digits stand for; white space between them does not matter. */
export function decodeHex(hex: string): Uint8Array<ArrayBuffer> {
  const digits = hex.replaceAll(/\s/g, "");
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new TypeError("Cannot decode the hex digits");
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) => {
    return Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  });
}

/** Bytes as lower-case hex digits. */
export function encodeHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
