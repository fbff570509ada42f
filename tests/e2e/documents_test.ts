/**
 * What the documents show of the commands is what the executable writes: each command is run in a
 * folder with the files that the document gives.
 */

import assert from "node:assert/strict";
import { dirname, join } from "node:path";

import { ROOT } from "./_compile.ts";

/** What starts something that goes on, needs something that runs, or has chance in its output. */
const NOT_TO_BE_RUN = / run --listen | doctor | --socket | -n \d|^\S+=/;

/** A command with what it is said to write. */
interface Shown {
  readonly command: string;
  readonly output: string;
}

/** A document. */
function read(name: string): string {
  return Deno.readTextFileSync(join(ROOT, name));
}

/** The first block of a language in a text. */
function block(text: string, language: string): string {
  const found = new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, "m").exec(text)?.[1];
  assert(found !== undefined, `There is no block of ${language}`);
  return found;
}

function shownIn(text: string): Shown[] {
  const blocks = text.matchAll(/^```console\n\$ (.+)\n([^]*?)^```$/gm);
  return Array.from(blocks, ([, command = "", output = ""]) => ({ command, output }))
    .filter(({ command }) => !NOT_TO_BE_RUN.test(command));
}

/** Runs the commands of a text one after the other. */
async function check(text: string, folder: string): Promise<void> {
  const all = shownIn(text);
  assert(all.length > 0);
  for (const { command, output } of all) {
    const { stdout, stderr } = await new Deno.Command("sh", {
      args: ["-c", command],
      cwd: folder,
      clearEnv: true,
      env: { PATH: `/usr/bin:/bin:${join(ROOT, "dist")}` },
      stdin: "null",
    }).output();
    const written = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    assert.equal(withoutTimes(written), withoutTimes(output), command);
  }
}

function withoutTimes(text: string): string {
  return text.replace(/[\d.]+ ms/g, "… ms").trim();
}

async function inFolder(
  files: Readonly<Record<string, string>>,
  run: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "deno-runner-docs-" });
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.mkdir(dirname(join(folder, name)), { recursive: true });
      await Deno.writeTextFile(join(folder, name), text);
    }
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("docs/commands.md shows what the commands write", async () => {
  const text = read("docs/commands.md");
  const files = {
    "plugins/geo_gate.ts": block(text, "ts"),
    "conf.json": block(text, "json"),
    "route.yaml": block(text, "yaml"),
  };
  await inFolder(files, (folder) => check(text, folder));
});

Deno.test("README.md shows what its plugin does", async () => {
  const text = read("README.md");
  const files = { "plugins/geo_gate.ts": block(text, "ts") };
  await inFolder(files, (folder) => check(text, folder));
});

Deno.test("docs/getting-started.md shows what happens", async () => {
  const text = read("docs/getting-started.md");
  const [before = "", after = ""] = text.split(/(?=^```ts ignore$)/m);
  const rest = text.slice(before.length);
  await inFolder({}, async (folder) => {
    await check(before, folder);
    // The author's edit: the second line goes behind the first.
    const [line = "", added = ""] = block(after, "ts ignore").trim().split("\n");
    const plugin = join(folder, "greeter", "greeter.ts");
    const code = await Deno.readTextFile(plugin);
    assert(code.includes(line));
    await Deno.writeTextFile(plugin, code.replace(line, `${line}\n${added}`));
    await Deno.writeTextFile(join(folder, "greeter", "route.json"), block(rest, "json"));
    await check(rest, folder);
  });
});
