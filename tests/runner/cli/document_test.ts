import assert from "node:assert/strict";

import { DocumentError, parseDocuments, pathText } from "../../../runner/cli/document.ts";

Deno.test("parseDocuments knows the lines of YAML", async () => {
  const [document, other, ...rest] = await parseDocuments(
    "a:\n  - b: 1\n    c: >\n      long\n---\nd: yes\n#END\n",
    false,
  );
  assert(document !== undefined && other !== undefined);
  assert.deepEqual(rest, []);
  assert.deepEqual(document.value, { a: [{ b: 1, c: "long\n" }] });
  assert.deepEqual(other.value, { d: true });
  assert.equal(document.lineOf(["a", 0, "c"]), 3);
  assert.equal(other.lineOf(["d"]), 6);
});

Deno.test("parseDocuments gives what is not there the line of what it would be in", async () => {
  const [document] = await parseDocuments("a:\n  b:\n    c: 1\n", false);
  assert.equal(document?.lineOf(["a", "b", "x", "y"]), 3);
});

Deno.test("parseDocuments knows the lines of JSON, tabs and repeated names included", async () => {
  const [document] = await parseDocuments(
    '{\n\t"a": [\n\t\t1,\n\t\t2\n\t],\n"b": 1,\n"b": 2}',
    true,
  );
  assert.deepEqual(document?.value, { a: [1, 2], b: 2 });
  assert.equal(document.lineOf(["a", 1]), 4);
});

Deno.test("parseDocuments names the line of an error, and none of the text", async () => {
  const cases: [text: string, isJson: boolean, line: number][] = [
    ['{"key":\n "secret",\n}', true, 3],
    ['{"key": "secret"', true, 1],
    ["a: [1\nb: secret", false, 2],
    ["a: 1\na: 2\n", false, 2],
  ];
  for (const [text, isJson, line] of cases) {
    await assert.rejects(parseDocuments(text, isJson), (error) => {
      assert(error instanceof DocumentError);
      assert.equal(error.line, line, text);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  }
});

Deno.test("pathText writes a path as people read it", () => {
  assert.equal(
    pathText(["routes", 0, "plugins", "ext-plugin-pre-req"]),
    "routes[0].plugins.ext-plugin-pre-req",
  );
  assert.equal(pathText([1, "a"]), "[1].a");
  assert.equal(pathText([]), "");
});
