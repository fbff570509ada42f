import assert from "node:assert/strict";

import fc from "fast-check";

import { QueryEdits } from "../../plugins/query.ts";
import { type Pair, requestMessage, texts } from "./_calls.ts";

function queryOf(...args: Pair[]): QueryEdits {
  const message = requestMessage({ args });
  return new QueryEdits(message.args, message.frame);
}

Deno.test("query.get tells absent, empty and valueless arguments apart as far as it can", () => {
  const query = queryOf(["empty", ""], ["valueless"]);
  assert.equal(query.get("empty"), "");
  assert.equal(query.get("valueless"), "");
  assert.equal(query.get("absent"), null);
  assert.deepEqual(["empty", "valueless", "absent"].map((name) => query.has(name)), [
    true,
    true,
    false,
  ]);
  assert.deepEqual(["empty", "valueless", "absent"].map((name) => query.isValueless(name)), [
    false,
    true,
    false,
  ]);
});

Deno.test("query.get gives the first of several values, getAll all of them", () => {
  // As APISIX sends `?a=b=c&a&a=` (protocol.md §7.1).
  const query = queryOf(["a", "b=c"], ["a"], ["a", ""]);
  assert.equal(query.get("a"), "b=c");
  assert.deepEqual(query.getAll("a"), ["b=c", "", ""]);
  assert.equal(query.isValueless("a"), false);
});

Deno.test("query.get heeds the case of names", () => {
  assert.equal(queryOf(["Page", "1"]).get("page"), null);
});

Deno.test("query.set replaces all values by one", () => {
  const query = queryOf(["a", "1"], ["a"], ["b", "2"]);
  query.set("a", "3");
  assert.deepEqual([...query], [["a", "3"], ["b", "2"]]);
});

Deno.test("query.append gives a valueless argument its =, as both forms cannot be sent", () => {
  const query = queryOf(["debug"]);
  query.append("debug", "1");
  assert.deepEqual(query.getAll("debug"), ["", "1"]);
  assert.deepEqual(texts(query.changes()), [["debug", ""], ["debug", "1"]]);
});

Deno.test("query.delete removes all values, and what is deleted can be added again", () => {
  const query = queryOf(["a", "1"], ["a", "2"]);
  query.delete("a");
  assert.equal(query.has("a"), false);
  assert.equal(query.get("a"), null);
  query.append("a", "3");
  assert.deepEqual(query.getAll("a"), ["3"]);
});

Deno.test("query.set refuses an argument without a name, which APISIX would drop", () => {
  const query = queryOf();
  assert.throws(() => query.set("", "1"), /without a name/);
  assert.throws(() => query.append("", "1"), /without a name/);
  assert.equal(query.edited, false);
});

Deno.test("query is iterated name by name, edits included", () => {
  const query = queryOf(["b", "1"], ["a"], ["b", "2"], ["c", "3"]);
  query.set("new", "4");
  query.delete("c");
  assert.deepEqual([...query], [["b", "1"], ["b", "2"], ["a", ""], ["new", "4"]]);
  assert.deepEqual([...query.keys()], ["b", "a", "new"]);
  assert.deepEqual([...query.values()], ["1", "2", "", "4"]);
});

Deno.test("query takes names and values beyond ASCII", () => {
  const query = queryOf(["größe", "37 ½"], ["日本", "語"]);
  assert.equal(query.get("größe"), "37 ½");
  query.set("日本", "国");
  assert.deepEqual(texts(query.changes()), [["日本", "国"]]);
  assert.equal(query.toString(), "gr%C3%B6%C3%9Fe=37%20%C2%BD&%E6%97%A5%E6%9C%AC=%E5%9B%BD");
});

Deno.test("query.toString keeps the form without =, and encodes what would end a value", () => {
  const query = queryOf(["z"], ["y", ""], ["x", "a&b=c+d e%"]);
  assert.equal(query.toString(), "z&y=&x=a%26b%3Dc%2Bd%20e%25");
  query.set("lone", "\ud800");
  assert.equal(query.toString(), "z&y=&x=a%26b%3Dc%2Bd%20e%25&lone=%EF%BF%BD");
  assert.equal(queryOf().toString(), "");
});

Deno.test("query.changes mentions only what was edited", () => {
  const query = queryOf(["keep"], ["empty", ""], ["old", "1"], ["more", "2"]);
  assert.deepEqual(query.changes(), []);
  query.delete("old");
  query.append("more", "3");
  query.set("new", "");
  assert.deepEqual(texts(query.changes()), [
    ["old", null],
    ["more", "2"],
    ["more", "3"],
    ["new", ""],
  ]);
});

Deno.test("query of a request without arguments can be edited", () => {
  const message = requestMessage({ args: null });
  const query = new QueryEdits(message.args, message.frame);
  assert.deepEqual([...query], []);
  query.set("a", "1");
  assert.equal(query.toString(), "a=1");
});

Deno.test("query cannot be used when its call has ended", () => {
  const message = requestMessage({ args: [["a", "1"]] });
  const query = new QueryEdits(message.args, message.frame);
  message.frame.finish();
  for (
    const use of [
      () => query.get("a"),
      () => query.set("b", "1"),
      () => query.delete("a"),
      () => query.toString(),
    ]
  ) assert.throws(use, /its call has ended/);
});

const names = fc.constantFrom("a", "A", "b", "ü", "日本");
const edit = fc.tuple(fc.constantFrom("set", "append", "delete"), names, fc.string());

/** What APISIX makes of a Rewrite's args (protocol.md §8.2 step 5). */
function applied(came: readonly Pair[], changes: readonly [string, string | null][]) {
  let args = came.map(([name, value]) => [name, value ?? null]);
  const seen = new Set<string>();
  for (const [name, value] of changes) {
    if (value === null || !seen.has(name)) args = args.filter(([other]) => other !== name);
    if (value !== null) args.push([name, value]);
    seen.add(name);
  }
  return args;
}

Deno.test("query.changes makes APISIX see what the plugin saw last", () => {
  const came = fc.array(
    fc.tuple(names, fc.option(fc.string(), { nil: undefined }))
      .map(([name, value]): Pair => value === undefined ? [name] : [name, value]),
    { maxLength: 6 },
  );
  fc.assert(fc.property(came, fc.array(edit, { maxLength: 6 }), (came, edits) => {
    const query = queryOf(...came);
    for (const [what, name, value] of edits) {
      if (what === "delete") query.delete(name);
      else query[what](name, value);
    }
    const result = applied(came, texts(query.changes()));
    for (const name of ["a", "A", "b", "ü", "日本"]) {
      assert.deepEqual(
        query.getAll(name),
        result.filter(([other]) => other === name).map(([, value]) => value ?? ""),
      );
    }
  }));
});

Deno.test("query is iterated in one pass over what came", () => {
  const message = requestMessage({
    args: Array.from({ length: 1000 }, (_, i): Pair => [`a${i}`, "v"]),
  });
  const base = message.args;
  assert(base !== null);
  let reads = 0;
  const name = base.name.bind(base);
  base.name = (index) => (reads++, name(index));
  const query = new QueryEdits(base, message.frame);
  assert.equal([...query].length, 1000);
  assert.equal(reads, 1000);
  query.toString();
  assert.equal(reads, 2000);
});

Deno.test("query finds an argument whose name is not UTF-8 by its bytes, to delete it", () => {
  const bytes = Uint8Array.of(0xff);
  const message = requestMessage({ args: [[bytes, Uint8Array.of(0xfe)], ["a", "1"]] });
  const query = new QueryEdits(message.args, message.frame);
  for (const name of [...query.keys()]) query.delete(name);
  assert(
    query.changes().some(({ name, value }) =>
      name instanceof Uint8Array && name[0] === 0xff && value === null
    ),
  );
});
