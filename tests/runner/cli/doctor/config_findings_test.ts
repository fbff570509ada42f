import assert from "node:assert/strict";
import { join } from "node:path";

import { readApisixConfig } from "../../../../runner/cli/doctor/config_file.ts";
import { inspectConfig } from "../../../../runner/cli/doctor/config_findings.ts";

const ENV: Record<string, string> = { PATH: "/bin:/usr/bin", DENO_RUNNER_LOG_LEVEL: "info" };

/** What is seen in a config.yaml, one line for each finding. */
async function seenIn(
  yaml: string,
  listen: string | null = null,
  generated: string | null = null,
): Promise<string[]> {
  const folder = await Deno.makeTempDir();
  try {
    const path = join(folder, "config.yaml");
    await Deno.writeTextFile(path, yaml);
    const config = await readApisixConfig(path, (name) => ENV[name]);
    return inspectConfig(config, {
      name: "my-runner",
      listen,
      generated,
      env: (name) => ENV[name],
      variables: ["DENO_RUNNER_LOG_LEVEL", "DENO_RUNNER_LOG_FILE"],
    }).map(({ level, about, seen }) => `${level} ${about}: ${seen}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const good =
  "nginx_config: { envs: [DENO_RUNNER_LOG_LEVEL=info] }\next-plugin: { cmd: [/bin/sh, run] }";

Deno.test("inspectConfig finds nothing wrong with what is right", async () => {
  assert.deepEqual(await seenIn(good), ["ok cmd: /bin/sh can be executed"]);
  assert.deepEqual(await seenIn("ext-plugin: { path_for_test: /tmp/x.sock }", "/tmp/x.sock"), [
    "ok cmd: there is no cmd: APISIX starts no runner, you do (for development)",
  ]);
});

/** What follows the good part in a config.yaml, and what is seen then besides it. */
const MORE: Record<string, [yaml: string, seen: string]> = {
  "a list of plugins without any of ours": [
    "plugins: [cors, key-auth]",
    "problem plugins: config.yaml lists the plugins that are enabled, and no ext-plugin-* is " +
    "among them",
  ],
  "an empty list of plugins": [
    "plugins:",
    "problem plugins: config.yaml lists the plugins that are enabled, and no ext-plugin-* is " +
    "among them",
  ],
  "the response phase alone": [
    "plugins: [ext-plugin-post-resp]",
    "problem plugins: only ext-plugin-post-resp is enabled: without one of the others APISIX has " +
    "no place for tokens, and every call fails before it reaches the runner",
  ],
  "a phase that is not enabled": [
    "plugins: [ext-plugin-pre-req, ext-plugin-post-resp]",
    "warning plugins: not enabled in config.yaml: ext-plugin-post-req",
  ],
};

for (const [what, [yaml, seen]] of Object.entries(MORE)) {
  Deno.test(`inspectConfig sees ${what}`, async () => {
    assert.deepEqual((await seenIn(`${good}\n${yaml}`)).slice(1), [seen]);
  });
}

const SECTIONS: Record<string, [section: string, seen: string[]]> = {
  "no cmd at all": ["{}", ["problem cmd: ext-plugin has no cmd: APISIX starts no runner"]],
  "a cmd that is a text": ["{ cmd: deno-runner run }", [
    'warning cmd: cmd is one text, which a shell runs: "deno-runner run"',
  ]],
  "a cmd with exec": ["{ cmd: exec /no/such/runner run }", [
    "problem cmd: /no/such/runner does not exist",
  ]],
  "a cmd that is neither": ["{ cmd: [deno-runner, 1] }", [
    'problem cmd: cmd is not a list of texts: ["deno-runner",1]',
  ]],
  "an empty cmd": ["{ cmd: [] }", ["problem cmd: cmd is not a list of texts: []"]],
  "a program that does not exist": ["{ cmd: [/no/such/runner, run] }", [
    "problem cmd: /no/such/runner does not exist",
  ]],
  "a relative program": ["{ cmd: [./runner] }", [
    "problem cmd: ./runner is relative: it is looked for where APISIX happened to be started",
  ]],
  "a program that is on the PATH": ["{ cmd: [sh] }", ["ok cmd: /bin/sh can be executed"]],
  "a program that is not on the PATH": ["{ cmd: [no-such-runner] }", [
    "problem cmd: no-such-runner is not on the PATH, as far as it can be seen from this shell",
  ]],
  "an address among the arguments": ["{ cmd: [/bin/sh, run, --listen=unix:/x] }", [
    "ok cmd: /bin/sh can be executed",
    "warning cmd: cmd has --listen: the runner listens there, APISIX connects to the address of " +
    "its own",
  ]],
  "a program out of the environment": ['{ cmd: ["${{RUNNER:=/no/such}}/x"] }', [
    "problem cmd: /no/such/x does not exist",
  ]],
};

for (const [what, [section, seen]] of Object.entries(SECTIONS)) {
  Deno.test(`inspectConfig sees ${what}`, async () => {
    const envs = "nginx_config: { envs: [DENO_RUNNER_LOG_LEVEL] }";
    assert.deepEqual(await seenIn(`${envs}\next-plugin: ${section}`), seen);
  });
}

Deno.test("inspectConfig sees that there is no section", async () => {
  for (const yaml of ["apisix: {}", "", "ext-plugin:"]) {
    assert.deepEqual(await seenIn(yaml), [
      "problem ext-plugin: config.yaml has no ext-plugin section: APISIX starts no runner",
    ]);
  }
});

Deno.test("inspectConfig sees paths for tests that do not work", async () => {
  const cases: [path: string, seen: string][] = [
    [
      "unix:/tmp/x.sock",
      "path_for_test begins with unix:, which APISIX adds itself: unix:/tmp/x.sock",
    ],
    ["x.sock", "path_for_test is relative: x.sock"],
    ["[]", "path_for_test is not a path: []"],
    ["/tmp/x.sock", "APISIX connects to /tmp/x.sock, the runner listens on /tmp/y.sock"],
  ];
  for (const [path, seen] of cases) {
    const found = await seenIn(`ext-plugin: { path_for_test: ${path} }`, "/tmp/y.sock");
    assert.deepEqual(found.slice(1), [`problem path_for_test: ${seen}`]);
  }
});

Deno.test("inspectConfig sees that the runner is elsewhere than APISIX looks for it", async () => {
  const path = "/usr/local/apisix/conf/apisix-7.sock";
  assert.deepEqual((await seenIn(good, "/tmp/x.sock", path)).slice(1), [
    `problem address: APISIX connects to ${path}, the runner is said to listen on /tmp/x.sock`,
  ]);
  assert.deepEqual((await seenIn(good, path, path)).slice(1), []);
});

Deno.test("inspectConfig sees what nginx hides", async () => {
  const yaml = "ext-plugin: { cmd: [/bin/sh] }\nnginx_config: { error_log_level: error }";
  assert.deepEqual((await seenIn(yaml)).slice(1), [
    "warning error_log_level: nginx logs from error on, and what the runner says is logged as warn",
    "warning envs: set here, but nginx keeps it from the runner: DENO_RUNNER_LOG_LEVEL",
  ]);
});
