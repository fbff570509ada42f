import assert from "node:assert/strict";

import { columns, count, indented, styleOf, wrapped } from "../../../runner/cli/terminal.ts";

function red(env: Record<string, string>, isTerminal: boolean): string {
  return styleOf({ isTerminal, env: (name) => env[name] }).bad("no");
}

Deno.test("styleOf has colours on a terminal only", () => {
  assert.equal(red({}, true), "\x1b[31mno\x1b[39m");
  assert.equal(red({}, false), "no");
});

Deno.test("styleOf honours NO_COLOR, when it is not empty, and terminals that are dumb", () => {
  assert.equal(red({ NO_COLOR: "1" }, true), "no");
  assert.equal(red({ TERM: "dumb" }, true), "no");
  assert.equal(red({ NO_COLOR: "", TERM: "xterm" }, true), "\x1b[31mno\x1b[39m");
});

Deno.test("columns line up, colours do not count", () => {
  const { name } = styleOf({ isTerminal: true, env: () => undefined });
  assert.deepEqual(columns([[name("a"), "first"], ["long", "second"], ["x", ""]]), [
    "  \x1b[36ma\x1b[39m     first",
    "  long  second",
    "  x",
  ]);
  assert.deepEqual(columns([]), []);
});

Deno.test("columns break the right side into lines that fit", () => {
  const lines = columns([["left", "word ".repeat(30).trim()]]);
  assert.equal(lines.length, 2);
  for (const line of lines) assert(line.length <= 100);
  assert.match(lines[1] ?? "", /^ {8}word/);
});

Deno.test("wrapped breaks between words and at line breaks, and never a word", () => {
  assert.deepEqual(wrapped("a bc def\ng", 4), ["a bc", "def", "g"]);
  assert.deepEqual(wrapped("unbreakable x", 4), ["unbreakable", "x"]);
  assert.deepEqual(wrapped("", 4), [""]);
});

Deno.test("indented leaves empty lines empty", () => {
  assert.deepEqual(indented(["a", "", "b"], 2), ["  a", "", "  b"]);
});

Deno.test("count says one thing, or several", () => {
  assert.equal(count(1, "plugin"), "1 plugin");
  assert.equal(count(0, "plugin"), "0 plugins");
  assert.equal(count(2, "entry", "entries"), "2 entries");
});
