import assert from "node:assert/strict";

import { type ArgsSpec, parseCommandLine } from "../../runner/args.ts";
import { UsageError } from "../../runner/errors.ts";

const SPEC: ArgsSpec = { values: ["listen", "log-level"], switches: ["help", "version"] };

function parse(...args: string[]) {
  const { words, values, switches } = parseCommandLine(args, SPEC);
  return { words, values, switches: [...switches] };
}

const NOTHING = { words: [], values: {}, switches: [] };

Deno.test("parseCommandLine takes words, values and switches apart", () => {
  assert.deepEqual(parse(), NOTHING);
  assert.deepEqual(parse("run"), { ...NOTHING, words: ["run"] });
  const expected = { words: ["run"], values: { "listen": "unix:/a" }, switches: ["version"] };
  assert.deepEqual(parse("run", "--listen", "unix:/a", "--version"), expected);
  assert.deepEqual(parse("--version", "--listen=unix:/a", "run"), expected);
});

Deno.test("parseCommandLine keeps values as they were written", () => {
  assert.deepEqual(parse("--listen", "007").values, { listen: "007" });
  assert.deepEqual(parse("--listen=a=b").values, { listen: "a=b" });
  assert.deepEqual(parse("--listen= ").values, { listen: " " });
  assert.deepEqual(parse("--listen", "true").values, { listen: "true" });
});

Deno.test("parseCommandLine knows -h and -V", () => {
  assert.deepEqual(parse("-h").switches, ["help"]);
  assert.deepEqual(parse("-V").switches, ["version"]);
  assert.deepEqual(parse("run", "-h"), { ...NOTHING, words: ["run"], switches: ["help"] });
});

Deno.test("parseCommandLine does not let a switch swallow a word", () => {
  assert.deepEqual(parse("--help", "run"), { ...NOTHING, words: ["run"], switches: ["help"] });
});

Deno.test("parseCommandLine refuses flags that do not exist, without their values", () => {
  const cases: [string[], string][] = [
    [["--listn=unix:/secret"], "Unknown flag --listn"],
    [["--listn", "unix:/a"], "Unknown flag --listn"],
    [["-x"], "Unknown flag -x"],
    [["run", "--no-help"], "Unknown flag --no-help"],
  ];
  for (const [args, message] of cases) assert.throws(() => parse(...args), new UsageError(message));
});

Deno.test("parseCommandLine refuses a flag without its value", () => {
  for (const args of [["--listen"], ["--listen="], ["--listen", "--version"], ["--listen", ""]]) {
    assert.throws(() => parse(...args), new UsageError("--listen needs a value"), args.join(" "));
  }
});

Deno.test("parseCommandLine refuses a flag that is given twice", () => {
  assert.throws(
    () => parse("--listen", "a", "--listen=b"),
    new UsageError("--listen is given 2 times"),
  );
});
