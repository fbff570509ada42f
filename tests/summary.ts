/** Counts the tests in the report that `deno test --junit-path` writes, as Deno itself does. */

/** How many tests ended how. The steps of a test count as part of it. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

const SUITE = /<testsuite\s[^>]*>(.*?)<\/testsuite>/gs;
const CASE = /<testcase\s+name="([^"]*)"[^>]*>(.*?)<\/testcase>/gs;

/** The name of a step is the name of its test, this, and its own name. */
const STEP = " &gt; ";

/** Whether a name is that of a step of one of the tests before it. */
function isStep(name: string, earlier: ReadonlySet<string>): boolean {
  for (let at = name.indexOf(STEP); at >= 0; at = name.indexOf(STEP, at + 1)) {
    if (earlier.has(name.slice(0, at))) return true;
  }
  return false;
}

/** The counts out of a JUnit report. */
export function countTests(report: string): Counts {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const [, suite = ""] of report.matchAll(SUITE)) {
    const names = new Set<string>();
    for (const [, name = "", result = ""] of suite.matchAll(CASE)) {
      if (isStep(name, names)) continue;
      names.add(name);
      if (/<(failure|error)\b/.test(result)) counts.failed++;
      else if (/<skipped\b/.test(result)) counts.skipped++;
      else counts.passed++;
    }
  }
  return counts;
}

/** The line that a test run ends with. */
export function summaryLine({ passed, failed, skipped }: Counts): string {
  const line = `${passed} passed, ${failed} failed`;
  return skipped > 0 ? `${line}, ${skipped} skipped` : line;
}
