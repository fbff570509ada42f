import assert from "node:assert/strict";
import { join } from "node:path";

import { PluginWatch } from "../../runner/plugin_watch.ts";
import { until } from "../e2e/_until.ts";
import { Files } from "../plugins/_files.ts";
import { TestLog } from "./_log.ts";

/** A watch, with a count of its reloads. */
class Watched implements AsyncDisposable {
  readonly testLog: TestLog = new TestLog();
  reloads = 0;
  readonly #seen = new Map<string, string>();
  readonly #watch: PluginWatch;

  constructor(paths: readonly string[], sources: readonly string[] = []) {
    this.#watch = new PluginWatch({
      paths,
      sources: () => sources,
      reload: () => {
        this.reloads++;
        this.#seen.clear();
        for (const path of paths) this.#read(path);
        return Promise.resolve();
      },
      log: this.testLog.log,
    });
  }

  /** What the last reload read in a file; `null` when it was not there. */
  seen(path: string): string | null {
    return this.#seen.get(path) ?? null;
  }

  #read(folder: string): void {
    try {
      for (const { name } of Deno.readDirSync(folder)) {
        const path = join(folder, name);
        this.#seen.set(path, Deno.readTextFileSync(path));
      }
    } catch {
      // It is not there, or no folder.
    }
  }

  /** Waits for the reload that follows something. */
  async reloadAfter(what: string, happen: () => Promise<unknown> | void): Promise<void> {
    const before = this.reloads;
    await happen();
    await until(() => this.reloads > before, `A reload after ${what}`);
  }

  /** Waits for the reload with which every watch begins. */
  started(): Promise<void> {
    return this.reloadAfter("the start", () => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watch.close();
  }
}

Deno.test("watch looks at everything once at its start: something may have changed before", async () => {
  await using files = await Files.make();
  await using watch = new Watched([files.path]);
  await watch.started();
  assert.equal(watch.reloads, 1);
});

Deno.test("watch notices files that are written, replaced, added and removed", async () => {
  await using files = await Files.make({ "a.ts": "1" });
  await using watch = new Watched([files.path]);
  await watch.started();
  await watch.reloadAfter("a write", () => files.write("a.ts", "2"));
  await watch.reloadAfter("a rename over it", () => files.replace("a.ts", "3"));
  await watch.reloadAfter("a part", () => files.write("_h.ts", "1"));
  await watch.reloadAfter("a removal", () => files.remove("a.ts"));
  assert.deepEqual(watch.testLog.lines, []);
});

Deno.test("watch notices changes around a single file, however it is replaced", async () => {
  await using files = await Files.make({ "a.ts": "1" });
  await using watch = new Watched([join(files.path, "a.ts")]);
  await watch.started();
  await watch.reloadAfter("a rename over it", () => files.replace("a.ts", "2"));
  await watch.reloadAfter("another", () => files.replace("a.ts", "3"));
});

Deno.test("watch notices changes of what plugins import, and of where links lead", async () => {
  await using files = await Files.make({ "plugins/a.ts": "", "lib/_h.ts": "", "real/b.ts": "" });
  const at = (path: string) => join(files.path, path);
  await Deno.symlink(at("real/b.ts"), at("plugins/b.ts"));
  const sources = [at("plugins/a.ts"), at("lib/_h.ts"), at("plugins/b.ts")];
  await using watch = new Watched([at("plugins")], sources);
  await watch.started();
  await watch.reloadAfter("a change of a part", () => files.write("lib/_h.ts", "2"));
  await watch.reloadAfter("a change behind a link", () => files.write("real/b.ts", "2"));
});

Deno.test("watch notices a folder that is replaced by another, comes late, goes and returns", async () => {
  await using files = await Files.make({ "v1/a.ts": "1", "v2/a.ts": "2" });
  const at = (path: string) => join(files.path, path);
  await Deno.symlink(at("v1"), at("current"));
  await using watch = new Watched([at("current"), at("later/plugins")]);
  const sees = (path: string, text: string | null) =>
    until(() => watch.seen(at(path)) === text, `A reload that sees ${text} in ${path}`);
  await sees("current/a.ts", "1");
  await Deno.symlink(at("v2"), at("next"));
  await Deno.rename(at("next"), at("current"));
  await sees("current/a.ts", "2");
  await files.write("v2/a.ts", "3");
  await sees("current/a.ts", "3");

  for (const round of ["first", "second"]) {
    await sees("later/plugins/b.ts", null);
    for (const text of [`${round} 1`, `${round} 2`]) {
      await files.write("later/plugins/b.ts", text);
      await sees("later/plugins/b.ts", text);
    }
    await Deno.remove(at("later"), { recursive: true });
  }
});

Deno.test("watch makes one reload of many changes, and none of reading", async () => {
  await using files = await Files.make({ "a.ts": "1" });
  await using watch = new Watched([files.path]);
  await watch.started();
  for (let i = 0; i < 50; i++) {
    await files.write("a.ts", `${i}`);
    await Deno.readTextFile(join(files.path, "a.ts"));
  }
  await watch.reloadAfter("many changes", () => {});
  // The last look is behind all events that were before it.
  const { reloads } = watch;
  for (let i = 0; i < 50; i++) await Deno.readTextFile(join(files.path, "a.ts"));
  await watch.reloadAfter("another change", () => files.write("b.ts", ""));
  assert(reloads <= 3, `${reloads} reloads`);
  assert(watch.reloads <= reloads + 2, `${watch.reloads} reloads`);
});

Deno.test("watch reloads one after the other, and survives those that fail", async () => {
  await using files = await Files.make();
  const { log, at } = { log: new TestLog(), at: (name: string) => join(files.path, name) };
  let running = 0;
  let ended = 0;
  const watch = new PluginWatch({
    paths: [files.path],
    sources: () => [],
    reload: async () => {
      assert.equal(++running, 1);
      await Deno.writeTextFile(at(`${ended}.ts`), "");
      running--;
      ended++;
      throw new Error("no");
    },
    log: log.log,
  });
  // Each reload is a change, and so has another follow it.
  await until(() => ended >= 3, "Three reloads");
  await watch.close();
  const after = ended;
  await Deno.writeTextFile(at("more.ts"), "");
  assert.equal(ended, after);
  assert.equal(log.at("error")[0]?.message, "The plugins could not be reloaded: no");
});
