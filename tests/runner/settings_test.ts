import assert from "node:assert/strict";
import { join } from "node:path";

import { UsageError } from "../../runner/errors.ts";
import { resolveSettings, SETTING_OPTIONS, type SettingsInput } from "../../runner/settings.ts";

type Texts = Readonly<Record<string, string>>;
type Flags = Readonly<Record<string, string | readonly string[]>>;

/** The settings of some flags and variables, and of what a program gives. */
function settings(
  { flags = {}, switches = [], env = {}, given = {} }: {
    flags?: Flags;
    switches?: readonly string[];
    env?: Texts;
    given?: SettingsInput;
  },
) {
  return resolveSettings({
    flags: { listen: "unix:/run/runner.sock", ...flags },
    switches: new Set(switches),
    env: (name) => env[name],
    given,
  });
}

/** One value for each flag, with what becomes of it. */
const VALUES: [flag: string, env: string, text: string, setting: string, value: unknown][] = [
  ["conf-expire-time", "APISIX_CONF_EXPIRE_TIME", "60", "confExpireSeconds", 60],
  ["call-timeout", "DENO_RUNNER_CALL_TIMEOUT", "1500", "callTimeoutMs", 1500],
  ["socket-mode", "DENO_RUNNER_SOCKET_MODE", "0660", "socketMode", 0o660],
  ["socket-group", "DENO_RUNNER_SOCKET_GROUP", "nogroup", "socketGroup", "nogroup"],
  ["log-level", "DENO_RUNNER_LOG_LEVEL", "debug", "logLevel", "debug"],
  ["log-format", "DENO_RUNNER_LOG_FORMAT", "json", "logFormat", "json"],
  ["log-file", "DENO_RUNNER_LOG_FILE", "runner.log", "logFile", "runner.log"],
  ["head-probe", "DENO_RUNNER_HEAD_PROBE", "off", "probeHead", false],
];

Deno.test("resolveSettings has a default for all but the address", () => {
  assert.deepEqual(settings({}), {
    path: "/run/runner.sock",
    pluginPaths: [],
    keepGoing: false,
    watch: false,
    confExpireSeconds: 3600,
    callTimeoutMs: 55_000,
    socketMode: 0o666,
    socketGroup: null,
    logLevel: "warn",
    logFormat: "text",
    logFile: null,
    probeHead: true,
  });
});

Deno.test("resolveSettings takes every setting as a flag and as a variable", () => {
  assert.deepEqual(
    ["listen", "plugins", "keep-going", "watch", ...VALUES.map(([flag]) => flag)],
    SETTING_OPTIONS.map(({ flag }) => flag),
  );
  for (const [flag, variable, text, setting, value] of VALUES) {
    const expected = { ...settings({}), [setting]: value };
    assert.deepEqual(settings({ flags: { [flag]: text } }), expected);
    assert.deepEqual(settings({ env: { [variable]: text } }), expected);
  }
});

Deno.test("resolveSettings takes several paths of plugins, from one source", () => {
  const flags = { plugins: ["plugins", "/srv/geo.ts"] };
  const env = { DENO_RUNNER_PLUGINS: "/env/one:two.ts::" };
  assert.deepEqual(settings({ flags }).pluginPaths, ["plugins", "/srv/geo.ts"]);
  assert.deepEqual(settings({ env }).pluginPaths, ["/env/one", "two.ts"]);
  assert.deepEqual(settings({ flags, env }).pluginPaths, ["plugins", "/srv/geo.ts"]);
  assert.deepEqual(settings({ flags, given: { pluginPaths: ["a"] } }).pluginPaths, ["a"]);
  assert.deepEqual(settings({ env, given: { pluginPaths: [] } }).pluginPaths, []);
});

Deno.test("resolveSettings takes switches as flags and as variables", () => {
  const cases = [
    ["keep-going", "DENO_RUNNER_KEEP_GOING", "keepGoing"],
    ["watch", "DENO_RUNNER_WATCH", "watch"],
  ] as const;
  for (const [flag, variable, setting] of cases) {
    assert.equal(settings({ switches: [flag] })[setting], true);
    assert.equal(settings({ env: { [variable]: "on" } })[setting], true);
    assert.equal(settings({ env: { [variable]: "off" } })[setting], false);
    assert.equal(settings({ switches: [flag], env: { [variable]: "off" } })[setting], true);
    assert.equal(settings({ switches: [flag], given: { [setting]: false } })[setting], false);
    assert.throws(() => settings({ env: { [variable]: "yes" } }), {
      name: "UsageError",
      message: `Cannot use ${variable} "yes": expected on|off`,
    });
  }
});

Deno.test("resolveSettings logs more while files are watched, unless told how much", () => {
  assert.equal(settings({ switches: ["watch"] }).logLevel, "info");
  assert.equal(settings({ switches: ["watch"], flags: { "log-level": "warn" } }).logLevel, "warn");
});

Deno.test("resolveSettings prefers a flag to a variable, and a program to both", () => {
  const env = { DENO_RUNNER_CALL_TIMEOUT: "1" };
  const flags = { "call-timeout": "2" };
  assert.equal(settings({ env, flags }).callTimeoutMs, 2);
  assert.equal(settings({ env, flags, given: { callTimeoutMs: 3 } }).callTimeoutMs, 3);
  assert.equal(settings({ env, given: { callTimeoutMs: 3 } }).callTimeoutMs, 3);
});

Deno.test("resolveSettings takes an empty variable for none", () => {
  assert.equal(settings({ env: { DENO_RUNNER_LOG_LEVEL: "" } }).logLevel, "warn");
});

Deno.test("resolveSettings does not read a variable that it does not need", () => {
  const env = { DENO_RUNNER_CALL_TIMEOUT: "nonsense" };
  assert.equal(settings({ env, flags: { "call-timeout": "2" } }).callTimeoutMs, 2);
});

Deno.test("resolveSettings finds the address in variable, flag or program", () => {
  const env = (name: string) => name === "APISIX_LISTEN_ADDRESS" ? "unix:/from/env" : undefined;
  assert.equal(resolveSettings({ env }).path, "/from/env");
  assert.equal(resolveSettings({ env, flags: { listen: "unix:/flag" } }).path, "/flag");
  assert.equal(resolveSettings({ env, given: { listen: "unix:/program" } }).path, "/program");
});

Deno.test("resolveSettings makes the path absolute", () => {
  assert.equal(
    settings({ flags: { listen: "unix:conf/../a.sock" } }).path,
    join(Deno.cwd(), "a.sock"),
  );
});

Deno.test("resolveSettings says what to do without an address", () => {
  for (const env of [() => undefined, () => ""]) {
    assert.throws(() => resolveSettings({ env }), (error) => {
      assert(error instanceof UsageError);
      assert.match(error.message, /without an address: set APISIX_LISTEN_ADDRESS or --listen/);
      return true;
    });
  }
});

Deno.test("resolveSettings refuses an address that is not that of a unix socket, naming it", () => {
  for (const listen of ["", "/a.sock", "unix:", "tcp:1234", "127.0.0.1:80", "unix:/a\0b"]) {
    const named = (error: unknown) => {
      assert(error instanceof UsageError);
      assert(error.message.includes(JSON.stringify(listen)), error.message);
      assert.match(error.message, /unix:PATH/);
      return true;
    };
    assert.throws(() => resolveSettings({ env: () => undefined, given: { listen } }), named);
    if (listen === "") continue;
    assert.throws(() => settings({ flags: { listen } }), named);
  }
});

Deno.test("resolveSettings refuses a path that is too long for a socket", () => {
  assert.throws(
    () => settings({ flags: { listen: `unix:/${"x".repeat(107)}` } }),
    { name: "UsageError", message: /108 bytes/ },
  );
  assert.equal(settings({ flags: { listen: `unix:/${"x".repeat(106)}` } }).path.length, 107);
});

Deno.test("resolveSettings refuses values that it cannot use, naming where they come from", () => {
  const wrong: Record<string, string[]> = {
    "conf-expire-time": ["0", "-1", "1.5", "1h", "1e3", " 5", "99999999999"],
    "call-timeout": ["0", "-1", "1.5", "1s"],
    "socket-mode": ["66", "668", "rw", "0x1ff", "00666"],
    "log-level": ["warning", "DEBUG", "trace"],
    "log-format": ["xml"],
    "head-probe": ["yes", "true", "1"],
  };
  for (const [flag, texts] of Object.entries(wrong)) {
    const variable = SETTING_OPTIONS.find((option) => option.flag === flag)?.env ?? "";
    for (const text of texts) {
      const named = (source: string) => (error: unknown) => {
        assert(error instanceof UsageError, `${flag} takes ${text}`);
        assert(error.message.startsWith(`Cannot use ${source} ${JSON.stringify(text)}: expected `));
        return true;
      };
      assert.throws(() => settings({ flags: { [flag]: text } }), named(`--${flag}`));
      assert.throws(() => settings({ env: { [variable]: text } }), named(variable));
    }
  }
});

Deno.test("resolveSettings refuses numbers of a program that no runner can work with", () => {
  for (const number of [0, -1, NaN, Infinity, 2 ** 31]) {
    for (const name of ["confExpireSeconds", "callTimeoutMs"] as const) {
      assert.throws(
        () => settings({ given: { [name]: number } }),
        { name: "UsageError", message: new RegExp(`${name} ${number}`) },
      );
    }
  }
  for (const socketMode of [-1, 0o10000, 0.5, NaN]) {
    assert.throws(() => settings({ given: { socketMode } }), {
      name: "UsageError",
      message: /socketMode/,
    });
  }
});
