import assert from "node:assert/strict";

import { choiceOf, type Command, OUTPUT, type Parsed } from "../../../runner/cli/command.ts";
import { COMMANDS } from "../../../runner/cli/commands/mod.ts";
import { UsageError } from "../../../runner/errors.ts";
import { runWords } from "./_host.ts";

/** Commands that say what they were given. */
function commands(run: Command["run"] = said): Command[] {
  return [
    {
      name: "run",
      summary: "serve calls (the default)",
      usage: "[flags]",
      options: [{ flag: "listen", value: "PATH", env: "LISTEN", about: "where" }],
      run,
    },
    {
      name: "call",
      summary: "play APISIX",
      usage: "[flags] URL",
      options: [
        { flag: "request", short: "X", value: "METHOD", about: "the method" },
        { flag: "header", short: "H", value: "LINE", repeatable: true, about: "a header" },
      ],
      details: ({ name }) => `For example:\n  ${name} call -X POST /hello`,
      run,
    },
  ];
}

function said({ words, values, switches }: Parsed, { stdout }: { stdout(text: string): void }) {
  stdout(JSON.stringify({ words, values, switches: [...switches] }));
  return Promise.resolve(0);
}

Deno.test("the first command runs when none is named", async () => {
  for (const args of [["--listen", "x"], ["run", "--listen", "x"], ["--listen=x", "run"]]) {
    const { code, stdout, stderr } = await runWords(args, { commands: commands() });
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.deepEqual(JSON.parse(stdout), { words: [], values: { listen: ["x"] }, switches: [] });
  }
});

Deno.test("a command gets its words, values and switches", async () => {
  const args = ["call", "-XPUT", "/a", "-H", "a: b", "7"];
  const { stdout } = await runWords(args, { commands: commands() });
  assert.deepEqual(JSON.parse(stdout), {
    words: ["/a", "7"],
    values: { request: ["PUT"], header: ["a: b"] },
    switches: [],
  });
});

Deno.test("flags of a command may stand before its name", async () => {
  const { stdout } = await runWords(["-X", "PUT", "call", "/a"], { commands: commands() });
  assert.deepEqual(JSON.parse(stdout).values, { request: ["PUT"] });
});

Deno.test("the exit code is that of the command", async () => {
  const { code } = await runWords([], { commands: commands(() => Promise.resolve(1)) });
  assert.equal(code, 1);
});

Deno.test("what goes wrong is one line, and exit code 1", async () => {
  const run = () => Promise.reject(new Error("Cannot listen"));
  assert.deepEqual(await runWords(["call"], { commands: commands(run) }), {
    code: 1,
    stdout: "",
    stderr: "deno-runner: Cannot listen\n",
  });
});

Deno.test("a wrong call is one line that points to the help, and exit code 2", async () => {
  const cases: [string[], string][] = [
    [["--listn", "x"], "Unknown flag --listn: did you mean --listen? (see deno-runner --help)"],
    [["cal"], 'Unknown command "cal": did you mean call? (see deno-runner --help)'],
    [["serve"], 'Unknown command "serve" (see deno-runner --help)'],
    [
      ["call", "--requst=x"],
      "Unknown flag --requst: did you mean --request? " +
      "(see deno-runner call --help)",
    ],
    [["call", "-X"], "--request needs a value (see deno-runner call --help)"],
  ];
  for (const [args, line] of cases) {
    assert.deepEqual(await runWords(args, { commands: commands() }), {
      code: 2,
      stdout: "",
      stderr: `deno-runner: ${line}\n`,
    });
  }
});

Deno.test("a command can refuse what it was given", async () => {
  const run = (parsed: Parsed) => Promise.reject(new UsageError(choiceOf(parsed, OUTPUT)));
  const [command] = commands(run);
  assert(command !== undefined);
  const { code, stderr } = await runWords(["run", "-o", "jsn"], {
    commands: [{ ...command, options: [OUTPUT] }],
  });
  assert.equal(code, 2);
  assert.equal(
    stderr,
    'deno-runner: Cannot use --output "jsn": expected text|json: did you mean json? ' +
      "(see deno-runner run --help)\n",
  );
});

Deno.test("--help lists the commands, and the flags of the first", async () => {
  const { code, stdout } = await runWords(["--help"], { commands: commands() });
  assert.equal(code, 0);
  assert.equal(
    stdout.replace(/^deno-runner \d+\.\d+\.\d+/, "deno-runner VERSION"),
    `deno-runner VERSION: runs plugins for Apache APISIX, in TypeScript

Usage: deno-runner [run] [flags]
       deno-runner COMMAND [flags] …

Commands:
  run   serve calls (the default)
  call  play APISIX

deno-runner help COMMAND shows the flags of one.

Flags of run:
      --listen PATH  where
  -h, --help         show this
  -V, --version      show the versions of the runner, Deno and V8

Environment, where the flag is not given:
  LISTEN  --listen

In APISIX' config.yaml:
  ext-plugin:
    cmd: ["/usr/local/bin/deno-runner", "run"]
`,
  );
});

Deno.test("a command has a help of its own", async () => {
  const { stdout } = await runWords(["call", "--help"], { commands: commands() });
  assert.equal(
    stdout,
    `Usage: deno-runner call [flags] URL

Play APISIX.

For example:
  deno-runner call -X POST /hello

Flags:
  -X, --request METHOD  the method
  -H, --header LINE …   a header
  -h, --help            show this
  -V, --version         show the versions of the runner, Deno and V8
`,
  );
});

Deno.test("help COMMAND shows the same as COMMAND --help", async () => {
  for (const { name } of COMMANDS) {
    const { stdout } = await runWords([name, "--help"]);
    assert.match(stdout, new RegExp(`^Usage: deno-runner ${name}`));
    assert.deepEqual(await runWords(["help", name]), { code: 0, stdout, stderr: "" });
  }
  assert.deepEqual(await runWords(["help"]), await runWords(["--help"]));
});

Deno.test("help of what does not exist suggests what does", async () => {
  const { code, stderr } = await runWords(["help", "rnu"]);
  assert.equal(code, 2);
  assert.match(stderr, /Unknown command "rnu": did you mean run\?/);
});

Deno.test("--version is the same for all commands", async () => {
  const { code, stdout } = await runWords(["--version"]);
  assert.equal(code, 0);
  assert.match(stdout, /^deno-runner \d+\.\d+\.\d+ \(deno \d\S+, v8 \d\S+\)\n$/);
  assert.deepEqual(await runWords(["help", "-V"]), { code, stdout, stderr: "" });
});

Deno.test("the help has colours on a terminal", async () => {
  const { stdout } = await runWords(["--help"], { commands: commands(), isTerminal: true });
  assert(stdout.includes("\x1b[36m--listen\x1b[39m PATH  where"));
});

Deno.test("the table is complete: names, flags and letters are there once, lines fit", () => {
  const names = COMMANDS.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  for (const { name, summary, options } of COMMANDS) {
    assert.match(name, /^[a-z]+$/);
    assert.match(summary, /^[a-z].*[^.]$/, name);
    assert(summary.length <= 80, summary);
    const flags = [...options.map(({ flag }) => flag), "help", "version"];
    assert.equal(new Set(flags).size, flags.length, name);
    const letters = ["h", "V", ...options.flatMap(({ short = [] }) => short)];
    assert.equal(new Set(letters).size, letters.length, name);
  }
});
