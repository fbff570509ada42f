import assert from "node:assert/strict";
import { join, relative } from "node:path";

import { type LoadedPlugins, type LoadOptions, loadPlugins } from "../../plugins/loader.ts";
import { definePlugin } from "../../plugins/mod.ts";
import { Registry } from "../../plugins/registry.ts";
import { FakeHost, requestMessage, stopOf, text } from "./_calls.ts";
import { Files, plugin } from "./_files.ts";

/** The names of the plugins that were loaded. */
function names({ plugins }: LoadedPlugins): string[] {
  return plugins.map(({ plugin }) => plugin.name);
}

/** What the messages of the problems say behind `Cannot load FOLDER/`. */
function problems({ problems }: LoadedPlugins, { path }: Files): string[] {
  return problems.map(({ message }) => {
    assert(message.startsWith("Cannot load "));
    return message.slice("Cannot load ".length).replaceAll(`${path}/`, "");
  });
}

/** The problem of one file, `plugin.ts`, and perhaps its parts. */
async function problemOf(
  content: string,
  parts: Readonly<Record<string, string>> = {},
  options: LoadOptions = {},
): Promise<string> {
  await using files = await Files.make({ "plugin.ts": content, ...parts });
  const loaded = await loadPlugins([files.path], options);
  assert.deepEqual(loaded.plugins, []);
  const [problem, ...others] = problems(loaded, files);
  assert.deepEqual(others, []);
  return problem ?? "";
}

Deno.test("loadPlugins loads the plugins of a folder, by the names of their files", async () => {
  await using files = await Files.make({
    "c.mjs": plugin("c"),
    "a.ts": plugin("a"),
    "b.js": plugin("b"),
  });
  const loaded = await loadPlugins([files.path]);
  assert.deepEqual(names(loaded), ["a", "b", "c"]);
  assert.deepEqual(loaded.plugins.map(({ file }) => file), [
    join(files.path, "a.ts"),
    join(files.path, "b.js"),
    join(files.path, "c.mjs"),
  ]);
  assert.deepEqual(loaded.problems, []);
});

Deno.test("loadPlugins leaves out parts, tests, declarations, hidden files and folders", async () => {
  const broken = "throw new Error('this must not be imported')";
  await using files = await Files.make({
    "a.ts": plugin("a"),
    "_part.ts": broken,
    "a_test.ts": broken,
    "a.test.ts": broken,
    "types.d.ts": broken,
    ".hidden.ts": broken,
    "a.ts~": broken,
    "notes.md": broken,
    "page.tsx": broken,
    "folder/b.ts": broken,
    "folder.ts/c.ts": broken,
  });
  // As Emacs locks a file: a link to nowhere.
  await Deno.symlink("user@host.1", join(files.path, "lock.ts"));
  const loaded = await loadPlugins([files.path]);
  assert.deepEqual(names(loaded), ["a"]);
  assert.deepEqual(loaded.problems, []);
});

Deno.test("loadPlugins takes files, folders and links, each file once", async () => {
  await using files = await Files.make({
    "one/a.ts": plugin("a"),
    "two/_named.ts": plugin("named"),
    "real.ts": plugin("linked"),
    "three/b.ts": plugin("b"),
  });
  await Deno.symlink(join(files.path, "real.ts"), join(files.path, "three/linked.ts"));
  const at = (path: string) => join(files.path, path);
  const loaded = await loadPlugins([
    at("two/_named.ts"),
    at("one"),
    at("one/a.ts"),
    at("one/../one"),
    at("three"),
  ]);
  assert.deepEqual(names(loaded), ["named", "a", "b", "linked"]);
  assert.deepEqual(loaded.problems, []);
});

Deno.test("loadPlugins takes a list of plugins from one file", async () => {
  await using files = await Files.make({
    "list.ts": `import { definePlugin } from "@apisix-deno/plugin-runner";
      const named = (name: string) => definePlugin({ name, onRequest() {} });
      export default [named("one"), named("two")];`,
  });
  assert.deepEqual(names(await loadPlugins([files.path])), ["one", "two"]);
});

Deno.test("loadPlugins gives plugins that work, with types, parts, JSON and zod", async () => {
  await using files = await Files.make({
    "greet.ts": `
      import { definePlugin, stop, type RequestContext } from "@apisix-deno/plugin-runner";
      import { z } from "zod";
      import { greeting } from "./lib/_greeting.ts";
      enum Mark { None = "", Loud = "!" }
      export default definePlugin({
        name: "greet",
        config: z.object({ loud: z.boolean() }),
        onRequest({ config }: RequestContext<{ loud: boolean }>) {
          return stop(greeting as string + (config.loud ? Mark.Loud : Mark.None));
        },
      });`,
    "lib/_greeting.ts": `import words from "../_words.json" with { type: "json" };
      export const greeting: string = words.hello;`,
    "_words.json": `{ "hello": "Hello" }`,
  });
  const { plugins, problems } = await loadPlugins([files.path]);
  assert.deepEqual(problems, []);
  const registry = new Registry(plugins.map(({ plugin }) => plugin));
  const chain = await registry.prepare([{ name: "greet", value: '{"loud":true}' }]);
  const reply = await chain.request(requestMessage(), new FakeHost());
  assert.equal(text(stopOf(reply).body ?? ""), "Hello!");
});

Deno.test("loadPlugins says which files the plugins are made of", async () => {
  await using files = await Files.make({
    "a.ts": `import "./lib/_x.ts"; import "./broken.ts";` + plugin("a"),
    "broken.ts": `import "./_missing.ts";`,
    "lib/_x.ts": `import "../_y.js"; import "zod"; import "node:fs";`,
    "_y.js": "",
    "_unused.ts": "",
  });
  const { sources } = await loadPlugins([join(files.path, "a.ts")]);
  assert.deepEqual(
    sources.map((source) => relative(files.path, source)).sort(),
    ["_missing.ts", "_y.js", "a.ts", "broken.ts", "lib/_x.ts"],
  );
});

Deno.test("loadPlugins names line and column of a syntax error, also in a part", async () => {
  const broken = "const a: number = 1;\nconst ö = 'äöü'; const b = = 2;\n";
  assert.match(await problemOf(broken), /^plugin\.ts:2:28: syntax error: /);
  assert.match(
    await problemOf("import './_broken.ts';", { "_broken.ts": broken }),
    /^plugin\.ts: _broken\.ts:2:28: syntax error: /,
  );
});

Deno.test("loadPlugins names the line in the TypeScript, not in what becomes of it", async () => {
  const twice =
    "interface Long {\n  of: string;\n  several: number;\n}\nlet x: Long;\nlet x: Long;";
  assert.equal(
    await problemOf(twice),
    "plugin.ts:6:5: syntax error: Identifier 'x' has already been declared",
  );
});

Deno.test("loadPlugins names the place of an import that leads nowhere", async () => {
  const cases: Record<string, [content: string, problem: RegExp]> = {
    "a missing file": [
      "\nimport './_missing.ts';",
      /^plugin\.ts:2:8: cannot import "\.\/_missing\.ts": there is no such file$/,
    ],
    "a file without its extension": [
      "import { x } from './_part';\nexport default x;",
      /^plugin\.ts:1:19: cannot import "\.\/_part": there is no such file\. Write its extension, too: \.ts$/,
    ],
    "a folder": ["import './folder';", /^plugin\.ts:1:8: .* that is a folder\. Name a file in it$/],
    "a broken JSON file": [
      "import x from './_x.json' with { type: 'json' };\nexport default x;",
      /^plugin\.ts:1:15: cannot import "\.\/_x\.json": it is not valid JSON$/,
    ],
    "an unknown node: module": [
      "import 'node:nope';",
      /^plugin\.ts:1:8: .* there is no such module$/,
    ],
    "an unknown part of the package": [
      "import '@apisix-deno/plugin-runner/nope';",
      /^plugin\.ts:1:8: .* this package has only @apisix-deno\/plugin-runner/,
    ],
    "something that is not exported": [
      "import { nope } from './_part.ts';\nexport default nope;",
      /^plugin\.ts:1:22: The requested module '\.\/_part\.ts' does not provide an export named 'nope'$/,
    ],
    "something that the package does not export": [
      "\n\nimport { nope } from '@apisix-deno/plugin-runner';\nexport default nope;",
      /^plugin\.ts:3:22: .* does not provide an export named 'nope'$/,
    ],
  };
  const parts = { "_part.ts": "export {}", "folder/_x.ts": "", "_x.json": "{ x }" };
  for (const [what, [content, problem]] of Object.entries(cases)) {
    assert.match(await problemOf(content, parts), problem, what);
  }
});

Deno.test("loadPlugins says what to do about a package that is not there", async () => {
  assert.match(
    await problemOf("import { sign } from 'no-such-package';\nexport default sign;"),
    /^plugin\.ts:1:22: cannot import "no-such-package": the package is not in this program\. .*esbuild.*binary/,
  );
});

Deno.test("loadPlugins names the line that throws when a file is imported", async () => {
  assert.equal(
    await problemOf("\nconst port: number = (undefined as any).port;\nexport default port;"),
    "plugin.ts:2:41: it fails when it is imported: TypeError: " +
      "Cannot read properties of undefined (reading 'port')",
  );
  const part = "export function read(): string {\n  throw new Error('no key');\n}\n";
  assert.equal(
    await problemOf("import { read } from './_h.ts';\nread();", { "_h.ts": part }),
    "plugin.ts: _h.ts:2:9: it fails when it is imported: no key",
  );
  assert.match(await problemOf("throw 'text';"), /^plugin\.ts: it fails .* threw text$/);
});

Deno.test("loadPlugins names the line of a definition that cannot be", async () => {
  const nothing = `import { definePlugin } from "@apisix-deno/plugin-runner";
    export default definePlugin({ name: "nothing" });`;
  assert.match(
    await problemOf(nothing),
    /^plugin\.ts:2:20: it fails .* "nothing": it has neither onRequest nor onResponse$/,
  );
});

Deno.test("loadPlugins says what to export", async () => {
  const define = `import { definePlugin } from "@apisix-deno/plugin-runner";
    const geo = definePlugin({ name: "geo", onRequest() {} });\n`;
  const expected = "A plugin file says: export default definePlugin({ … })";
  const cases: [content: string, problem: string][] = [
    ["export const x = 1;", `: it has no default export. ${expected}`],
    [
      `${define}export { geo };`,
      ': it exports "geo", but not as its default. Write: export default geo;',
    ],
    [
      "\nexport default { name: 'geo', onRequest() {} };",
      `:2:1: its default export is an object with hooks that was not given to definePlugin. ${expected}`,
    ],
    ["export default {};", `:1:1: its default export is an object, not a plugin. ${expected}`],
    ["export default 5;", `:1:1: its default export is a number, not a plugin. ${expected}`],
    ["export default null;", `:1:1: its default export is null. ${expected}`],
    ["export default [];", `:1:1: its default export is empty. ${expected}`],
    [
      `${define}export default [geo, () => {}];`,
      `:3:1: item 1 of its default export is a function, not a plugin. ${expected}`,
    ],
    [
      `${define}export default [[geo]];`,
      `:3:1: item 0 of its default export is a list, not a plugin. ${expected}`,
    ],
  ];
  for (const [content, problem] of cases) {
    assert.equal(await problemOf(content), `plugin.ts${problem}`);
  }
});

Deno.test("loadPlugins refuses a plugin that was made by a copy of this package", async () => {
  const bundled = `const definePlugin = ({ name }) => ({ name, phases: [], configure() {} });
export default definePlugin({ name: "bundled" });`;
  assert.match(
    await problemOf(bundled),
    /^plugin\.ts:2:1: it has a copy of this package in it, .*esbuild --external/,
  );
});

Deno.test("loadPlugins takes a plugin that a part has made", async () => {
  await using files = await Files.make({
    "a.ts": `export { made as default } from "./_made.ts";`,
    "_made.ts": `import { definePlugin } from "@apisix-deno/plugin-runner";
      export const made = definePlugin({ name: "made", onRequest() {} });`,
  });
  for (let i = 0; i < 2; i++) assert.deepEqual(names(await loadPlugins([files.path])), ["made"]);
  await files.write("a.ts", `export { made as default } from "./_made.ts"; // changed`);
  assert.deepEqual(names(await loadPlugins([files.path])), ["made"]);
});

Deno.test("loadPlugins refuses names that are taken, and says by whom", async () => {
  await using files = await Files.make({
    "a.ts": plugin("mine"),
    "b.ts": plugin("mine"),
    "c.ts": plugin("say"),
    "d.ts": plugin("other"),
  });
  const say = definePlugin({ name: "say", onRequest() {} });
  const loaded = await loadPlugins([files.path], { builtIn: [say] });
  assert.deepEqual(names(loaded), ["mine", "other"]);
  assert.deepEqual(problems(loaded, files), [
    'b.ts:2:37: the name "mine" is taken by a.ts. Rename one of them',
    'c.ts:2:37: the name "say" is taken by a plugin of this program. Rename one of them',
  ]);
});

Deno.test("loadPlugins collects all problems, and loads the rest", async () => {
  await using files = await Files.make({
    "a.ts": "(",
    "b.ts": plugin("works"),
    "c.ts": "export default 1;",
  });
  const missing = join(files.path, "missing");
  const notes = join(files.path, "notes.md");
  await files.write("notes.md", "");
  const loaded = await loadPlugins([missing, files.path, notes]);
  assert.deepEqual(names(loaded), ["works"]);
  assert.deepEqual(
    problems(loaded, files).map((problem) => problem.replace(/error: .*/, "error")),
    [
      "missing: there is no such file or folder",
      "notes.md: notes.md is no .ts, .js or .mjs file, and no folder of such files",
      "a.ts:1:2: syntax error",
      "c.ts:1:1: its default export is a number, not a plugin. " +
      "A plugin file says: export default definePlugin({ … })",
    ],
  );
});

Deno.test("loadPlugins gives up a file that never ends loading", async () => {
  const waits = `await new Promise((resolve) => globalThis.addEventListener("go-on", resolve));`;
  assert.match(
    await problemOf(waits, {}, { timeoutMs: 20 }),
    /^plugin\.ts: it is not loaded after 20 ms: .*start\(\)/,
  );
  globalThis.dispatchEvent(new Event("go-on"));
});

Deno.test("loadPlugins gives the new code of a file that was changed, and the old plugins of others", async () => {
  await using files = await Files.make({ "a.ts": plugin("one"), "b.ts": plugin("b") });
  const before = await loadPlugins([files.path]);
  await files.write("a.ts", plugin("two"));
  const after = await loadPlugins([files.path]);
  assert.deepEqual(names(after), ["two", "b"]);
  assert.notEqual(after.plugins[0]?.plugin, before.plugins[0]?.plugin);
  assert.equal(after.plugins[1]?.plugin, before.plugins[1]?.plugin);
  const again = await loadPlugins([files.path]);
  assert.deepEqual(again, after);
});

Deno.test("loadPlugins gives new code when a part of a part was changed", async () => {
  await using files = await Files.make({
    "a.ts": `import { name } from "./_h.ts";` + plugin("X").replace('"X"', "name"),
    "b.ts": plugin("b"),
    "_h.ts": `export { name } from "./lib/_n.ts";`,
    "lib/_n.ts": `export const name = "one";`,
  });
  const before = await loadPlugins([files.path]);
  assert.deepEqual(names(before), ["one", "b"]);
  for (const name of ["two", "three"]) {
    await files.write("lib/_n.ts", `export const name = "${name}";`);
    const after = await loadPlugins([files.path]);
    assert.deepEqual(names(after), [name, "b"]);
    assert.equal(after.plugins[1]?.plugin, before.plugins[1]?.plugin);
  }
});

Deno.test("loadPlugins recovers from whatever was wrong with a file or its parts", async () => {
  const good = `export const name = "good";`;
  await using files = await Files.make({
    "a.ts": `import { name } from "./_h.ts";` + plugin("X").replace('"X"', "name"),
    "_h.ts": good,
  });
  const load = () => loadPlugins([files.path]);
  for (const bad of ["(", "import './_x.ts';", "throw new Error('bad');", "export const x = 1;"]) {
    await files.write("_h.ts", bad);
    assert.equal((await load()).problems.length, 1, bad);
    assert.equal((await load()).problems.length, 1, bad);
    await files.write("_h.ts", good);
    assert.deepEqual(names(await load()), ["good"], bad);
  }
  await files.write("_h.ts", `import "./_later.ts"; ${good}`);
  assert.match(problems(await load(), files)[0] ?? "", /_later\.ts": there is no such file/);
  await files.write("_later.ts", "");
  assert.deepEqual(names(await load()), ["good"]);
});

Deno.test("loadPlugins tries a failed file again, though nothing of it has changed", async () => {
  await using files = await Files.make({
    "a.ts": `import "./_key.ts";` + plugin("a"),
    "b.ts": plugin("b"),
    "_key.ts": `if (Deno.readTextFileSync(new URL("key.txt", import.meta.url)) === "") throw 1;`,
  });
  const before = await loadPlugins([files.path]);
  assert.deepEqual(names(before), ["b"]);
  await files.write("key.txt", "key");
  const after = await loadPlugins([files.path]);
  assert.deepEqual(names(after), ["a", "b"]);
  assert.equal(after.plugins[1]?.plugin, before.plugins[0]?.plugin);
});

Deno.test("loadPlugins forgets files that are gone, and takes those that are new", async () => {
  await using files = await Files.make({ "a.ts": plugin("a") });
  await loadPlugins([files.path]);
  await files.write("b.ts", plugin("b"));
  await files.remove("a.ts");
  assert.deepEqual(names(await loadPlugins([files.path])), ["b"]);
  await files.write("a.ts", plugin("new a"));
  assert.deepEqual(names(await loadPlugins([files.path])), ["new a", "b"]);
});

Deno.test("loadPlugins serves all who ask at once", async () => {
  await using files = await Files.make({ "a.ts": plugin("a"), "broken.ts": "import './_no.ts';" });
  const all = await Promise.all(Array.from({ length: 5 }, () => loadPlugins([files.path])));
  for (const loaded of all) {
    assert.deepEqual(names(loaded), ["a"]);
    assert.match(problems(loaded, files)[0] ?? "", /^broken\.ts:1:8: .* no such file$/);
  }
});

Deno.test("loadPlugins names files as the paths name them", async () => {
  await using files = await Files.make({ "a.ts": plugin("a"), "b.ts": "import './_no.ts';" });
  const path = relative(Deno.cwd(), files.path);
  const { plugins, problems } = await loadPlugins([path]);
  assert.equal(plugins[0]?.file, join(path, "a.ts"));
  assert.equal(problems[0]?.file, join(path, "b.ts"));
  assert(problems[0].message.startsWith(`Cannot load ${join(path, "b.ts")}:1:8: `));
});
