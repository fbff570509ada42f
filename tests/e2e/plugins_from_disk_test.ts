/**
 * Plugins from files: loaded at the start, and taken up when they are saved while calls go on. The
 * runner runs in a folder of its own, with next to no environment.
 */

import assert from "node:assert/strict";
import { join } from "node:path";

import { ErrorCode } from "../../protocol/errors.ts";
import { Files, plugin } from "../plugins/_files.ts";
import { ROOT } from "./_compile.ts";
import { Peer, prepared, refusedWith, requested, stopOf, textOf, use } from "./_peer.ts";
import { type Kind, type RunnerOptions, runToEnd, testBoth, TestRunner } from "./_runner.ts";
import { delay, until } from "./_until.ts";

/** Starts a runner with a folder of plugins. */
function start(
  kind: Kind,
  { path }: Files,
  { flags = [], ...options }: Partial<RunnerOptions> & { readonly flags?: readonly string[] } = {},
): Promise<TestRunner> {
  return TestRunner.start({ kind, args: ["run", "--plugins", path, ...flags], ...options });
}

/** A plugin that answers with a text. */
function saying(text: string, name: string = "test"): string {
  return plugin(name, `onRequest: () => stop(${JSON.stringify(text)})`);
}

/** What a plugin answers. */
async function answer(runner: TestRunner, name: string = "test", config = {}): Promise<string> {
  return textOf(stopOf(await requested(runner, [use(name, config)])));
}

testBoth("plugins of files work like those of the program", async (kind) => {
  await using files = await Files.make({
    "greet.ts": `
      import { definePlugin, type RequestContext, stop } from "@apisix-deno/plugin-runner";
      import { readFileSync } from "node:fs";
      import { z } from "zod";
      import { greeting } from "./lib/_greeting.ts";
      import names from "./_names.json" with { type: "json" };

      enum Mark { Quiet = ".", Loud = "!" }

      const config = z.object({ loud: z.boolean().default(false) });

      export default definePlugin({
        name: "greet",
        config,
        onRequest({ config }: RequestContext<z.infer<typeof config>>) {
          const who = names.world + readFileSync(new URL("who.txt", import.meta.url), "utf8");
          return stop(\`\${greeting(who)}\${config.loud ? Mark.Loud : Mark.Quiet}\`);
        },
      });`,
    "lib/_greeting.ts": "export const greeting = (who: string): string => `Hello, ${who}`;",
    "_names.json": `{ "world": "world" }`,
    "who.txt": " of plugins",
    "list.mjs": `import { definePlugin, stop } from "@apisix-deno/plugin-runner";
      const saying = (name) => definePlugin({ name, onRequest: () => stop(name) });
      export default ["one", "two"].map(saying);`,
    "greet_test.ts": "throw new Error('A test must not be imported');",
  });
  await using runner = await start(kind, files);
  assert.equal(await answer(runner, "greet", { loud: true }), "Hello, world of plugins!");
  assert.equal(await answer(runner, "greet"), "Hello, world of plugins.");
  assert.equal(await answer(runner, "two"), "two");
  assert.equal(await answer(runner, "say", { body: "bundled" }), "bundled");
  await refusedWith(ErrorCode.SERVICE_UNAVAILABLE, answer(runner, "greet", { loud: "very" }));
  await runner.line(/plugin \\"greet\\": the configuration is not valid: loud: |"greet": the conf/);
  assert.equal((await runner.stop()).code, 0);
});

testBoth("all of the package can be imported by its name", async (kind) => {
  await using files = await Files.make({
    "a.ts": `
      import * as runner from "@apisix-deno/plugin-runner";
      import { testPlugin } from "@apisix-deno/plugin-runner/testing";
      const inner = runner.definePlugin({
        name: "inner",
        onRequest: ({ request }) => runner.stop("inner " + request.path),
      });
      export default runner.definePlugin({
        name: "test",
        async onRequest() {
          return runner.stop((await testPlugin(inner).request("/tested")).text());
        },
      });`,
  });
  await using runner = await start(kind, files);
  assert.equal(await answer(runner), "inner /tested");
});

testBoth("plugins come from all paths of the flag, or of the variable", async (kind) => {
  await using files = await Files.make({
    "one/a.ts": saying("a", "a"),
    "two/_b.ts": saying("b", "b"),
  });
  const paths = [join(files.path, "one"), join(files.path, "two/_b.ts")];
  const ways: Partial<RunnerOptions>[] = [
    { args: paths.flatMap((path) => ["--plugins", path]) },
    { env: { DENO_RUNNER_PLUGINS: paths.join(":") } },
  ];
  for (const way of ways) {
    await using runner = await TestRunner.start({ kind, ...way });
    assert.equal(await answer(runner, "a"), "a");
    assert.equal(await answer(runner, "b"), "b");
  }
});

testBoth("files that cannot be loaded are all named, and stop the runner", async (kind) => {
  await using files = await Files.make({
    "a.ts": saying("a"),
    "broken.ts": "const a: string = 'a';\nconst b = = 1;",
    "missing.ts": "import './_missing.ts';",
    "package.ts": "import { sign } from 'no-such-package';\nexport default sign;",
    "taken.ts": saying("mine", "say"),
    "throws.ts": "\n  throw new Error('no key');",
  });
  const { code, stdout, stderr } = await runToEnd({
    kind,
    args: ["run", "--plugins", files.path, "--plugins", join(files.path, "nowhere")],
  });
  assert.equal(code, 1, stderr.join("\n"));
  assert.equal(stdout, "");
  const expected = [
    /^deno-runner: Cannot load FOLDER\/nowhere: there is no such file or folder$/,
    /^Cannot load FOLDER\/broken\.ts:2:11: syntax error: /,
    /^Cannot load FOLDER\/missing\.ts:1:8: cannot import "\.\/_missing\.ts": there is no such file$/,
    /^Cannot load FOLDER\/package\.ts:1:22: cannot import "no-such-package": .*esbuild .*binary/,
    /^Cannot load FOLDER\/taken\.ts:2:\d+: the name "say" is taken by a plugin of this program/,
    /^Cannot load FOLDER\/throws\.ts:2:9: it fails when it is imported: no key$/,
  ];
  assert.equal(stderr.length, expected.length, stderr.join("\n"));
  for (const [i, pattern] of expected.entries()) {
    assert.match(stderr[i]?.replace(files.path, "FOLDER") ?? "", pattern);
  }
});

// From source, Deno would look for the package in the registry.
Deno.test("a package that is not in the program is named, with the way out (binary)", async () => {
  await using files = await Files.make({
    "a.ts": "import { sign } from './_sign.ts';\nexport default sign;",
    "_sign.ts": "\nexport { sign } from 'npm:no-such-package@1';",
  });
  const { code, stderr } = await runToEnd({
    kind: "binary",
    args: ["run", "--plugins", files.path],
  });
  assert.equal(code, 1);
  assert.equal(stderr.length, 1, stderr.join("\n"));
  assert.match(
    stderr[0]?.replaceAll(files.path, "FOLDER") ?? "",
    /Cannot load FOLDER\/a\.ts: FOLDER\/_sign\.ts:2:22: cannot import "npm:no-such-package@1": the package is not in this program\. .*esbuild .*binary/,
  );
});

// From source, the file of the checkout is the package that runs.
Deno.test("a plugin that was made by another copy of the package is refused (binary)", async () => {
  await using files = await Files.make({
    "a.ts": saying("a").replace("@apisix-deno/plugin-runner", join(ROOT, "mod.ts")),
  });
  const { code, stderr } = await runToEnd({
    kind: "binary",
    args: ["run", "--plugins", files.path],
  });
  assert.equal(code, 1);
  assert.match(stderr.at(-1) ?? "", /a\.ts:2:1: it has a copy of this package in it/);
});

testBoth(
  "with --keep-going the runner starts without files that cannot be loaded",
  async (kind) => {
    await using files = await Files.make({ "a.ts": saying("a"), "broken.ts": "(" });
    await using runner = await start(kind, files, { flags: ["--keep-going"] });
    await runner.line(/ ERROR Cannot load .*broken\.ts:1:\d: syntax error/);
    assert.equal(await answer(runner), "a");
  },
);

testBoth("saved files are taken up under load: no call fails, none is lost", async (kind) => {
  const SAVES = 20;
  await using files = await Files.make({
    "at_once.ts": `import { version } from "./_version.ts";\n${
      plugin("at-once", "onRequest: () => stop(version)")
    }`,
    "waits.ts": `import { version } from "./_version.ts";\n${
      plugin(
        "waits",
        `async onRequest() {
          await new Promise((resolve) => setTimeout(resolve, 1 + Math.random() * 20));
          return stop(version);
        }`,
      )
    }`,
    "_version.ts": `export const version: string = "0";`,
    "other.ts": saying("0", "other"),
  });
  await using runner = await start(kind, files, { flags: ["--watch"] });
  const clients = ["at-once", "waits"].flatMap((name) =>
    Array.from({ length: 10 }, () => new Client(runner, name))
  );
  try {
    for (let version = 1; version <= SAVES; version++) {
      // Of three saves one is a rename, as many editors do it, and one is of another plugin.
      const text = `export const version: string = "${version}";`;
      if (version % 3 === 0) await files.replace("_version.ts", text);
      else await files.write("_version.ts", text);
      if (version % 3 === 1) await files.write("other.ts", saying(`${version}`, "other"));
      await until(
        () => clients.every(({ answers }) => answers.at(-1) === `${version}`),
        `The answer ${version} in all connections`,
      );
    }
  } finally {
    await Promise.all(clients.map((client) => client.stop()));
  }
  const versions = Array.from({ length: SAVES + 1 }, (_, version) => `${version}`);
  for (const { asked, answers, failures } of clients) {
    assert.deepEqual(failures, []);
    // Every call was answered, on the one connection, and each version came in its turn.
    assert.equal(answers.length, asked);
    assert.deepEqual(answers.filter((answer, i) => answer !== answers[i - 1]), versions);
  }
  await until(async () => await answer(runner, "other") === "19", "The last answer of the other");
  assert.deepEqual(runner.stderr.filter((line) => / (ERROR|WARN) /.test(line)), []);
  const reloads = runner.stderr.filter((line) => line.includes(" INFO Plugins reloaded "));
  assert(reloads.length >= SAVES, `${reloads.length} reloads`);
  for (const line of reloads) assert.match(line, / changed="?(at-once, |other)/);
  assert.equal((await runner.stop()).code, 0);
});

testBoth(
  "a stream of saves, good and broken, fails no call and ends with the last",
  async (kind) => {
    await using files = await Files.make({ "a.ts": saying("0") });
    await using runner = await start(kind, files, { flags: ["--watch"] });
    const clients = Array.from({ length: 5 }, () => new Client(runner, "test"));
    try {
      await until(() => clients.every(({ asked }) => asked > 10), "Calls");
      for (let version = 1; version <= 20; version++) {
        const text = saying(`${version}`);
        // Half of a file is what a slow editor has written so far.
        await files.write("a.ts", version % 2 === 1 ? text.slice(0, text.length / 2) : text);
        await delay(Math.random() * 150);
      }
      await until(() => clients.every(({ answers }) => answers.at(-1) === "20"), "The last answer");
    } finally {
      await Promise.all(clients.map((client) => client.stop()));
    }
    for (const { asked, answers, failures } of clients) {
      assert.deepEqual(failures, []);
      assert.equal(answers.length, asked);
      assert(answers.every((answer) => Number(answer) % 2 === 0), answers.join());
    }
  },
);

testBoth("a broken save is named in the log, and the old code stays in service", async (kind) => {
  await using files = await Files.make({
    "a.ts": `import { text } from "./_h.ts";\n${plugin("a", "onRequest: () => stop(text)")}`,
    "b.ts": saying("old b", "b"),
    "_h.ts": `export const text = "old a";`,
  });
  await using runner = await start(kind, files, { flags: ["--watch"] });
  await files.write("b.ts", saying("new b", "b"));
  await files.write("_h.ts", `\nexport const text = = "new a";`);
  await runner.line(/ ERROR Cannot load .*a\.ts: .*_h\.ts:2:21: syntax error/);
  await runner.line(/ WARN The plugins are not reloaded: the old ones stay in service/);
  assert.deepEqual([await answer(runner, "a"), await answer(runner, "b")], ["old a", "old b"]);
  await files.write("_h.ts", `export const text = "new a";`);
  await runner.line(/ INFO Plugins reloaded changed="a, b"/);
  assert.deepEqual([await answer(runner, "a"), await answer(runner, "b")], ["new a", "new b"]);
});

testBoth("configurations are validated again by the new code", async (kind) => {
  const strict = (isStrict: boolean) =>
    plugin(
      "test",
      `config(raw: unknown) {
        if (${isStrict}) throw new Error("too loose");
        return JSON.stringify(raw);
      },
      onRequest: ({ config }) => stop(config)`,
    );
  await using files = await Files.make({ "a.ts": strict(false) });
  await using runner = await start(kind, files, { flags: ["--watch"] });
  using peer = await Peer.connect(runner);
  const token = await prepared(runner, [use("test", { rate: 5 })]);
  assert.equal(textOf(stopOf(await peer.request(token))), '{"rate":5}');
  await files.write("a.ts", strict(true));
  await runner.line(/ ERROR Cannot use a configuration: .*too loose/);
  await runner.line(/ INFO Plugins reloaded changed=test/);
  await refusedWith(ErrorCode.SERVICE_UNAVAILABLE, peer.request(token));
  await files.write("a.ts", strict(false));
  await until(
    () => runner.stderr.filter((line) => line.includes("Plugins reloaded")).length === 2,
    "Another reload",
  );
  using other = await Peer.connect(runner);
  assert.equal(textOf(stopOf(await other.request(token))), '{"rate":5}');
});

testBoth("files that come and go bring and take their plugins", async (kind) => {
  await using files = await Files.make();
  await using runner = await start(kind, files, { flags: ["--watch"] });
  await runner.line(/ WARN There is no plugin file in /);
  await files.write("a.ts", saying("a"));
  await runner.line(/ INFO Plugins reloaded added=test/);
  assert.equal(await answer(runner), "a");
  await files.remove("a.ts");
  await runner.line(/ INFO Plugins reloaded removed=test/);
  await refusedWith(ErrorCode.SERVICE_UNAVAILABLE, answer(runner));
});

testBoth("plugins start before the first call, and stop after the last", async (kind) => {
  await using files = await Files.make();
  const journal = join(files.path, "journal.txt");
  const version = (number: number) =>
    plugin(
      "test",
      `start() { note("start ${number}"); },
      stop() { note("stop ${number}"); },
      config: () => note("configure ${number}"),
      async onRequest() {
        note("call ${number}");
        while (isThere("wait")) await new Promise((resolve) => setTimeout(resolve, 1));
        note("end ${number}");
      }`,
    ) +
    `import { appendFileSync, existsSync } from "node:fs";
    const note = (text: string) => appendFileSync(${JSON.stringify(journal)}, text + "\\n");
    const isThere = (name: string) => existsSync(${JSON.stringify(files.path)} + "/" + name);`;
  await files.write("a.ts", version(1));
  await using runner = await start(kind, files, { flags: ["--watch"] });
  const token = await prepared(runner, [use("test")]);
  using peer = await Peer.connect(runner);
  await files.write("wait", "");
  const call = peer.request(token);
  await until(async () => (await Deno.readTextFile(journal)).includes("call 1"), "The call");
  await files.write("a.ts", version(2));
  await runner.line(/ INFO Plugins reloaded /);
  await files.remove("wait");
  await call;
  await until(
    async () => (await Deno.readTextFile(journal)).includes("stop 1"),
    "The old one's end",
  );
  peer.close();
  assert.equal((await runner.stop()).code, 0);
  assert.deepEqual((await Deno.readTextFile(journal)).split("\n"), [
    "start 1",
    "configure 1",
    "call 1",
    "start 2",
    "configure 2",
    "end 1",
    "stop 1",
    "stop 2",
    "",
  ]);
});

testBoth("a plugin that does not start stops the runner", async (kind) => {
  await using files = await Files.make({
    "a.ts": plugin("test", `start() { throw new Error("no database"); }, onRequest() {}`),
  });
  const { code, stderr } = await runToEnd({
    kind,
    args: ["run", "--plugins", files.path],
    env: { APISIX_LISTEN_ADDRESS: `unix:${join(files.path, "runner.sock")}` },
  });
  assert.equal(code, 1);
  assert.equal(stderr.at(-1), 'deno-runner: Cannot start the plugin "test": no database');
});

/** A connection that is called again and again, as that of a busy worker. */
class Client {
  readonly answers: string[] = [];
  readonly failures: unknown[] = [];
  asked = 0;
  #stopping = false;
  readonly #done: Promise<void>;

  constructor(runner: TestRunner, name: string) {
    this.#done = this.#run(runner, name).catch((error) => void this.failures.push(error));
  }

  /** Ends after the call that is under way. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#done;
  }

  async #run(runner: TestRunner, name: string): Promise<void> {
    const token = await prepared(runner, [use(name)]);
    using peer = await Peer.connect(runner);
    while (!this.#stopping) {
      this.asked++;
      this.answers.push(textOf(stopOf(await peer.request(token))));
    }
  }
}
