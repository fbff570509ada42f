/**
 * A client's address as APISIX sends it.
 *
 * @module
 */

/**
 * The bytes of an address in network order (protocol.md §7.1).
 *
 * @param address IPv4, IPv6 in any of its forms, or `unix:`.
 * @returns 4 or 16 bytes, or the 5 of `unix:`.
 * @throws {TypeError} When it is none of these.
 *
 * @example
 * ```ts
 * import { addressBytes } from "./address.ts";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(addressBytes("192.0.2.7"), Uint8Array.of(192, 0, 2, 7));
 * assert.equal(addressBytes("2001:db8::1").length, 16);
 * ```
 */
export function addressBytes(address: string): Uint8Array {
  const bytes = address === "unix:"
    ? new TextEncoder().encode(address)
    : address.includes(":")
    ? ipv6(address)
    : ipv4(address);
  if (bytes !== null) return bytes;
  throw new TypeError(
    `Cannot use ${JSON.stringify(address)} as a client's address: expected IPv4, IPv6 or "unix:"`,
  );
}

function ipv4(address: string): Uint8Array | null {
  const parts = address.split(".");
  const isAddress = parts.length === 4 &&
    parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255);
  return isAddress ? Uint8Array.from(parts, Number) : null;
}

function ipv6(address: string): Uint8Array | null {
  const [head = "", tail, ...rest] = address.split("::");
  if (rest.length > 0) return null;
  const before = groups(head, tail === undefined);
  const after = tail === undefined ? [] : groups(tail, true);
  if (before === null || after === null) return null;
  const missing = 16 - before.length - after.length;
  if (tail === undefined ? missing !== 0 : missing < 2) return null;
  return Uint8Array.from([...before, ...new Array<number>(missing).fill(0), ...after]);
}

/** The bytes of groups with `:` between them; the last may be an IPv4 address. */
function groups(text: string, isEnd: boolean): number[] | null {
  if (text === "") return [];
  const bytes: number[] = [];
  const parts = text.split(":");
  for (const [i, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(part)) {
      const group = parseInt(part, 16);
      bytes.push(group >> 8, group & 0xff);
    } else {
      const embedded = isEnd && i === parts.length - 1 ? ipv4(part) : null;
      if (embedded === null) return null;
      bytes.push(...embedded);
    }
  }
  return bytes;
}
