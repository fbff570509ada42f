import assert from "node:assert/strict";

import { bodyBytes, EditableBody, MAX_BODY_BYTES } from "../../plugins/body.ts";
import { utf8 } from "./_calls.ts";

function bodyOf(content: Uint8Array<ArrayBuffer> | null): EditableBody {
  return new EditableBody("request", () => Promise.resolve(content));
}

Deno.test("body gives what APISIX has, as bytes, text and JSON", async () => {
  const body = bodyOf(utf8('{"größe":37}'));
  assert.deepEqual(await body.bytes(), utf8('{"größe":37}'));
  assert.equal(await body.text(), '{"größe":37}');
  assert.deepEqual(await body.json(), { größe: 37 });
  assert.equal(body.replacement, null);
});

Deno.test("body is empty where there is none", async () => {
  const body = bodyOf(null);
  assert.deepEqual(await body.bytes(), new Uint8Array());
  assert.equal(await body.text(), "");
  await assert.rejects(body.json(), { name: "SyntaxError" });
});

Deno.test("body.text shows what is not UTF-8 as U+FFFD", async () => {
  assert.equal(await bodyOf(Uint8Array.of(0x61, 0xff)).text(), "a\ufffd");
});

Deno.test("body is not fetched when it was replaced before it was read", async () => {
  const body = new EditableBody("request", () => Promise.reject(new Error("was fetched")));
  body.set("new");
  assert.equal(await body.text(), "new");
  assert.deepEqual(body.replacement, utf8("new"));
});

Deno.test("body.set takes text, bytes and values for JSON", async () => {
  const body = bodyOf(null);
  const cases: [Parameters<EditableBody["set"]>[0], string][] = [
    ["ü", "ü"],
    [utf8("bytes"), "bytes"],
    [{ a: [1, null, true], b: undefined }, '{"a":[1,null,true]}'],
    [[], "[]"],
    [0, "0"],
    [false, "false"],
  ];
  for (const [content, expected] of cases) {
    body.set(content);
    assert.equal(await body.text(), expected);
  }
});

Deno.test("body.set takes bytes over as they are, however large", async () => {
  const body = bodyOf(null);
  const content = new Uint8Array(1024 * 1024);
  body.set(content);
  assert.equal((await body.bytes()).buffer, content.buffer);
});

Deno.test("body.replacement is an error when its bytes have been given away", () => {
  const body = bodyOf(null);
  const content = utf8("secret");
  body.set(content);
  content.buffer.transfer();
  assert.throws(() => body.replacement, { name: "TypeError", message: /given to another thread/ });
});

Deno.test("body.set refuses an empty body, which APISIX would take for unchanged", () => {
  const body = bodyOf(utf8("old"));
  for (const empty of ["", new Uint8Array()]) {
    assert.throws(() => body.set(empty), { name: "TypeError", message: /empty request body/ });
  }
  assert.equal(body.replacement, null);
});

Deno.test("body.set refuses what no frame can hold", () => {
  const body = bodyOf(null);
  body.set(new Uint8Array(MAX_BODY_BYTES));
  assert.throws(() => body.set(new Uint8Array(MAX_BODY_BYTES + 1)), {
    name: "RangeError",
    message: /16777153 bytes.*Send less/,
  });
});

Deno.test("bodyBytes writes a lone surrogate as U+FFFD", () => {
  assert.deepEqual(bodyBytes("\ud800", "request"), utf8("\ufffd"));
});
