/**
 * The commands for authors and operators, with the executable alone: no Deno, no environment.
 */

import assert from "node:assert/strict";
import { join } from "node:path";

import { ROOT } from "./_compile.ts";
import { type Finished, runToEnd, TestRunner } from "./_runner.ts";

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "deno-runner-e2e-" });
  await Deno.chmod(folder, 0o755);
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function runner(...args: string[]): Promise<Finished> {
  return runToEnd({ kind: "binary", args, env: { PATH: null, APISIX_LISTEN_ADDRESS: null } });
}

Deno.test("a new plugin can be checked and listed (binary)", async () => {
  await inFolder(async (folder) => {
    const made = await runner("new", "geo-gate", "--dir", folder);
    assert.deepEqual({ ...made, stdout: "" }, { code: 0, stdout: "", stderr: [] });
    const checked = await runner("check", folder);
    assert.deepEqual(checked, {
      code: 0,
      stdout: `${folder}/geo_gate.ts
  geo-gate  request, response
    does not say what it takes: its configuration is a function

no problem found
`,
      stderr: [],
    });
    const listed = await runner("list", "--plugins", folder, "-o", "json");
    assert.deepEqual(JSON.parse(listed.stdout).at(-1), {
      name: "geo-gate",
      phases: ["request", "response"],
      file: join(folder, "geo_gate.ts"),
    });
  });
});

Deno.test("a route in YAML is checked (binary)", async () => {
  await inFolder(async (folder) => {
    const route = join(folder, "route.yaml");
    const conf = (value: string) =>
      `plugins:\n  ext-plugin-pre-req:\n    conf:\n      - {name: say, value: '${value}'}\n`;
    await Deno.writeTextFile(route, conf('{"body":"hello"}'));
    assert.equal((await runner("check", "--route", route)).code, 0);
    await Deno.writeTextFile(route, conf('{"body":5}'));
    const { code, stdout } = await runner("check", "--route", route);
    assert.equal(code, 1);
    assert.match(stdout, /conf\[0\]\.value \(line 4\)\n +say refuses it: body: Invalid input/);
  });
});

Deno.test("doctor talks to a runner, and sees when it was killed (binary)", async () => {
  await using started = await TestRunner.start({ kind: "binary" });
  await Deno.chmod(started.folder, 0o755);
  const address = `unix:${started.path}`;
  const well = await runner("doctor", "--listen", address);
  assert.equal(well.code, 0, well.stdout);
  assert.match(well.stdout, /^ok +socket +nobody may connect: its mode is 0666$/m);
  assert.match(well.stdout, /^ok +runner +answers: a token in [\d.]+ ms, a call in [\d.]+ ms$/m);
  if (Deno.build.os === "linux") {
    assert.match(well.stdout, new RegExp(`^ok +listener +process ${started.pid} listens$`, "m"));
  }
  await started.stop("SIGKILL");
  const ill = await runner("doctor", "--listen", address);
  assert.equal(ill.code, 1);
  assert.match(ill.stdout, /^problem +listener +nobody listens: a runner that was killed/m);
});

Deno.test({
  name: "doctor sees a runner whose socket was removed (binary)",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using started = await TestRunner.start({ kind: "binary" });
    await Deno.chmod(started.folder, 0o755);
    await Deno.remove(started.path);
    const { code, stdout } = await runner("doctor", "--listen", `unix:${started.path}`);
    assert.equal(code, 1);
    assert.match(stdout.replace(/\s+/g, " "), new RegExp(`though process ${started.pid} listens`));
  },
});

Deno.test("doctor knows which arguments its own program takes (binary)", async () => {
  await inFolder(async (folder) => {
    const config = join(folder, "config.yaml");
    const program = join(ROOT, "dist", "deno-runner");
    await Deno.writeTextFile(config, `ext-plugin:\n  cmd: [${program}, run, --log-levl, info]\n`);
    const { code, stdout } = await runner("doctor", "--config", config);
    assert.equal(code, 1);
    assert.match(stdout, new RegExp(`^ok +cmd +${program} can be executed$`, "m"));
    assert.match(
      stdout.replace(/\s+/g, " "),
      /Unknown flag --log-levl: did you mean --log-level\?/,
    );
  });
});

Deno.test("what nobody reads is no error (binary)", async () => {
  // The shell becomes a pipe whose reader has gone.
  const { code, stderr } = await runToEnd({
    kind: "binary",
    args: ["completion", "bash"],
    before: '"$@" | :; exit 0',
  });
  assert.deepEqual({ code, stderr }, { code: 0, stderr: [] });
});

Deno.test("a mistyped command is put right (binary)", async () => {
  assert.deepEqual(await runner("docter"), {
    code: 2,
    stdout: "",
    stderr: [
      'deno-runner: Unknown command "docter": did you mean doctor? (see deno-runner --help)',
    ],
  });
});
