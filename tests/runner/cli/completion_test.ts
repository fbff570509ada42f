/**
 * `completion`: the scripts as the shells see them. A shell that is not installed is left out.
 */

import assert from "node:assert/strict";
import { join } from "node:path";

import { definePlugin } from "../../../mod.ts";
import { runWords } from "./_host.ts";

const plugins = [definePlugin({ name: "geo-gate", onRequest: () => {} })];

async function scriptFor(shell: string): Promise<string> {
  const { code, stdout, stderr } = await runWords(["completion", shell], { plugins });
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  return stdout;
}

/** Runs a shell, in a folder with the completion script in it. */
async function inShell(shell: string, args: string[], lines: string): Promise<string[]> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(join(folder, "script"), await scriptFor(shell));
    await Deno.writeTextFile(join(folder, "plugin.ts"), "");
    await Deno.mkdir(join(folder, "plugins"));
    const { success, stdout, stderr } = await new Deno.Command(shell, {
      args: [...args, "-c", lines],
      cwd: folder,
      clearEnv: true,
      env: { PATH: Deno.env.get("PATH") ?? "", HOME: folder },
    }).output();
    const errors = new TextDecoder().decode(stderr);
    assert(success && errors === "", errors);
    return new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function isInstalled(shell: string): boolean {
  try {
    return new Deno.Command(shell, { args: ["-c", ":"] }).outputSync().success;
  } catch {
    console.log(`  ${shell} is not installed: its completion is not tried`);
    return false;
  }
}

/** What bash offers for the last of some words. */
async function bash(...words: string[]): Promise<string[]> {
  const line = ["deno-runner", ...words].map((word) => `'${word}'`).join(" ");
  const offers = await inShell(
    "bash",
    ["--noprofile", "--norc"],
    // Completion options can be set by bash itself only.
    `compopt() { :; }; source ./script; COMP_WORDS=(${line}); COMP_CWORD=${words.length}; ` +
      '_deno_runner; printf "%s\\n" "${COMPREPLY[@]}"',
  );
  return offers;
}

/** What fish offers for the end of a command line. */
async function fish(line: string): Promise<string[]> {
  const offers = await inShell(
    "fish",
    ["--no-config"],
    `source ./script; complete -C 'deno-runner ${line}'`,
  );
  return offers.map((offer) => offer.replace(/\t.*$/, "")).sort();
}

/** What is typed, and what is offered then. */
const CASES: [typed: string[], offers: string[]][] = [
  [["do"], ["doctor"]],
  [["doctor", "--conf"], ["--config"]],
  [["--log-f"], ["--log-file", "--log-format"]],
  [["run", "--log-level", "d"], ["debug"]],
  [["doctor", "-o", ""], ["json", "text"]],
  [["doctor", "--config", "plug"], ["plugin.ts", "plugins"]],
  [["completion", ""], ["bash", "fish", "zsh"]],
  [["help", "comp"], ["completion"]],
  [["doctor", "--user", ""], []],
];

const withBash = isInstalled("bash");
const withFish = isInstalled("fish");
const withZsh = isInstalled("zsh");

for (const [typed, offers] of CASES) {
  Deno.test({
    name: `bash completes ${typed.join(" ")}`,
    ignore: !withBash,
    fn: async () => {
      assert.deepEqual((await bash(...typed)).sort(), offers);
    },
  });

  Deno.test({
    name: `fish completes ${typed.join(" ")}`,
    ignore: !withFish,
    fn: async () => {
      const expected = offers.map((offer) => offer === "plugins" ? "plugins/" : offer);
      assert.deepEqual(await fish(typed.join(" ")), expected);
    },
  });
}

Deno.test({
  name: "bash completes behind an equals sign, which is a word of its own there",
  ignore: !withBash,
  fn: async () => {
    assert.deepEqual(await bash("run", "--log-level", "=", "w"), ["warn"]);
    assert.deepEqual(await bash("run", "--log-level", "="), ["debug", "info", "warn", "error"]);
  },
});

Deno.test({
  name: "zsh takes the script, and knows whose it is",
  ignore: !withZsh,
  fn: async () => {
    const said = await inShell(
      "zsh",
      ["-f"],
      "autoload -Uz compinit; compinit -u -D; source ./script; print $_comps[deno-runner]; " +
        "whence -w _deno_runner",
    );
    assert.deepEqual(said, ["_deno_runner", "_deno_runner: function"]);
  },
});

Deno.test({
  name: "zsh completes",
  ignore: !withZsh,
  fn: async () => {
    // A terminal of its own, in which the line is typed and completed.
    const said = await inShell(
      "zsh",
      ["-f"],
      `zmodload zsh/zpty
       zpty -b z zsh -f -i
       zpty -w z "PS1=; unsetopt zle_bracketed_paste 2>/dev/null; autoload -Uz compinit; compinit -u -D"
       zpty -w z "source ./script; bindkey '^I' expand-or-complete; zstyle ':completion:*' list-colors ''"
       zpty -w -n z $'deno-runner run --log-level de\\t\\n'
       zpty -w z exit
       zpty -r -m z found '*debug*' && print found`,
    );
    assert.deepEqual(said.at(-1), "found");
  },
});

Deno.test("completion needs to know the shell", async () => {
  const cases: [string[], string][] = [
    [[], "Which shell? One of bash, zsh, fish"],
    [["bsh"], 'There is no completion for "bsh": did you mean bash?'],
    [["bash", "x"], 'Unexpected argument "x"'],
  ];
  for (const [args, message] of cases) {
    assert.deepEqual(await runWords(["completion", ...args]), {
      code: 2,
      stdout: "",
      stderr: `deno-runner: ${message} (see deno-runner completion --help)\n`,
    });
  }
});
