import assert from "node:assert/strict";
import { countTests, summaryLine } from "./summary.ts";

/** A report with one suite for each list of test cases. */
function report(...suites: string[][]): string {
  const elements = suites.map((cases) =>
    `    <testsuite name="./a_test.ts" tests="1">\n${cases.join("\n")}\n    </testsuite>`
  );
  return `<?xml version="1.0"?>\n<testsuites name="deno test">\n${
    elements.join("\n")
  }\n</testsuites>`;
}

function testCase(name: string, result = ""): string {
  return `<testcase name="${name}" classname="./a_test.ts" line="1">\n${result}\n</testcase>`;
}

const FAILURE = '<failure message="Uncaught Error: &lt;skipped/&gt;">Error: x\n at y</failure>';

Deno.test("summary: tests are counted by how they ended, over all suites", () => {
  const text = report(
    [testCase("one"), testCase("two", FAILURE), testCase("three", "<skipped/>")],
    [testCase("one"), testCase("four", '<error message="Cancelled"/>')],
  );
  assert.deepEqual(countTests(text), { passed: 2, failed: 2, skipped: 1 });
});

Deno.test("summary: steps are part of their test", () => {
  const text = report([
    testCase("one"),
    testCase("a &gt; b", FAILURE),
    testCase("one &gt; step", "<skipped/>"),
    testCase("one &gt; step &gt; deeper"),
    testCase("a &gt; b &gt; step", FAILURE),
  ]);
  assert.deepEqual(countTests(text), { passed: 1, failed: 1, skipped: 0 });
});

Deno.test("summary: a report without tests, and no report at all", () => {
  const none = { passed: 0, failed: 0, skipped: 0 };
  assert.deepEqual(countTests(report([])), none);
  assert.deepEqual(countTests(""), none);
});

Deno.test("summary: the last line", () => {
  assert.equal(summaryLine({ passed: 3, failed: 0, skipped: 0 }), "3 passed, 0 failed");
  assert.equal(summaryLine({ passed: 3, failed: 1, skipped: 2 }), "3 passed, 1 failed, 2 skipped");
});
