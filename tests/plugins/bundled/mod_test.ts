import assert from "node:assert/strict";

import { bundledPlugins } from "../../../plugins/bundled/mod.ts";
import { Registry } from "../../../plugins/registry.ts";

Deno.test("bundledPlugins are those that the documentation names", () => {
  const names = new Registry(bundledPlugins).plugins.map(({ name }) => name);
  assert.deepEqual(names, [
    "say",
    "fault-injection",
    "limit-req",
    "request-body-rewrite",
    "response-rewrite",
    "rewrite",
  ]);
});

Deno.test("bundledPlugins import only what a user's plugin can", async () => {
  const folder = new URL("../../../plugins/bundled/", import.meta.url);
  for await (const { name } of Deno.readDir(folder)) {
    if (name === "mod.ts") continue;
    const source = await Deno.readTextFile(new URL(name, folder));
    const imports = [...source.matchAll(/ from "([^"]+)";/g)].map(([, from]) => from);
    for (const from of imports) assert(from === "zod" || from === "../mod.ts", `${name}: ${from}`);
  }
});
