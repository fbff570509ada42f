/**
 * `list` and `schema`: the plugins that there are, and what they take.
 */

import assert from "node:assert/strict";
import { join } from "node:path";

import { z } from "zod";

import { definePlugin, type Plugin } from "../../../mod.ts";
import { bundledPlugins } from "../../../plugins/bundled/mod.ts";
import { runWords } from "./_host.ts";

const plugins: readonly Plugin[] = [
  definePlugin({
    name: "geo-gate",
    config: z.object({ deny: z.array(z.string()) }),
    onRequest() {},
    onResponse() {},
  }),
  definePlugin({ name: "any", onResponse() {} }),
  definePlugin({ name: "own", config: (raw: unknown) => raw, onRequest() {} }),
];

const TEAPOT = `import { definePlugin } from "@apisix-deno/plugin-runner";
export default definePlugin({ name: "teapot", config: (raw: unknown) => raw, onRequest() {} });
`;

/** A folder with plugin files, for the time of a test. */
async function withFiles(
  files: Readonly<Record<string, string>>,
  run: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "list-" });
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(join(folder, name), text);
    }
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("list shows name, phases and origin", async () => {
  assert.deepEqual(await runWords(["list"], { plugins }), {
    code: 0,
    stderr: "",
    stdout: `NAME      PHASES             FROM
geo-gate  request, response  built in
any       response           built in
own       request            built in
`,
  });
});

Deno.test("list says that there is nothing", async () => {
  const { code, stdout } = await runWords(["list"]);
  assert.deepEqual({ code, stdout }, {
    code: 0,
    stdout: "There is no plugin: name files with --plugins\n",
  });
});

Deno.test("list has plugins from files too, by flag or environment", async () => {
  await withFiles({ "teapot.ts": TEAPOT, "_helper.ts": "" }, async (folder) => {
    const expected = `NAME    PHASES   FROM\nteapot  request  ${folder}/teapot.ts\n`;
    for (
      const [args, env] of [
        [["--plugins", folder], {}],
        [["--plugins", join(folder, "teapot.ts")], {}],
        [[], { DENO_RUNNER_PLUGINS: folder }],
      ] as const
    ) {
      const { code, stdout, stderr } = await runWords(["list", ...args], { env });
      assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: expected, stderr: "" });
    }
  });
});

Deno.test("list shows what there is, and says what is wrong with the rest", async () => {
  await withFiles({ "teapot.ts": TEAPOT, "broken.ts": "export const x = 1;" }, async (folder) => {
    const { code, stdout, stderr } = await runWords(["list", "--plugins", folder]);
    assert.equal(code, 1);
    assert.match(stdout, /^teapot +request/m);
    assert.match(stderr, /^deno-runner: Cannot load \S+\/broken\.ts/);
  });
});

Deno.test("list writes JSON for machines", async () => {
  const { stdout } = await runWords(["list", "-o", "json"], { plugins });
  assert.deepEqual(JSON.parse(stdout), [
    { name: "geo-gate", phases: ["request", "response"], file: null },
    { name: "any", phases: ["response"], file: null },
    { name: "own", phases: ["request"], file: null },
  ]);
});

Deno.test("schema writes the JSON Schema of a plugin", async () => {
  const { code, stdout, stderr } = await runWords(["schema", "geo-gate"], { plugins });
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  assert.deepEqual(JSON.parse(stdout), {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    properties: { deny: { type: "array", items: { type: "string" } } },
    required: ["deny"],
  });
});

Deno.test("schema writes one that takes everything for a plugin without a validator", async () => {
  const { stdout } = await runWords(["schema", "any"], { plugins });
  assert.deepEqual(JSON.parse(stdout), {
    $schema: "https://json-schema.org/draft/2020-12/schema",
  });
});

Deno.test("schema can be had of all bundled plugins", async () => {
  for (const { name } of bundledPlugins) {
    const { code, stdout } = await runWords(["schema", name], { plugins: bundledPlugins });
    assert.equal(code, 0, name);
    assert.equal(JSON.parse(stdout).type, "object", name);
  }
});

Deno.test("schema says why there is none, with exit code 1", async () => {
  assert.deepEqual(await runWords(["schema", "own"], { plugins }), {
    code: 1,
    stdout: "",
    stderr:
      'deno-runner: Cannot write the JSON Schema of "own": its configuration is a function. ' +
      "Its documentation says what it takes; validators like those of zod 4 say it themselves\n",
  });
});

Deno.test("schema points to the file of a plugin that cannot say it", async () => {
  await withFiles({ "teapot.ts": TEAPOT }, async (folder) => {
    const { code, stderr } = await runWords(["schema", "teapot", "--plugins", folder]);
    assert.equal(code, 1);
    assert(stderr.includes(`${folder}/teapot.ts says what it takes`), stderr);
  });
});

Deno.test("schema needs the name of a plugin", async () => {
  const cases: [string[], string][] = [
    [[], "Which plugin? deno-runner list shows them"],
    [["geogate"], 'There is no plugin "geogate": did you mean geo-gate?'],
    [["any", "own"], 'Unexpected argument "own"'],
  ];
  for (const [args, message] of cases) {
    assert.deepEqual(await runWords(["schema", ...args], { plugins }), {
      code: 2,
      stdout: "",
      stderr: `deno-runner: ${message} (see deno-runner schema --help)\n`,
    });
  }
});
