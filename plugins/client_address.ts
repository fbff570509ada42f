/**
 * A client's address as text.
 *
 * @module
 */

/**
 * The text form of the address in an HTTPReqCall (protocol.md §7.1).
 *
 * @param bytes 4 bytes (IPv4), 16 bytes (IPv6), or `unix:`.
 * @returns For example `127.0.0.1`, `2001:db8::1` or `unix:`; `""` when there is none.
 *
 * @example
 * ```ts
 * import { clientAddress } from "./client_address.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(clientAddress(Uint8Array.of(192, 0, 2, 7)), "192.0.2.7");
 * ```
 */
export function clientAddress(bytes: Uint8Array | null): string {
  if (bytes === null) return "";
  if (bytes.length === 4) return bytes.join(".");
  if (bytes.length === 16) return ipv6(bytes);
  return String.fromCharCode(...bytes.subarray(0, 64));
}

/**
 * RFC 5952: lower case, no leading zeros, the first longest run of zero groups as `::`, and an
 * IPv4 address within with dots, as nginx' `$remote_addr` has it.
 */
function ipv6(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(2 * i));
  let from = 0;
  let length = 0;
  for (let start = 0; start < 8; start++) {
    let end = start;
    while (end < 8 && groups[end] === 0) end++;
    if (end - start > length) [from, length] = [start, end - start];
  }
  if (from === 0 && length === 5 && groups[5] === 0xffff) {
    return `::ffff:${bytes.subarray(12).join(".")}`;
  }
  const hex = groups.map((group) => group.toString(16));
  if (length < 2) return hex.join(":");
  return `${hex.slice(0, from).join(":")}::${hex.slice(from + length).join(":")}`;
}
