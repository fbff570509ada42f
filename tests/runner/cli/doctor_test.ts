/**
 * `doctor`, as one calls it: what it says of each trap between APISIX and a runner.
 */

import assert from "node:assert/strict";
import { join } from "node:path";

import { serve } from "../../../mod.ts";
import { type HostOptions, runWords } from "./_host.ts";

/** An installation of APISIX in a folder of its own. */
interface Installation {
  /** The folder, which everybody may go through. */
  readonly home: string;
  /** A path for a socket in it. */
  readonly socket: string;
  /** Writes `conf/config.yaml`. */
  configure(yaml: string): Promise<void>;
  /** Writes another file. */
  write(name: string, text: string, mode?: number): Promise<string>;
  /** Runs doctor; the folder is called DIR in what it says, times are N ms. */
  doctor(...args: string[]): Promise<{ code: number; lines: string[] }>;
}

async function inInstallation(
  run: (installation: Installation) => Promise<void>,
  options: HostOptions = {},
): Promise<void> {
  const home = await Deno.realPath(await Deno.makeTempDir({ prefix: "doctor-" }));
  await Deno.chmod(home, 0o755);
  const write = async (name: string, text: string, mode: number = 0o644) => {
    const path = join(home, name);
    await Deno.mkdir(join(path, ".."), { recursive: true });
    await Deno.writeTextFile(path, text);
    await Deno.chmod(path, mode);
    return path;
  };
  const doctor = async (...args: string[]) => {
    const { code, stdout, stderr } = await runWords(["doctor", ...args], options);
    assert.equal(stderr, "");
    const text = stdout.replaceAll(home, "DIR").replace(/\d+(\.\d+)? ms/g, "N ms");
    const [address = "", ...lines] = text.split("\n");
    return { code, lines: [address.replace(/ {2}\(deno-runner .*\)$/, ""), ...lines] };
  };
  const configure = async (yaml: string) => void await write("conf/config.yaml", yaml);
  try {
    await run({ home, socket: join(home, "runner.sock"), configure, write, doctor });
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

function lines(text: string): string[] {
  return text.split("\n");
}

Deno.test("doctor finds no problem with a runner that answers", async () => {
  await inInstallation(async ({ socket, doctor }) => {
    const runner = await serve({ plugins: [], listen: `unix:${socket}` });
    try {
      const result = await doctor("--listen", `unix:${socket}`);
      assert.deepEqual(result, {
        code: 0,
        lines: lines(`unix:DIR/runner.sock

ok       folder  nobody may go through DIR
ok       socket  nobody may connect: its mode is 0666
ok       runner  answers: a token in N ms, a call in N ms

no problem found
`),
      });
    } finally {
      await runner.shutdown();
    }
  });
});

Deno.test("doctor looks at the whole of an installation", async () => {
  await inInstallation(async ({ home, socket, configure, write, doctor }) => {
    await write("apisix/core/version.lua", 'return { VERSION = "3.18.0" }');
    await write("logs/nginx.pid", `${Deno.pid}\n`);
    const program = await write("deno-runner", "#!/bin/sh\nexec true\n", 0o755);
    await configure(
      `ext-plugin:\n  cmd: ["${program}", run]\n  path_for_test: ${socket}\n` +
        "plugins: [ext-plugin-pre-req, ext-plugin-post-req, ext-plugin-post-resp]\n",
    );
    const runner = await serve({ plugins: [], listen: `unix:${socket}` });
    try {
      const { code, lines: said } = await doctor("-c", join(home, "conf", "config.yaml"));
      assert.deepEqual(
        { code, said },
        {
          code: 0,
          said: lines(`unix:DIR/runner.sock

ok       config         DIR/conf/config.yaml, of APISIX 3.18.0
ok       APISIX         runs as process ${Deno.pid}, started from ${Deno.cwd()}
warning  path_for_test  cmd and path_for_test are both set: APISIX starts the runner, on the test
                        path
                        → Remove path_for_test in production, cmd while you start the runner
                          yourself.
ok       cmd            DIR/deno-runner can be executed
ok       folder         nobody may go through DIR
ok       socket         nobody may connect: its mode is 0666
ok       runner         answers: a token in N ms, a call in N ms

1 warning
`),
        },
      );
    } finally {
      await runner.shutdown();
    }
  });
});

/** What is listened on while doctor looks, and what it says then. */
const SOCKETS: Record<string, {
  prepare(socket: string): Disposable | Promise<Disposable>;
  says: string[];
}> = {
  "a missing socket": {
    prepare: () => nothing,
    says: [
      "problem socket DIR/runner.sock does not exist: no runner has listened there " +
      "→ Start it: APISIX_LISTEN_ADDRESS=unix:DIR/runner.sock deno-runner run",
    ],
  },
  "a stale socket": {
    prepare: async (socket) => {
      const listener = Deno.listen({ transport: "unix", path: `${socket}.new` });
      await Deno.rename(`${socket}.new`, socket);
      await Deno.chmod(socket, 0o666);
      listener.close();
      return nothing;
    },
    says: [
      "ok socket nobody may connect: its mode is 0666",
      "problem listener nobody listens: a runner that was killed has left the socket behind " +
      "→ Start the runner again: APISIX_LISTEN_ADDRESS=unix:DIR/runner.sock deno-runner run",
    ],
  },
  "something else than a socket": {
    prepare: async (socket) => {
      await Deno.writeTextFile(socket, "");
      return nothing;
    },
    says: [
      "problem socket there is something at DIR/runner.sock that is not a socket " +
      "→ Remove it, or choose another path.",
    ],
  },
  "a socket that was removed under a runner": {
    prepare: async (socket) => {
      const listener = Deno.listen({ transport: "unix", path: socket });
      await Deno.remove(socket);
      return listener;
    },
    says: [
      `problem socket DIR/runner.sock does not exist, though process ${Deno.pid} listens: its ` +
      "socket was removed, by an older runner that ended, say " +
      `→ End process ${Deno.pid} and start the runner again.`,
    ],
  },
};

const nothing: Disposable = { [Symbol.dispose]() {} };

for (const [what, { prepare, says }] of Object.entries(SOCKETS)) {
  Deno.test(`doctor sees ${what}`, async () => {
    await inInstallation(async ({ socket, doctor }) => {
      using _prepared = await prepare(socket);
      const { code, lines: [, , , ...said] } = await doctor("--listen", `unix:${socket}`);
      assert.equal(code, 1);
      assert.deepEqual(unbroken(said.slice(0, -3)), says);
    });
  });
}

/** Lines break elsewhere when the folder has another name: each finding as one line. */
function unbroken(said: readonly string[]): string[] {
  return said.join("\n").replace(/\n {10,}/g, " ").replace(/ +/g, " ").split("\n");
}

Deno.test("doctor sees that workers may not connect to the socket", async () => {
  await inInstallation(async ({ socket, doctor }) => {
    const runner = await serve({ plugins: [], listen: `unix:${socket}`, socketMode: 0o600 });
    try {
      const { code, lines: said } = await doctor("--listen", `unix:${socket}`, "--user", "nobody");
      assert.equal(code, 1);
      assert.deepEqual(
        said.slice(3, 6),
        lines(
          `problem  socket  nobody may not connect: its mode is 0600, connecting takes write permission
                 → Start the runner with --socket-mode 0666, or with a --socket-group that the
                   workers are in.`,
        ),
      );
      // Root may.
      assert.equal((await doctor("--listen", `unix:${socket}`, "--user", "root")).code, 0);
    } finally {
      await runner.shutdown();
    }
  });
});

Deno.test("doctor sees a folder that workers may not go through", async () => {
  await inInstallation(async ({ home, doctor }) => {
    await Deno.mkdir(join(home, "closed", "open"), { recursive: true });
    await Deno.chmod(join(home, "closed"), 0o700);
    const { code, lines: said } = await doctor("--listen", `unix:${home}/closed/open/x.sock`);
    assert.equal(code, 1);
    assert.deepEqual(
      said.slice(2, -3),
      lines(`problem  folder  nobody may not go through DIR/closed: its mode is 0700
                 → chmod o+x DIR/closed, or choose a path elsewhere.`),
    );
  });
});

Deno.test("doctor sees a folder that does not exist, and one that is none", async () => {
  await inInstallation(async ({ home, write, doctor }) => {
    const missing = await doctor("--listen", `unix:${home}/conf/x.sock`);
    assert.equal(
      missing.lines[2],
      "problem  folder  DIR/conf does not exist",
    );
    await write("file", "");
    const { code, lines: said } = await doctor("--listen", `unix:${home}/file/x.sock`);
    assert.equal(code, 1);
    assert.equal(said[2], "problem  folder  DIR/file is not a folder");
  });
});

Deno.test("doctor sees a path that is too long for a socket", async () => {
  const { code, stdout } = await runWords(["doctor", "--listen", `unix:/${"x".repeat(107)}`]);
  assert.equal(code, 1);
  assert.match(
    stdout,
    /^problem {2}address {2}the path has 108 bytes, a unix socket's at most 107/m,
  );
});

Deno.test("doctor says what is missing when it does not know the address", async () => {
  await inInstallation(async ({ home, configure, doctor }) => {
    await configure('ext-plugin:\n  cmd: ["/bin/true"]\n');
    const { code, lines: said } = await doctor("--config", join(home, "conf/config.yaml"));
    assert.equal(code, 1);
    assert.deepEqual(
      said,
      lines(`no address

ok       config   DIR/conf/config.yaml
warning  APISIX   does not run, as far as DIR/logs/nginx.pid tells
                  → Start it: apisix start
ok       cmd      /bin/true can be executed
problem  address  it is not known which socket APISIX connects to
                  → Name APISIX' config.yaml with --config, or the socket with --listen unix:PATH.

1 problem, 1 warning
`),
    );
  });
});

Deno.test("doctor finds the socket of an APISIX that runs", async () => {
  await inInstallation(async ({ home, configure, write, doctor }) => {
    await configure('ext-plugin:\n  cmd: ["/bin/true"]\n');
    const sleeper = new Deno.Command("sleep", { args: ["60"], cwd: home }).spawn();
    try {
      await write("logs/nginx.pid", `${sleeper.pid}`);
      const { lines: said } = await doctor("--config", join(home, "conf/config.yaml"));
      assert.equal(said[0], `unix:DIR/conf/apisix-${sleeper.pid}.sock`);
      assert.equal(said[3], `ok       APISIX  runs as process ${sleeper.pid}, started from DIR`);
      assert.match(
        unbroken(said).join("\n"),
        /no runner has listened there → See in logs\/error.log why/,
      );
    } finally {
      sleeper.kill("SIGKILL");
      await sleeper.status;
    }
  });
});

Deno.test("doctor quotes what the log said last of the runner", async () => {
  await inInstallation(async ({ home, configure, write, doctor }) => {
    await configure(`ext-plugin:\n  path_for_test: ${home}/x.sock\n`);
    await write(
      "logs/error.log",
      "2025/11/22 18:00:00 [error] 7#7: *1 [lua] init.lua:1: failed to connect to the unix socket " +
        "/x.sock: permission denied, client: 127.0.0.1\n2025/11/22 18:00:01 [warn] another line\n",
    );
    const { lines: said } = await doctor("--config", join(home, "conf/config.yaml"));
    assert.equal(
      unbroken(said)[4],
      "warning error.log said last, 2025/11/22 18:00:00: failed to connect to the unix socket " +
        "/x.sock: permission denied → See whether it is over: DIR/logs/error.log",
    );
  });
});

Deno.test("doctor says when config.yaml cannot be read", async () => {
  await inInstallation(async ({ home, configure, doctor }) => {
    const path = join(home, "conf/config.yaml");
    const missing = await doctor("--config", path);
    assert.equal(missing.code, 1);
    assert.match(
      missing.lines[2] ?? "",
      /^problem {2}config {3}Cannot read DIR\/conf\/config.yaml: there is no such/,
    );
    await configure("ext-plugin:\n  cmd: [\n");
    const broken = await doctor("--config", path);
    assert.match(
      broken.lines[2] ?? "",
      /^problem {2}config {3}Cannot read DIR\/conf\/config.yaml, line 3: /,
    );
  });
});

Deno.test("doctor takes the address from the environment", async () => {
  const env = { APISIX_LISTEN_ADDRESS: "unix:/no-such-folder/x.sock" };
  const { stdout } = await runWords(["doctor"], { env });
  assert.match(stdout, /^unix:\/no-such-folder\/x\.sock /);
});

Deno.test("doctor refuses an address that APISIX cannot have", async () => {
  const { code, stderr } = await runWords(["doctor", "--listen", "127.0.0.1:80"]);
  assert.equal(code, 2);
  assert.match(stderr, /^deno-runner: Cannot use the address "127.0.0.1:80": expected unix:PATH/);
});

Deno.test("doctor says that a user does not exist", async () => {
  await inInstallation(async ({ home, configure, doctor }) => {
    await configure(
      `nginx_config:\n  user: no-such-user\next-plugin:\n  path_for_test: ${home}/x\n`,
    );
    const { lines: said } = await doctor("--config", join(home, "conf/config.yaml"));
    assert.match(said[2] ?? "", /^problem {2}user +there is no user no-such-user on this machine/);
  });
});

Deno.test("doctor reports as JSON", async () => {
  const { code, stdout } = await runWords(
    ["doctor", "--listen", "unix:/no-such-folder/x.sock", "-o", "json", "-u", "root"],
  );
  assert.equal(code, 1);
  const { versions, ...report } = JSON.parse(stdout);
  assert.deepEqual(Object.keys(versions), ["runner", "deno", "target"]);
  assert.deepEqual(report, {
    address: "unix:/no-such-folder/x.sock",
    config: null,
    user: "root",
    problems: 1,
    warnings: 0,
    findings: [{
      level: "problem",
      about: "folder",
      seen: "/no-such-folder does not exist",
      todo: "mkdir /no-such-folder, or start APISIX from the folder that has conf/ in it.",
    }],
  });
});

Deno.test("doctor has colours on a terminal", async () => {
  const { stdout } = await runWords(["doctor", "--listen", "unix:/no-such-folder/x"], {
    isTerminal: true,
  });
  assert(stdout.includes("\x1b[31mproblem\x1b[39m  \x1b[1mfolder\x1b[22m  /no-such-folder"));
});
