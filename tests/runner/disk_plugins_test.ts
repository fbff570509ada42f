import assert from "node:assert/strict";
import { join } from "node:path";

import type { Plugin } from "../../plugins/mod.ts";
import { Registry } from "../../plugins/registry.ts";
import { DiskPlugins } from "../../runner/disk_plugins.ts";
import { LivePlugins } from "../../runner/live_plugins.ts";
import { onRequest } from "../plugins/_calls.ts";
import { Files, plugin } from "../plugins/_files.ts";
import { type Line, TestLog } from "./_log.ts";
import { TestRunner } from "./_runner.ts";

const builtIn = [onRequest(() => {}, "say")];

function diskPlugins(files: Files, testLog: TestLog, keepGoing = false): DiskPlugins {
  return new DiskPlugins({ builtIn, paths: [files.path], keepGoing, log: testLog.log });
}

/** The plugins of a folder, in service. */
async function inService(files: Files, keepGoing = false) {
  const runner = new TestRunner();
  const { testLog, dispatcher } = runner;
  const disk = diskPlugins(files, testLog, keepGoing);
  const registry = new Registry(await disk.load());
  await dispatcher.replace(registry);
  const live = new LivePlugins({ registry, dispatcher, log: testLog.log });
  return {
    /** Loads again, and gives the new lines of the log. */
    reload: async (): Promise<Line[]> => {
      testLog.lines.length = 0;
      await disk.reload(live);
      return [...testLog.lines];
    },
    names: () => namesOf(live.plugins),
  };
}

function namesOf(plugins: readonly Plugin[]): string[] {
  return plugins.map(({ name }) => name);
}

/** Lines without what is different every time. */
function said(lines: readonly Line[]): unknown[] {
  return lines.map(({ time: _, ...fields }) => fields);
}

Deno.test("diskPlugins.load gives all plugins, and says which came from where", async () => {
  await using files = await Files.make({ "a.ts": plugin("a"), "b.ts": plugin("b") });
  const testLog = new TestLog();
  assert.deepEqual(namesOf(await diskPlugins(files, testLog).load()), ["say", "a", "b"]);
  assert.deepEqual(said(testLog.lines), [{
    level: "info",
    message: "Plugins loaded",
    plugins: `a (${join(files.path, "a.ts")}), b (${join(files.path, "b.ts")})`,
  }]);
});

Deno.test("diskPlugins.load refuses to start with files that cannot be loaded, naming all", async () => {
  await using files = await Files.make({
    "a.ts": plugin("a"),
    "b.ts": "throw new Error('b');",
    "c.ts": plugin("say"),
  });
  await assert.rejects(diskPlugins(files, new TestLog()).load(), (error) => {
    assert(error instanceof Error);
    assert.equal(error.name, "StartError");
    const [b, c, ...others] = error.message.replaceAll(`${files.path}/`, "").split("\n");
    assert.equal(b, "Cannot load b.ts:1:7: it fails when it is imported: b");
    assert.match(c ?? "", /^Cannot load c\.ts:2:\d+: the name "say" is taken/);
    assert.deepEqual(others, []);
    return true;
  });
});

Deno.test("diskPlugins.load goes on without such files when it is told to", async () => {
  await using files = await Files.make({ "a.ts": plugin("a"), "b.ts": "(" });
  const testLog = new TestLog();
  assert.deepEqual(namesOf(await diskPlugins(files, testLog, true).load()), ["say", "a"]);
  assert.deepEqual(testLog.lines.map(({ level }) => level), ["error", "info"]);
  assert.match(String(testLog.lines[0]?.message), /b\.ts:1:\d: syntax error/);
});

Deno.test("diskPlugins.load warns of a folder without plugins", async () => {
  await using files = await Files.make({ "_a.ts": "" });
  const testLog = new TestLog();
  assert.deepEqual(namesOf(await diskPlugins(files, testLog).load()), ["say"]);
  assert.deepEqual(said(testLog.lines), [
    { level: "warn", message: `There is no plugin file in ${files.path}` },
  ]);
});

Deno.test("diskPlugins.reload puts changes into service, and says what is different", async () => {
  await using files = await Files.make({ "a.ts": plugin("a"), "b.ts": plugin("b") });
  const { reload, names } = await inService(files);
  assert.deepEqual(await reload(), []);
  await files.write("a.ts", plugin("a") + "// changed\n");
  await files.remove("b.ts");
  await files.write("c.ts", plugin("c"));
  await files.write("d.ts", plugin("d"));
  assert.deepEqual(said(await reload()), [{
    level: "info",
    message: "Plugins reloaded",
    added: "c, d",
    changed: "a",
    removed: "b",
  }]);
  assert.deepEqual(names(), ["say", "a", "c", "d"]);
  await files.write("d.ts", plugin("e"));
  assert.deepEqual(said(await reload()), [
    { level: "info", message: "Plugins reloaded", added: "e", removed: "d" },
  ]);
});

Deno.test("diskPlugins.reload keeps all old plugins while a file cannot be loaded, and says so once", async () => {
  await using files = await Files.make({ "a.ts": plugin("a"), "b.ts": plugin("b") });
  const { reload, names } = await inService(files);
  await files.write("a.ts", plugin("new"));
  await files.write("b.ts", "(");
  const lines = await reload();
  assert.deepEqual(lines.map(({ level }) => level), ["error", "warn"]);
  assert.match(String(lines[0]?.message), /^Cannot load .*b\.ts:1:\d: syntax error/);
  assert.equal(lines[1]?.message, "The plugins are not reloaded: the old ones stay in service");
  assert.deepEqual(await reload(), []);
  assert.deepEqual(names(), ["say", "a", "b"]);
  await files.write("b.ts", plugin("b"));
  assert.deepEqual(said(await reload()), [{
    level: "info",
    message: "Plugins reloaded",
    added: "new",
    changed: "b",
    removed: "a",
  }]);
});

Deno.test("diskPlugins.reload keeps the old plugins of broken files only, when it is told to go on", async () => {
  await using files = await Files.make({ "a.ts": plugin("a"), "b.ts": plugin("b") });
  const { reload, names } = await inService(files, true);
  await files.write("a.ts", plugin("new"));
  await files.write("b.ts", "(");
  await files.write("c.ts", "(");
  const lines = await reload();
  assert.deepEqual(lines.map(({ level }) => level), ["error", "error", "info"]);
  assert.deepEqual(names(), ["say", "new", "b"]);
  assert.deepEqual(await reload(), []);
  await files.write("a.ts", plugin("b"));
  await reload();
  assert.deepEqual(names(), ["say", "b"]);
});

Deno.test("diskPlugins.reload keeps the plugins of a folder that is gone", async () => {
  for (const keepGoing of [false, true]) {
    await using files = await Files.make({ "a.ts": plugin("a") });
    const { reload, names } = await inService(files, keepGoing);
    await Deno.rename(files.path, `${files.path}.away`);
    const [line] = await reload();
    assert.equal(line?.message, `Cannot load ${files.path}: there is no such file or folder`);
    assert.deepEqual(names(), ["say", "a"]);
    await Deno.rename(`${files.path}.away`, files.path);
    assert(!(await reload()).some(({ level }) => level === "error"));
    assert.deepEqual(names(), ["say", "a"]);
  }
});

Deno.test("diskPlugins.reload keeps the old plugins when a new one does not start", async () => {
  const failing = plugin("a", `start() { throw new Error("no database"); }, onRequest() {}`);
  await using files = await Files.make({ "a.ts": plugin("a") });
  const { reload, names } = await inService(files);
  await files.write("a.ts", failing);
  await files.write("b.ts", plugin("b"));
  assert.deepEqual(said(await reload()), [{
    level: "error",
    message: "The plugins are not reloaded, the old ones stay in service: " +
      'Cannot start the plugin "a": no database',
  }]);
  assert.deepEqual(await reload(), []);
  assert.deepEqual(names(), ["say", "a"]);
});
