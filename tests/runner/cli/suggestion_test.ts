import assert from "node:assert/strict";

import { didYouMean, nearest } from "../../../runner/cli/suggestion.ts";

const COMMANDS = ["run", "new", "check", "call", "list", "schema", "doctor", "completion"];

Deno.test("nearest finds what few typing errors make", () => {
  const cases: [string, string][] = [
    ["lst", "list"],
    ["docter", "doctor"],
    ["dcotor", "doctor"],
    ["chekc", "check"],
    ["completions", "completion"],
    ["RUN", "run"],
  ];
  for (const [word, meant] of cases) assert.equal(nearest(word, COMMANDS), meant, word);
});

Deno.test("nearest finds what a word begins, if that is one only", () => {
  assert.equal(nearest("comp", COMMANDS), "completion");
  assert.equal(nearest("--plug", ["--plugin", "--port"]), "--plugin");
  assert.equal(nearest("--p", ["--plugin", "--verbose"]), null);
  assert.equal(nearest("ca", ["call", "can"]), null);
});

Deno.test("nearest finds nothing where nothing is near", () => {
  for (const word of ["serve", "x", "", "rm", "start"]) {
    assert.equal(nearest(word, COMMANDS), null, word);
  }
  assert.equal(nearest("run", []), null);
});

Deno.test("didYouMean ends a message, or says nothing", () => {
  assert.equal(didYouMean("shema", COMMANDS), ": did you mean schema?");
  assert.equal(didYouMean("serve", COMMANDS), "");
});
