import assert from "node:assert/strict";

import { definePlugin, type Plugin, stop } from "../../plugins/mod.ts";
import { Registry } from "../../plugins/registry.ts";
import type { Peer } from "../../runner/dispatcher.ts";
import { LivePlugins, startPlugins } from "../../runner/live_plugins.ts";
import { onRequest } from "../plugins/_calls.ts";
import { asFrame, requestFrame, TestRunner, turn } from "./_runner.ts";

const PEER: Peer = {
  ask: () => Promise.reject(new Error("APISIX cannot be asked here")),
  pending() {},
};

/** Plugins that write down what happens to them. */
class Journal {
  readonly lines: string[] = [];

  /** A plugin; what starts and stops it can be replaced. */
  plugin(
    name: string,
    { start, stop: end }: Partial<Record<"start" | "stop", () => void | Promise<void>>> = {},
    onRequest: () => Promise<void> | void = () => {},
  ): Plugin {
    const [label] = name.split("/");
    return definePlugin({
      name: label ?? "",
      config: () => void this.lines.push(`configure ${name}`),
      start: async () => {
        this.lines.push(`start ${name}`);
        await start?.();
      },
      stop: async () => {
        this.lines.push(`stop ${name}`);
        await end?.();
      },
      onRequest,
    });
  }

  /** What happened since the last time. */
  take(): string[] {
    return this.lines.splice(0);
  }
}

/** A runner whose plugins are started. */
async function live(...plugins: readonly Plugin[]) {
  const runner = new TestRunner(...plugins);
  const { dispatcher, testLog } = runner;
  await startPlugins(plugins, testLog.log);
  const registry = new Registry(plugins);
  return { runner, testLog, live: new LivePlugins({ registry, dispatcher, log: testLog.log }) };
}

Deno.test("live.replace starts new plugins first, and stops old ones last", async () => {
  const journal = new Journal();
  const kept = journal.plugin("kept");
  const { runner, live: plugins } = await live(kept, journal.plugin("a/1"), journal.plugin("b"));
  await runner.prepare("kept", "a");
  assert.deepEqual(journal.take(), [
    "start kept",
    "start a/1",
    "start b",
    "configure kept",
    "configure a/1",
  ]);
  const changes = await plugins.replace([kept, journal.plugin("a/2"), journal.plugin("c")]);
  assert.deepEqual(changes, { added: ["c"], changed: ["a"], removed: ["b"] });
  assert.deepEqual(plugins.plugins.map(({ name }) => name), ["kept", "a", "c"]);
  await turn();
  assert.deepEqual(journal.take(), [
    "start a/2",
    "start c",
    "configure a/2",
    "stop a/1",
    "stop b",
  ]);
});

Deno.test("live.replace stops a plugin when its last call has ended", async () => {
  const journal = new Journal();
  const goOn = Promise.withResolvers<void>();
  const { runner, live: plugins } = await live(journal.plugin("a/1", {}, () => goOn.promise));
  const confToken = await runner.prepare("a");
  const reply = runner.dispatcher.dispatch(asFrame(requestFrame({ confToken })), PEER);
  await plugins.replace([journal.plugin("a/2")]);
  await turn();
  assert(!journal.take().includes("stop a/1"));
  goOn.resolve();
  await reply;
  await turn();
  assert.deepEqual(journal.take(), ["stop a/1"]);
});

Deno.test("live.replace changes nothing when a new plugin does not start", async () => {
  const journal = new Journal();
  const old = journal.plugin("a/1");
  const { runner, live: plugins } = await live(old);
  await runner.prepare("a");
  journal.take();
  const bad = journal.plugin("bad", {
    start: () => {
      throw new Error("no database");
    },
  });
  await assert.rejects(plugins.replace([journal.plugin("a/2"), bad]), {
    name: "StartError",
    message: 'Cannot start the plugin "bad": no database',
  });
  assert.deepEqual(journal.take(), ["start a/2", "start bad", "stop a/2"]);
  assert.deepEqual(plugins.plugins, [old]);
});

Deno.test("live.replace neither stops nor starts a plugin that comes back in time", async () => {
  const journal = new Journal();
  const goOn = Promise.withResolvers<void>();
  const a = journal.plugin("a", {}, () => goOn.promise);
  const { runner, live: plugins } = await live(a);
  const confToken = await runner.prepare("a");
  const reply = runner.dispatcher.dispatch(asFrame(requestFrame({ confToken })), PEER);
  await plugins.replace([]);
  await plugins.replace([a]);
  goOn.resolve();
  await reply;
  await turn();
  assert.deepEqual(journal.take().filter((line) => !line.startsWith("configure")), ["start a"]);
});

Deno.test("live.stop stops every plugin once, and says what went wrong", async () => {
  const journal = new Journal();
  const { live: plugins, testLog } = await live(
    journal.plugin("a"),
    journal.plugin("b", { stop: () => Promise.reject(new Error("still open")) }),
    journal.plugin("c"),
  );
  journal.take();
  await plugins.stop(1000);
  await plugins.stop(1000);
  assert.deepEqual(journal.take(), ["stop a", "stop b", "stop c"]);
  assert.deepEqual(testLog.at("error").map(({ message, plugin }) => [message, plugin]), [
    ['stop() of the plugin "b" failed: still open', "b"],
  ]);
});

Deno.test("live.stop does not wait for ever", async () => {
  const journal = new Journal();
  const { live: plugins } = await live(journal.plugin("a", { stop: () => new Promise(() => {}) }));
  await plugins.stop(1);
  assert.deepEqual(journal.take(), ["start a", "stop a"]);
});

Deno.test("startPlugins names every plugin that does not start, and stops the others", async () => {
  const journal = new Journal();
  const { testLog } = new TestRunner();
  const failing = (reason: string) => ({ start: () => Promise.reject(new Error(reason)) });
  await assert.rejects(
    startPlugins([
      journal.plugin("a", failing("no a")),
      journal.plugin("b"),
      onRequest(() => stop("c"), "c"),
      journal.plugin("d", failing("no d")),
    ], testLog.log),
    {
      name: "StartError",
      message: 'Cannot start the plugin "a": no a\nCannot start the plugin "d": no d',
    },
  );
  assert.deepEqual(journal.take(), ["start a", "start b", "start d", "stop b"]);
});
