import assert from "node:assert/strict";

import fc from "fast-check";

import { HeaderEdits, RequestHeaderEdits } from "../../plugins/headers.ts";
import { bytesOf, type Pair, requestMessage, texts } from "./_calls.ts";

function headersOf(...headers: Pair[]): HeaderEdits {
  const message = requestMessage({ headers });
  return new HeaderEdits(message.headers, message.frame);
}

Deno.test("headers.get ignores the case of names", () => {
  const headers = headersOf(["X-Trace", "a"], ["host", "h"]);
  assert.equal(headers.get("x-trace"), "a");
  assert.equal(headers.get("X-TRACE"), "a");
  assert.equal(headers.get("HOST"), "h");
  assert.equal(headers.has("x-TRACE"), true);
  assert.deepEqual(headers.getAll("x-Trace"), ["a"]);
});

Deno.test("headers.get tells an absent header from an empty one", () => {
  const headers = headersOf(["x-empty", ""]);
  assert.equal(headers.get("x-empty"), "");
  assert.equal(headers.has("x-empty"), true);
  assert.equal(headers.get("x-absent"), null);
  assert.equal(headers.has("x-absent"), false);
  assert.deepEqual(headers.getAll("x-absent"), []);
});

Deno.test("headers.get joins several values with a comma, getAll does not", () => {
  const headers = headersOf(["accept", "a"], ["host", "h"], ["Accept", "b, c"]);
  assert.equal(headers.get("accept"), "a, b, c");
  assert.deepEqual(headers.getAll("accept"), ["a", "b, c"]);
});

Deno.test("headers.get joins cookies with a semicolon", () => {
  const headers = headersOf(["cookie", "a=1"], ["cookie", "b=2"]);
  assert.equal(headers.get("cookie"), "a=1; b=2");
  headers.append("cookie", "c=3");
  assert.equal(headers.get("cookie"), "a=1; b=2; c=3");
});

Deno.test("headers.getSetCookie gives each cookie by itself", () => {
  const headers = headersOf(["Set-Cookie", "a=1; Expires=Wed, 21 Oct 2026"], ["set-cookie", "b=2"]);
  assert.deepEqual(headers.getSetCookie(), ["a=1; Expires=Wed, 21 Oct 2026", "b=2"]);
});

Deno.test("headers.set replaces all values by one", () => {
  const headers = headersOf(["x-a", "1"], ["x-a", "2"]);
  headers.set("X-A", "3");
  assert.deepEqual(headers.getAll("x-a"), ["3"]);
});

Deno.test("headers.append adds to what came, and to nothing", () => {
  const headers = headersOf(["x-a", "1"]);
  headers.append("X-a", "2");
  headers.append("x-b", "3");
  assert.deepEqual(headers.getAll("x-a"), ["1", "2"]);
  assert.deepEqual(headers.getAll("x-b"), ["3"]);
});

Deno.test("headers.delete removes all values, and what is deleted can be set again", () => {
  const headers = headersOf(["x-a", "1"], ["X-A", "2"]);
  headers.delete("x-A");
  assert.equal(headers.get("x-a"), null);
  assert.equal(headers.has("x-a"), false);
  assert.deepEqual([...headers], []);
  headers.append("x-a", "3");
  assert.equal(headers.get("x-a"), "3");
});

Deno.test("headers.getAll gives a copy", () => {
  const headers = headersOf();
  headers.set("x-a", "1");
  headers.getAll("x-a").push("2");
  assert.deepEqual(headers.getAll("x-a"), ["1"]);
});

Deno.test("headers are iterated name by name, in lower case, edits included", () => {
  const headers = headersOf(["B", "1"], ["a", "2"], ["b", "3"], ["c", "4"]);
  headers.set("new", "5");
  headers.set("A", "6");
  headers.delete("c");
  assert.deepEqual([...headers], [["b", "1"], ["b", "3"], ["a", "6"], ["new", "5"]]);
  assert.deepEqual([...headers.keys()], ["b", "a", "new"]);
  assert.deepEqual([...headers.values()], ["1", "3", "6", "5"]);
});

Deno.test("headers are iterated also where an upstream sends a name that nobody may send", () => {
  const headers = headersOf(["x (y)", "1"], ["x-ü", "2"], ["x-a", "3"]);
  assert.deepEqual([...headers], [["x (y)", "1"], ["x-ü", "2"], ["x-a", "3"]]);
  assert.deepEqual([...headers.keys()], ["x (y)", "x-ü", "x-a"]);
});

Deno.test("headers that were not there at all can be set", () => {
  const { frame } = requestMessage();
  const headers = new HeaderEdits(null, frame);
  assert.equal(headers.get("x-a"), null);
  assert.equal(headers.has("x-a"), false);
  assert.deepEqual([...headers], []);
  headers.append("x-a", "1");
  assert.deepEqual([...headers], [["x-a", "1"]]);
});

Deno.test("headers.set refuses names that are not header names", () => {
  const headers = headersOf();
  for (const name of ["", "a b", "a:", "a\r\nb", "a\n", "ü", "a\0", "(x)"]) {
    for (
      const use of [
        () => headers.set(name, "v"),
        () => headers.append(name, "v"),
        () => headers.delete(name),
        () => headers.get(name),
        () => headers.has(name),
      ]
    ) {
      assert.throws(use, { name: "TypeError", message: /as a header name/ }, JSON.stringify(name));
    }
  }
  assert.equal(headers.edited, false);
});

Deno.test("headers.set refuses values that could begin another header, and does not show them", () => {
  const headers = headersOf();
  for (const value of ["a\r\nset-cookie: b", "secret\n", "\rsecret", "secret\0"]) {
    assert.throws(() => headers.set("x-a", value), (error) => {
      assert(error instanceof TypeError);
      assert.match(error.message, /"x-a"/);
      assert.doesNotMatch(error.message, /secret|set-cookie/);
      return true;
    });
    assert.throws(() => headers.append("x-a", value), TypeError);
  }
  assert.equal(headers.edited, false);
});

Deno.test("headers.set refuses what only APISIX can set", () => {
  const headers = headersOf();
  for (
    const name of [
      "Content-Length",
      "connection",
      "keep-alive",
      "proxy-connection",
      "te",
      "trailer",
      "transfer-encoding",
      "upgrade",
    ]
  ) {
    assert.throws(() => headers.set(name, "1"), /APISIX sets it itself/);
    assert.throws(() => headers.append(name, "1"), /APISIX sets it itself/);
    headers.delete(name);
  }
});

Deno.test("headers.set takes every token, and text beyond ASCII, without white space around", () => {
  const headers = headersOf();
  headers.set("!#$%&'*+-.^_`|~09AZaz", " \t grüß dich ");
  assert.equal(headers.get("!#$%&'*+-.^_`|~09azaz"), "grüß dich");
});

Deno.test("headers.changes says nothing when nothing was edited", () => {
  const headers = headersOf(["x-a", "1"]);
  headers.get("x-a");
  assert.equal(headers.edited, false);
  assert.deepEqual(headers.changes(), []);
});

Deno.test("headers.changes has one entry a name, as APISIX takes the last", () => {
  const headers = headersOf(["accept", "a"], ["cookie", "b=1"], ["x-old", "c"]);
  headers.append("Accept", "d");
  headers.append("cookie", "e=2");
  headers.delete("X-Old");
  headers.set("x-new", "f");
  headers.set("x-new", "g");
  assert.deepEqual(texts(headers.changes()), [
    ["accept", "a, d"],
    ["cookie", "b=1; e=2"],
    ["x-old", null],
    ["x-new", "g"],
  ]);
});

Deno.test("headers.changes deletes also what the runner was not shown", () => {
  const headers = headersOf();
  headers.delete("x-beyond-the-first-hundred");
  assert.deepEqual(texts(headers.changes()), [["x-beyond-the-first-hundred", null]]);
});

Deno.test("headers.additions has an entry for each value, and none for what was deleted", () => {
  const headers = headersOf();
  headers.append("set-cookie", "a=1");
  headers.append("set-cookie", "b=2");
  headers.set("vary", "x");
  headers.delete("server");
  assert.deepEqual(texts(headers.additions()), [
    ["set-cookie", "a=1"],
    ["set-cookie", "b=2"],
    ["vary", "x"],
  ]);
});

Deno.test("headers.list is what came, with edits in place and new names at the end", () => {
  const headers = headersOf(["A", "1"], ["b", "2"], ["a", "3"], ["c", "4"], ["D", "5"]);
  headers.append("a", "6");
  headers.set("b", "7");
  headers.delete("c");
  headers.set("e", "8");
  assert.deepEqual(texts(headers.list(true)), [
    ["a", "1"],
    ["a", "3"],
    ["a", "6"],
    ["b", "7"],
    ["D", "5"],
    ["e", "8"],
  ]);
});

Deno.test("headers.list leaves out headers of one hop", () => {
  const headers = headersOf(
    ["Connection", "close"],
    ["Keep-Alive", "timeout=5"],
    ["Proxy-Connection", "close"],
    ["TE", "trailers"],
    ["Trailer", "x"],
    ["Transfer-Encoding", "chunked"],
    ["Upgrade", "h2c"],
    ["X-Kept", "1"],
  );
  assert.deepEqual(texts(headers.list(true)), [["X-Kept", "1"]]);
});

Deno.test("headers.list keeps the length only where it says the truth", () => {
  const headers = headersOf(["Content-Length", "5"], ["x-a", "1"]);
  assert.deepEqual(texts(headers.list(true)), [["Content-Length", "5"], ["x-a", "1"]]);
  assert.deepEqual(texts(headers.list(false)), [["x-a", "1"]]);
  headers.delete("content-length");
  assert.deepEqual(texts(headers.list(true)), [["x-a", "1"]]);
});

Deno.test("headers.list keeps bytes that are not text as they are", () => {
  const name = Uint8Array.of(0x58, 0xff);
  const value = Uint8Array.of(0xc3, 0x28, 0x00, 0xff);
  const headers = headersOf([name, value], ["x-a", "1"]);
  headers.set("x-a", "2");
  const [entry] = headers.list(true);
  assert(entry !== undefined && entry.value !== null);
  assert(typeof entry.name === "object" && "bytes" in entry.name);
  assert(typeof entry.value === "object" && "bytes" in entry.value);
  assert.deepEqual(bytesOf(entry.name), name);
  assert.deepEqual(bytesOf(entry.value), value);
});

Deno.test("headers cannot be used when their call has ended", () => {
  const message = requestMessage({ headers: [["x-a", "1"]] });
  const headers = new HeaderEdits(message.headers, message.frame);
  message.frame.finish();
  for (
    const use of [
      () => headers.get("x-a"),
      () => headers.set("x-b", "2"),
      () => headers.delete("x-a"),
      () => [...headers],
    ]
  ) assert.throws(use, /its call has ended/);
});

/** A step of a plugin that edits. */
type Edit = readonly ["set" | "append" | "delete", name: string, value: string];

const names = fc.constantFrom("a", "A", "b", "B", "x-c", "X-C", "cookie", "Set-Cookie");
const edit: fc.Arbitrary<Edit> = fc.tuple(
  fc.constantFrom("set", "append", "delete"),
  names,
  fc.constantFrom("1", "2", "", "ü"),
);

Deno.test("headers do what a list of names and values does, whatever is done to them", () => {
  const came = fc.array(fc.tuple(names, fc.constantFrom("0", "", "é")), { maxLength: 6 });
  fc.assert(fc.property(came, fc.array(edit, { maxLength: 8 }), (came, edits) => {
    const headers = headersOf(...came);
    let model = came.map(([name, value]): [string, string] => [name.toLowerCase(), value]);
    for (const [what, name, value] of edits) {
      const key = name.toLowerCase();
      if (what === "delete") headers.delete(name);
      else headers[what](name, value);
      if (what !== "append") model = model.filter(([name]) => name !== key);
      if (what !== "delete") model.push([key, value]);
    }
    for (const name of ["a", "b", "x-c", "cookie", "set-cookie"]) {
      const values = model.filter(([key]) => key === name).map(([, value]) => value);
      assert.deepEqual(headers.getAll(name), values);
      assert.equal(headers.has(name), values.length > 0);
      const joined = values.join(name === "cookie" ? "; " : ", ");
      assert.equal(headers.get(name), values.length === 0 ? null : joined);
    }
    const sorted = (list: readonly (readonly [string, string | null])[]) =>
      list.map(([name, value]) => `${name.toLowerCase()}: ${value}`).sort();
    assert.deepEqual(sorted([...headers]), sorted(model));
    assert.deepEqual(sorted(texts(headers.list(true))), sorted(model));
    assert.deepEqual([...headers.keys()].sort(), [...new Set(model.map(([name]) => name))].sort());
  }));
});

Deno.test("headers are iterated in one pass over what came", () => {
  const message = requestMessage({
    headers: Array.from({ length: 1000 }, (_, i): Pair => [`x-${i}`, "v"]),
  });
  const base = message.headers;
  assert(base !== null);
  let reads = 0;
  const name = base.name.bind(base);
  base.name = (index) => (reads++, name(index));
  assert.equal([...new HeaderEdits(base, message.frame)].length, 1000);
  assert.equal(reads, 1000);
});

Deno.test("request headers keep the host: without one no server takes the request", () => {
  const message = requestMessage({ headers: [["host", "a"]] });
  const headers = new RequestHeaderEdits(message.headers, message.frame);
  for (const lose of [() => headers.delete("Host"), () => headers.set("host", " ")]) {
    assert.throws(lose, { name: "TypeError", message: /Cannot delete the header "host"/ });
  }
  headers.set("host", "b");
  assert.deepEqual(headers.changes(), [{ name: "host", value: "b" }]);
});

Deno.test("headers.append keeps the bytes of the values that were there", () => {
  const latin1 = Uint8Array.of(0x63, 0x61, 0x66, 0xe9);
  const headers = headersOf(["x-a", latin1]);
  headers.append("x-a", "b");
  assert.deepEqual(headers.additions().map(({ value }) => value), [latin1, "b"]);
  const [change] = headers.changes();
  assert.deepEqual(change?.value, Uint8Array.of(...latin1, 0x2c, 0x20, 0x62));
});
