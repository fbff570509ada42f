/**
 * How a runner starts, or says why it cannot: the command line, and what is at its path.
 */

import assert from "node:assert/strict";
import { join } from "node:path";

import { ErrorCode } from "../../protocol/errors.ts";
import { Peer, prepared, refusedWith, requested, stopOf, textOf, use } from "./_peer.ts";
import { type Kind, type RunnerOptions, runToEnd, testBoth, TestRunner } from "./_runner.ts";
import { until } from "./_until.ts";

const hello = [use("say", { body: "hello" })];

/** Fails unless a runner ends with a code and one line that explains it. */
async function endsWith(
  code: number,
  pattern: RegExp,
  options: RunnerOptions,
): Promise<void> {
  const result = await runToEnd(options);
  assert.equal(result.code, code, result.stderr.join("\n"));
  assert.equal(result.stdout, "");
  assert.equal(result.stderr.length, 1, result.stderr.join("\n"));
  assert.match(result.stderr[0] ?? "", pattern);
}

/** A folder for the time of a test. */
async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "deno-runner-e2e-" });
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const WRONG: Record<string, [args: string[], pattern: RegExp]> = {
  "an unknown flag": [["run", "--no-such-flag"], /Unknown flag --no-such-flag/],
  "an unknown flag with a value": [["--no-such-flag=1"], /Unknown flag --no-such-flag/],
  "an unknown short flag": [["-x"], /Unknown flag -x/],
  "an unknown command": [["serve"], /Unknown command "serve"/],
  "an argument too many": [["run", "fast"], /Unexpected argument "fast"/],
  "a flag without its value": [["run", "--log-level"], /--log-level needs a value/],
  "a flag twice": [["--log-level", "info", "--log-level", "warn"], /--log-level is given 2 times/],
  "a bad level": [["--log-level", "loud"], /--log-level "loud": expected debug\|info\|warn\|error/],
  "a bad format": [["--log-format", "xml"], /--log-format "xml": expected text\|json/],
  "a bad time": [["--conf-expire-time", "1h"], /--conf-expire-time "1h": expected SECONDS/],
  "no time at all": [["--call-timeout", "0"], /--call-timeout "0": expected MS/],
  "a bad mode": [["--socket-mode", "rw"], /--socket-mode "rw": expected OCTAL/],
  "an unknown group": [["--socket-group", "no-such-group"], /no-such-group/],
  "an address of TCP": [
    ["--listen", "127.0.0.1:9080"],
    /--listen "127.0.0.1:9080": expected unix:/,
  ],
  "an address without a path": [["--listen", "unix:"], /--listen "unix:": expected unix:PATH/],
};

for (const [what, [args, pattern]] of Object.entries(WRONG)) {
  // The command line is the same code in both kinds, and this is a list.
  Deno.test(`${what} is said in one line, with exit code 2 (binary)`, async () => {
    await endsWith(2, pattern, { kind: "binary", args });
  });
}

testBoth("without an address one line says how to give one, with exit code 2", async (kind) => {
  for (const APISIX_LISTEN_ADDRESS of [null, ""]) {
    await endsWith(2, /set APISIX_LISTEN_ADDRESS or --listen/, {
      kind,
      env: { APISIX_LISTEN_ADDRESS },
    });
  }
});

Deno.test("a variable that cannot be used is named, with exit code 2 (binary)", async () => {
  await endsWith(2, /APISIX_CONF_EXPIRE_TIME "soon": expected SECONDS/, {
    kind: "binary",
    env: { APISIX_CONF_EXPIRE_TIME: "soon" },
  });
});

testBoth("help and version are printed to standard output, with exit code 0", async (kind) => {
  for (const args of [["--help"], ["-h"], ["run", "--help"]]) {
    const { code, stdout, stderr } = await runToEnd({ kind, args });
    assert.deepEqual({ code, stderr }, { code: 0, stderr: [] });
    assert.match(stdout, /--listen unix:PATH/);
  }
  for (const args of [["--version"], ["-V"]]) {
    const { code, stdout, stderr } = await runToEnd({ kind, args });
    assert.deepEqual({ code, stderr }, { code: 0, stderr: [] });
    assert.match(stdout, /^deno-runner \d+\.\d+\.\d+ \(deno \d/);
  }
});

testBoth("a build of one's own has the same command line, under its name", async (kind) => {
  const { code, stdout } = await runToEnd({ kind, program: "test-runner", args: ["--help"] });
  assert.equal(code, 0);
  assert.match(stdout, /Usage: test-runner \[run\]/);
  await endsWith(2, /^test-runner: .*test-runner --help/, {
    kind,
    program: "test-runner",
    args: ["--oops"],
  });
});

testBoth("a path of 107 bytes is listened on, one of 108 is refused with code 2", async (kind) => {
  await inFolder(async (folder) => {
    const path = join(folder, "x".repeat(107 - folder.length - 1));
    assert.equal(path.length, 107);
    {
      await using runner = await TestRunner.start({ kind, path });
      assert.equal(textOf(stopOf(await requested(runner, hello))), "hello");
    }
    await endsWith(2, /the path has 108 bytes, a unix socket's 107/, { kind, path: `${path}x` });
  });
});

testBoth("a file that is no socket is left at the path, with exit code 1", async (kind) => {
  await inFolder(async (folder) => {
    const path = join(folder, "runner.sock");
    await Deno.writeTextFile(path, "precious");
    await endsWith(1, /something that is not a socket is there/, { kind, path });
    assert.equal(await Deno.readTextFile(path), "precious");
    assert.deepEqual(Array.from(Deno.readDirSync(folder), ({ name }) => name), ["runner.sock"]);
  });
});

testBoth("a folder that does not exist is named, with exit code 1", async (kind) => {
  await inFolder(async (folder) => {
    const path = join(folder, "conf", "runner.sock");
    await endsWith(1, /Cannot listen in .*conf: the folder does not exist/, { kind, path });
  });
});

Deno.test("a folder that is a file is named, with exit code 1 (binary)", async () => {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "conf"), "");
    const path = join(folder, "conf", "runner.sock");
    await endsWith(1, /Cannot listen in .*conf: it is not a folder/, { kind: "binary", path });
  });
});

testBoth("a socket that a killed runner left behind is replaced", async (kind) => {
  await using first = await TestRunner.start({ kind });
  const token = await prepared(first, hello);
  await first.stop("SIGKILL");
  assert((await Deno.lstat(first.path)).isSocket);
  await assert.rejects(first.connect());
  await using second = await TestRunner.start({ kind, path: first.path });
  using peer = await Peer.connect(second);
  await refusedWith(ErrorCode.CONF_TOKEN_NOT_FOUND, peer.request(token));
});

testBoth("a path on which another runner listens is taken over", async (kind) => {
  await using first = await TestRunner.start({ kind });
  using early = await Peer.connect(first);
  const token = await early.prepare(hello);
  await using second = await TestRunner.start({ kind, path: first.path });
  using late = await Peer.connect(second);
  await refusedWith(ErrorCode.CONF_TOKEN_NOT_FOUND, late.request(token));
  // Connections to the first one are still served by it.
  assert.equal(textOf(stopOf(await early.request(token))), "hello");
});

testBoth("nothing is left in the folder of the socket, before or after the end", async (kind) => {
  await inFolder(async (folder) => {
    const path = join(folder, "runner.sock");
    const names = () => Array.from(Deno.readDirSync(folder), ({ name }) => name);
    await using runner = await TestRunner.start({ kind, path });
    assert.deepEqual(names(), ["runner.sock"]);
    await runner.stop();
    assert.deepEqual(names(), []);
  });
});

testBoth("the permissions of the socket can be chosen, whatever the umask is", async (kind) => {
  for (
    const [umask, args, mode] of [["077", [], 0o666], [
      "000",
      ["--socket-mode", "0660"],
      0o660,
    ]] as const
  ) {
    const options = { kind, before: `umask ${umask}`, args: ["run", ...args] };
    await using runner = await TestRunner.start(options);
    assert.equal(((await Deno.lstat(runner.path)).mode ?? 0) & 0o777, mode);
  }
});

Deno.test("the group of the socket can be chosen (binary)", async () => {
  // One's own group is the one that everybody may choose.
  const gid = String(Deno.gid());
  await using runner = await TestRunner.start({ kind: "binary", args: ["--socket-group", gid] });
  assert.equal((await Deno.lstat(runner.path)).gid, Deno.gid());
});

testBoth("flags win over the environment", async (kind) => {
  await inFolder(async (folder) => {
    const path = join(folder, "chosen.sock");
    const args = ["run", `--listen=unix:${path}`, "--conf-expire-time", "7"];
    await using runner = await TestRunner.start({
      kind,
      args,
      env: { APISIX_CONF_EXPIRE_TIME: "?" },
    });
    assert.match(await runner.line(/Listening/), new RegExp(`unix:${path} `));
    (await Deno.connect({ transport: "unix", path })).close();
    await assert.rejects(Deno.lstat(runner.path), Deno.errors.NotFound);
  });
});

testBoth("a runner that has nothing to say is silent on both streams", async (kind) => {
  const env = { DENO_RUNNER_LOG_LEVEL: null };
  await using runner = await TestRunner.start({ kind, env, readyBy: "connecting" });
  assert.equal(textOf(stopOf(await requested(runner, hello))), "hello");
  assert.equal((await runner.stop()).code, 0);
  assert.equal(runner.stdout, "");
  assert.deepEqual(runner.stderr, []);
});

testBoth("a log file is added to, and standard error stays silent", async (kind) => {
  await inFolder(async (folder) => {
    const file = join(folder, "runner.log");
    await Deno.writeTextFile(file, "before\n");
    const args = ["run", "--log-file", file, "--log-format", "json"];
    await using runner = await TestRunner.start({ kind, args, readyBy: "connecting" });
    await prepared(runner, [use("no-such-plugin")]);
    await until(async () => /no-such-plugin/.test(await Deno.readTextFile(file)), "A line");
    await runner.stop();
    const [before, ...lines] = (await Deno.readTextFile(file)).trimEnd().split("\n");
    assert.equal(before, "before");
    for (const line of lines) assert.equal(typeof JSON.parse(line).level, "string");
    assert.deepEqual(runner.stderr, []);
  });
});

Deno.test("a log file that cannot be opened is named, with exit code 1 (binary)", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "runner.sock");
    const file = join(folder, "logs", "runner.log");
    const options: { kind: Kind; path: string } = { kind: "binary", path };
    await endsWith(1, /log file .*logs/, { ...options, args: ["run", "--log-file", file] });
    await assert.rejects(Deno.lstat(path), Deno.errors.NotFound);
  });
});
