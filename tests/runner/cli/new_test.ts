/**
 * `new`: the files that a plugin begins with, which pass as they are.
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { definePlugin } from "../../../mod.ts";
import { loadPlugins } from "../../../plugins/loader.ts";
import { isPluginName, nearestPluginName, newPlugin } from "../../../runner/cli/new_plugin.ts";
import { runWords } from "./_host.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "new-" });
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function namesIn(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
}

Deno.test("new makes a plugin, a test and a README, and says so", async () => {
  await inFolder(async (folder) => {
    const dir = join(folder, "plugins", "geo");
    const { code, stdout, stderr } = await runWords(["new", "geo-gate", "--dir", dir]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.equal(
      stdout.replaceAll(dir, "DIR"),
      `DIR/geo_gate.ts       the plugin
DIR/geo_gate_test.ts  its test
DIR/README.md         how to try, test and use it

Try it:
  deno-runner call --plugins DIR/geo_gate.ts --plugin 'geo-gate={"greeting":"hi"}' /hello
`,
    );
    assert.deepEqual(namesIn(dir), ["README.md", "geo_gate.ts", "geo_gate_test.ts"]);
  });
});

Deno.test("new makes a plugin that can be loaded", async () => {
  await inFolder(async (folder) => {
    await runWords(["new", "geo-gate", "--dir", folder]);
    const { plugins, problems } = await loadPlugins([folder]);
    assert.deepEqual(problems, []);
    assert.deepEqual(plugins.map(({ plugin }) => [plugin.name, plugin.phases]), [
      ["geo-gate", ["request", "response"]],
    ]);
  });
});

Deno.test("new makes files that pass format, lint, types and tests as they are", async () => {
  await inFolder(async (folder) => {
    await runWords(["new", "a", "--dir", folder]);
    await runWords(["new", "geo-gate-2", "--dir", folder]);
    const files = namesIn(folder).filter((name) => name.endsWith(".ts"));
    assert.equal(files.length, 4);
    const config = ["--config", join(ROOT, "deno.json")];
    const tests = files.filter((name) => name.endsWith("_test.ts"));
    for (
      const args of [
        ["fmt", "--check", "--no-config", ...files],
        ["lint", ...config, ...files],
        ["test", "--no-prompt", ...config, ...tests],
      ]
    ) {
      const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args,
        cwd: folder,
        env: { NO_COLOR: "1" },
      }).output();
      const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
      assert(success, said);
      if (args[0] === "test") assert.match(said, /ok \| 8 passed \| 0 failed/);
    }
  });
});

Deno.test("new never writes over a file", async () => {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "geo_gate_test.ts"), "precious");
    const { code, stdout, stderr } = await runWords(["new", "geo-gate", "--dir", folder]);
    assert.deepEqual({ code, stdout, stderr }, {
      code: 1,
      stdout: "",
      stderr: `deno-runner: Cannot make ${folder}/geo_gate_test.ts: it is there already. ` +
        "Nothing was written\n",
    });
    assert.deepEqual(namesIn(folder), ["geo_gate_test.ts"]);
    assert.equal(await Deno.readTextFile(join(folder, "geo_gate_test.ts")), "precious");
  });
});

Deno.test("new leaves a README alone that is there", async () => {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "README.md"), "mine");
    const { code, stdout } = await runWords(["new", "geo-gate", "-d", folder]);
    assert.equal(code, 0);
    assert.doesNotMatch(stdout, /README/);
    assert.equal(await Deno.readTextFile(join(folder, "README.md")), "mine");
  });
});

Deno.test("new says when it cannot make the folder", async () => {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "file"), "");
    const { code, stderr } = await runWords(["new", "geo-gate", "-d", join(folder, "file", "x")]);
    assert.equal(code, 1);
    assert.match(stderr, /^deno-runner: Cannot make \S+\/file\/x: /);
  });
});

Deno.test("new refuses names that would be trouble", async () => {
  const rule = "a name has small letters, digits and single dashes, 128 at most";
  const plugins = [definePlugin({ name: "say", onRequest() {} })];
  const cases: [string[], string][] = [
    [[], "How is the plugin called? For example: geo-gate"],
    [["GeoGate"], `Cannot call a plugin "GeoGate": ${rule}: did you mean geo-gate?`],
    [["../x"], `Cannot call a plugin "../x": ${rule}: did you mean x?`],
    [["7"], `Cannot call a plugin "7": ${rule}`],
    [["say"], 'Cannot call a plugin "say": this program has one of that name'],
    [["a", "b"], 'Unexpected argument "b"'],
  ];
  for (const [args, message] of cases) {
    assert.deepEqual(await runWords(["new", ...args], { plugins }), {
      code: 2,
      stdout: "",
      stderr: `deno-runner: ${message} (see deno-runner new --help)\n`,
    });
  }
});

Deno.test("isPluginName takes what is easy to type, nearestPluginName makes it", () => {
  for (const name of ["a", "geo-gate", "x2-y3"]) assert(isPluginName(name), name);
  for (const name of ["", "A", "a-", "-a", "a--b", "a_b", "2a", "a".repeat(129)]) {
    assert(!isPluginName(name), name);
  }
  const cases: [string, string | null][] = [
    ["geo_gate", "geo-gate"],
    ["My Plugin!", "my-plugin"],
    ["rateLimit", "rate-limit"],
    ["...", null],
  ];
  for (const [name, made] of cases) assert.equal(nearestPluginName(name), made, name);
});

Deno.test("newPlugin names the binary that it is for", () => {
  assert.match(newPlugin("geo-gate", "my-runner").readme.text, /my-runner call --plugins/);
});
