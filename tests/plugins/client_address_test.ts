import assert from "node:assert/strict";

import fc from "fast-check";

import { clientAddress } from "../../plugins/client_address.ts";
import { utf8 } from "./_calls.ts";

/** The 16 bytes of eight groups. */
function groups(...groups: number[]): Uint8Array {
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

Deno.test("clientAddress shows IPv4 with dots", () => {
  assert.equal(clientAddress(Uint8Array.of(127, 0, 0, 1)), "127.0.0.1");
  assert.equal(clientAddress(Uint8Array.of(255, 255, 255, 255)), "255.255.255.255");
});

Deno.test("clientAddress shows IPv6 as RFC 5952 says", () => {
  const cases: [number[], string][] = [
    [[0, 0, 0, 0, 0, 0, 0, 1], "::1"],
    [[0, 0, 0, 0, 0, 0, 0, 0], "::"],
    [[0xfe80, 0, 0, 0, 0, 0, 0, 0], "fe80::"],
    // Lower case, without leading zeros.
    [[0x2001, 0xdb8, 0, 0, 0, 0xabcd, 0x00ef, 1], "2001:db8::abcd:ef:1"],
    // A single zero group is not shortened.
    [[0x2001, 0xdb8, 0, 1, 1, 1, 1, 1], "2001:db8:0:1:1:1:1:1"],
    // The longest run is, and of two equal ones the first.
    [[0x2001, 0, 0, 1, 0, 0, 0, 1], "2001:0:0:1::1"],
    [[0x2001, 0xdb8, 0, 0, 1, 0, 0, 1], "2001:db8::1:0:0:1"],
    [[1, 2, 3, 4, 5, 6, 7, 8], "1:2:3:4:5:6:7:8"],
  ];
  for (const [address, expected] of cases) {
    assert.equal(clientAddress(groups(...address)), expected);
  }
});

Deno.test("clientAddress shows an IPv4 address within IPv6 with dots, as nginx does", () => {
  assert.equal(clientAddress(groups(0, 0, 0, 0, 0, 0xffff, 0xc000, 0x207)), "::ffff:192.0.2.7");
  assert.equal(clientAddress(groups(0, 0, 0, 0, 0, 0xfffe, 0xc000, 0x207)), "::fffe:c000:207");
});

Deno.test("clientAddress shows IPv6 so that a URL reads it as the same address", () => {
  const group = fc.oneof(fc.constant(0), fc.nat(0xffff));
  const address = fc.array(group, { minLength: 8, maxLength: 8 });
  fc.assert(fc.property(address, (address) => {
    // The URL parser shows no dots.
    fc.pre(address[5] !== 0xffff);
    const shown = clientAddress(groups(...address));
    assert.equal(new URL(`http://[${shown}]/`).hostname, `[${shown}]`);
  }));
});

Deno.test("clientAddress shows that a client came through a unix socket", () => {
  assert.equal(clientAddress(utf8("unix:")), "unix:");
});

Deno.test("clientAddress of nothing is nothing", () => {
  assert.equal(clientAddress(null), "");
  assert.equal(clientAddress(new Uint8Array()), "");
});
