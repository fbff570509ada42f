/**
 * Runs all tests; its own arguments are passed on to `deno test`. The last line of the output is
 * `N passed, N failed`, with `, N skipped` when some were. Fails when a test failed, when a test
 * file could not be loaded or crashed, and when there was no test to run.
 */

import { countTests, summaryLine } from "./summary.ts";

const FOLDERS = ["tests/", "examples/"];

/** The report, or nothing when the run ended before there was one. */
async function reportAt(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

const folder = await Deno.makeTempDir({ prefix: "deno-runner-tests-" });
try {
  const report = `${folder}/report.xml`;
  const options = ["--parallel", "--allow-all", `--junit-path=${report}`];
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["test", ...options, ...Deno.args, ...FOLDERS],
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  const counts = countTests(await reportAt(report));
  if (!success && counts.failed === 0) {
    console.error("The test run failed outside of a test: see above");
    counts.failed = 1;
  }
  if (counts.passed + counts.failed === 0) console.error("There was no test to run");
  console.log(summaryLine(counts));
  Deno.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;
} finally {
  await Deno.remove(folder, { recursive: true });
}
