/**
 * What docs/cookbook.md says of the recipes: their files, routes and commands, with executables
 * alone: that of the runner for recipes on disk, and a build of one's own with all of them.
 */

import assert from "node:assert/strict";
import { join } from "node:path";

import { compile, ROOT } from "../../tests/e2e/_compile.ts";

/** A recipe as the document has it. */
interface Recipe {
  /** The plugin's name. */
  readonly name: string;
  /** Its file, from the root of the checkout. */
  readonly file: string;
  /** A route with it, as JSON. */
  readonly route: string;
  /** What runs it: `deno-runner` with the file, or `cookbook-runner`. */
  readonly program: string;
  /** A command to try it with. */
  readonly command: string;
  /** What the command shows, among other things. */
  readonly shown: string;
}

const recipes = await readRecipes();

async function readRecipes(): Promise<Recipe[]> {
  const text = await Deno.readTextFile(join(ROOT, "docs/cookbook.md"));
  return text.split(/^## /m).slice(2).map((section) => {
    const part = (pattern: RegExp) => {
      const found = pattern.exec(section)?.[1];
      assert(found !== undefined, `${pattern} is not in: ${section}`);
      return found;
    };
    return {
      name: part(/^(.+)\n/),
      file: part(/\]\(\.\.\/(examples\/cookbook\/\w+\.ts)\)/),
      route: part(/^```json\n(.*?)^```/ms),
      program: part(/^```sh\n(\S+) call /m),
      command: part(/^```sh\n(.*?) # [^\n]+\n```/ms),
      shown: part(/ # ([^\n]+)\n```/),
    };
  });
}

/** Runs a command of the document in the root of the checkout, with nothing but two programs. */
async function sh(command: string, path: string): Promise<{ code: number; stdout: string }> {
  const { code, stdout, stderr } = await new Deno.Command("/bin/sh", {
    args: ["-c", command],
    cwd: ROOT,
    env: { PATH: path },
    clearEnv: true,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  assert.equal(decoder.decode(stderr), "");
  return { code, stdout: decoder.decode(stdout) };
}

/** Runs something for all recipes of a program, with the program in a folder. */
async function withProgram(
  program: string,
  run: (path: string, recipe: Recipe) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "deno-runner-cookbook-" });
  try {
    const executable = join(folder, program);
    if (program === "deno-runner") await Deno.symlink(join(ROOT, "dist/deno-runner"), executable);
    else await compile("examples/cookbook/_all.ts", executable);
    const chosen = recipes.filter((recipe) => recipe.program === program);
    assert(chosen.length > 0);
    for (const recipe of chosen) await run(folder, recipe);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("every recipe is in the document, under its own name", async () => {
  const files = Array.from(Deno.readDirSync(join(ROOT, "examples/cookbook")), ({ name }) => name)
    .filter((name) => !name.startsWith("_") && !name.endsWith("_test.ts"));
  const named = recipes.map(({ file }) => file.slice("examples/cookbook/".length));
  assert.deepEqual(named.sort(), files.sort());
  for (const { name, file } of recipes) {
    assert(Deno.statSync(join(ROOT, file.replace(/\.ts$/, "_test.ts"))).isFile);
    assert.match(await Deno.readTextFile(join(ROOT, file)), RegExp(`^  name: "${name}",$`, "m"));
  }
});

Deno.test("the comment of a recipe says the same of the route as the document", async () => {
  for (const { file, route } of recipes) {
    const text = await Deno.readTextFile(join(ROOT, file));
    const values = Array.from(route.matchAll(/"value": ".*"/g), ([value]) => value);
    assert(values.length > 0, file);
    for (const value of values) assert(text.includes(value), `${file} does not say ${value}`);
  }
});

for (const program of ["deno-runner", "cookbook-runner"]) {
  Deno.test(`commands show what the document says, and routes are well (${program})`, async () => {
    await withProgram(program, async (path, { file, route, command, shown }) => {
      const called = await sh(command, path);
      assert.equal(called.code, 0, called.stdout);
      assert(called.stdout.includes(shown), `${command} does not show ${shown}: ${called.stdout}`);
      const routeFile = join(path, "route.json");
      await Deno.writeTextFile(routeFile, route);
      const files = program === "deno-runner" ? file : "";
      const checked = await sh(`${program} check ${files} --route ${routeFile}`, path);
      assert.equal(checked.code, 0, checked.stdout);
    });
  });
}
