import assert from "node:assert/strict";

import { COMMANDS } from "../../../../runner/cli/commands/mod.ts";
import { ownArgumentFindings } from "../../../../runner/cli/doctor/own_arguments.ts";

function seenFor(...args: string[]): string[] {
  return ownArgumentFindings(args, { commands: COMMANDS }).map(({ seen }) => seen);
}

Deno.test("ownArgumentFindings finds nothing wrong with what starts a runner", () => {
  for (const args of [[], ["run"], ["run", "--log-level", "info"], ["--socket-mode=0660", "run"]]) {
    assert.deepEqual(seenFor(...args), [], args.join(" "));
  }
});

Deno.test("ownArgumentFindings sees what ends at once", () => {
  const cases: [string[], ...string[]][] = [
    [["rnu"], 'the program refuses the arguments in cmd: Unknown command "rnu": did you mean run?'],
    [["run", "now"], 'the program refuses the arguments in cmd: Unexpected argument "now"'],
    [
      ["run", "--log-levl", "info"],
      "the program refuses the arguments in cmd: Unknown flag --log-levl: did you mean --log-level?",
    ],
    [
      ["--log-level", "loud"],
      'the program refuses the arguments in cmd: Cannot use --log-level "loud": expected ' +
      "debug|info|warn|error",
    ],
    [
      ["run", "--plugins", "plugins", "--plugins=/no/such/folder", "--plugins", "/"],
      "--plugins plugins is relative: it is looked for where APISIX happened to be started",
      "--plugins /no/such/folder: there is no such file or folder, and the runner does not start",
    ],
    [["list"], 'cmd runs "list", which ends, and serves nobody'],
    [["run", "--version"], "cmd has --version: it shows that and ends"],
  ];
  for (const [args, ...seen] of cases) assert.deepEqual(seenFor(...args), seen);
});
