import assert from "node:assert/strict";

import { firstWordAt, parseCommandLine } from "../../../runner/cli/args.ts";
import { HELP, type Option, VERSION_FLAG } from "../../../runner/cli/command.ts";
import { UsageError } from "../../../runner/errors.ts";

const OPTIONS: readonly Option[] = [
  { flag: "listen", value: "PATH", about: "" },
  { flag: "log-level", value: "LEVEL", about: "" },
  { flag: "header", short: "H", value: "LINE", repeatable: true, about: "" },
  { flag: "request", short: "X", value: "METHOD", about: "" },
  { flag: "include", short: "i", about: "" },
  { flag: "silent", short: "s", about: "" },
  HELP,
  VERSION_FLAG,
];

function parse(...args: string[]) {
  const { words, values, switches } = parseCommandLine(args, OPTIONS);
  return { words, values, switches: [...switches] };
}

const NOTHING = { words: [], values: {}, switches: [] };

Deno.test("parseCommandLine takes words, values and switches apart", () => {
  assert.deepEqual(parse(), NOTHING);
  assert.deepEqual(parse("run"), { ...NOTHING, words: ["run"] });
  const expected = { words: ["run"], values: { "listen": ["unix:/a"] }, switches: ["version"] };
  assert.deepEqual(parse("run", "--listen", "unix:/a", "--version"), expected);
  assert.deepEqual(parse("--version", "--listen=unix:/a", "run"), expected);
});

Deno.test("parseCommandLine keeps values as they were written", () => {
  assert.deepEqual(parse("--listen", "007").values, { listen: ["007"] });
  assert.deepEqual(parse("--listen=a=b").values, { listen: ["a=b"] });
  assert.deepEqual(parse("--listen= ").values, { listen: [" "] });
  assert.deepEqual(parse("--listen", "true").values, { listen: ["true"] });
});

Deno.test("parseCommandLine keeps words as they were written, and all that follow --", () => {
  assert.deepEqual(parse("new", "012", "-").words, ["new", "012", "-"]);
  assert.deepEqual(parse("-s", "--", "--listen", "7").words, ["--listen", "7"]);
});

Deno.test("parseCommandLine gathers a repeatable flag in order, under both names", () => {
  const { values } = parse("-H", "a: 1", "--header", "b: 2", "--header=c: -3");
  assert.deepEqual(values, { header: ["a: 1", "b: 2", "c: -3"] });
});

Deno.test("parseCommandLine takes a value that is glued to its letter", () => {
  assert.deepEqual(parse("-XPOST", "x").values, { request: ["POST"] });
  assert.deepEqual(parse("-X=POST").values, { request: ["POST"] });
  assert.deepEqual(parse("-Ha: -b=c").values, { header: ["a: -b=c"] });
  assert.deepEqual(parse("-is").switches, ["include", "silent"]);
  assert.deepEqual(parse("--", "-XPOST").words, ["-XPOST"]);
});

Deno.test("parseCommandLine takes - for a value", () => {
  assert.deepEqual(parse("--listen", "-").values, { listen: ["-"] });
  assert.deepEqual(parse("-X", "-", "word"), {
    ...NOTHING,
    words: ["word"],
    values: { request: ["-"] },
  });
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
    [["--listn=unix:/secret"], "Unknown flag --listn: did you mean --listen?"],
    [["--listn", "unix:/a"], "Unknown flag --listn: did you mean --listen?"],
    [["--no-such-flag"], "Unknown flag --no-such-flag"],
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

Deno.test("firstWordAt finds the command, wherever flags stand", () => {
  const cases: [string[], number][] = [
    [[], -1],
    [["--silent", "--listen", "x"], -1],
    [["call", "-X", "POST"], 0],
    [["--listen", "x", "call", "y"], 2],
    [["--listen=x", "-s", "call"], 2],
    [["-H", "a", "call", "--", "y"], 2],
    [["--", "call"], 1],
    [["--"], -1],
  ];
  for (const [args, at] of cases) assert.equal(firstWordAt(args, OPTIONS), at, args.join(" "));
});
